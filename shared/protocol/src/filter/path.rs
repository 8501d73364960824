//! Reading the path of a PATCH operation (RFC 7644 §3.5.2, figure 7).

use schema::{Attribute, Dialect, ResourceType};

use super::parse::{Parser, Scope};
use super::{FILTER_BYTES, Fault, Filter};
use crate::Error;
use crate::path::{AttributePath, Target};

/// The path of a PATCH operation.
#[derive(Debug)]
pub(crate) enum Place {
    Whole(Target),
    /// `emails[type eq "work"]`, and `.value` behind it.
    Elements {
        path: AttributePath,
        filter: Filter,
        sub: Option<&'static Attribute>,
    },
}

/// Reads the path of a PATCH operation.
///
/// # Errors
/// [`Error::InvalidPath`], with the place.
pub(crate) fn place(definition: &'static ResourceType, text: &str, dialect: &Dialect) -> Result<Place, Error> {
    let read = || {
        if text.len() > FILTER_BYTES {
            return Err(Fault::new(1, format!("it has more than {FILTER_BYTES} bytes")));
        }
        let mut parser = Parser::new(text, dialect)?;
        let (at, word) = parser.word("an attribute")?;
        if parser.peek().is_none() {
            let unknown = || Fault::new(at, format!("{} has no attribute `{word}`", definition.kind));
            let target = Target::resolve(definition, word).ok_or_else(unknown)?;
            if let Target::Attribute(path) = target {
                path.check_spelling(word, dialect).map_err(|invalid| Fault::refused(at, invalid))?;
            }
            return Ok(Place::Whole(target));
        }
        let path = Scope::Resource(definition).path(at, word, dialect)?;
        let filter = parser.element_filter(at, path, 0)?;
        let sub = parser.sub_attribute(path)?;
        parser.end()?;
        Ok(Place::Elements { path, filter, sub })
    };
    read().map_err(|fault: Fault| Error::InvalidPath(format!("The path is not understood {fault}.")))
}
