//! Parses the path of a PATCH operation (RFC 7644 §3.5.2, figure 7).

use schema::{Attribute, Dialect, ResourceType};

use super::namespace::Namespace;
use super::parse::Parser;
use super::{Filter, ParseError};
use crate::Error;
use crate::limits::FILTER_BYTES;
use crate::path::{AttributePath, Target};

/// The path of a PATCH operation.
#[derive(Debug)]
pub(crate) enum PatchPath {
    /// A path without a filter.
    Target(Target),
    /// `emails[type eq "work"]`, optionally followed by a sub-attribute such as `.value`.
    Elements { path: AttributePath, filter: Filter, sub: Option<&'static Attribute> },
}

/// Parses the path of a PATCH operation.
///
/// # Errors
/// [`Error::InvalidPath`], with the position of the mistake.
pub(crate) fn parse_path(definition: &'static ResourceType, text: &str, dialect: &Dialect) -> Result<PatchPath, Error> {
    let parse = || {
        if text.len() > FILTER_BYTES {
            return Err(ParseError::new(1, format!("it is longer than {FILTER_BYTES} bytes")));
        }
        let mut parser = Parser::new(text, dialect)?;
        let (at, word) = parser.word("an attribute")?;
        if parser.peek().is_none() {
            let unknown = || ParseError::new(at, format!("{} has no attribute `{word}`", definition.kind));
            let target = Target::resolve(definition, word).ok_or_else(unknown)?;
            if let Target::Attribute(path) = target {
                path.check_spelling(word, dialect).map_err(|violation| ParseError::not_tolerated(at, violation))?;
            }
            return Ok(PatchPath::Target(target));
        }
        let path = Namespace::Resource(definition).path(at, word, dialect)?;
        let filter = parser.element_filter(at, path, 0)?;
        let sub = parser.sub_attribute(path)?;
        parser.end()?;
        Ok(PatchPath::Elements { path, filter, sub })
    };
    parse().map_err(|error: ParseError| Error::InvalidPath(format!("The path is invalid {error}.")))
}
