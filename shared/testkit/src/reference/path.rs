//! The paths of PATCH operations (RFC 7644 §3.5.2, Figure 7).

use super::attributes::{Attribute, EXTENSION, Kind};
use super::expected_error::ExpectedError;
use super::filter;
use super::location::{Location, locate};
use super::syntax::{self, Expression};

/// The target of a PATCH operation.
#[derive(Debug, Clone)]
pub(super) enum Path {
    /// The extension as a whole. Choice: Figure 7 derives its URI as a schema and a name, which is no attribute; the
    /// service takes it as the complex attribute that §3.3 of RFC 7643 makes of it.
    Extension,
    /// `attrPath`
    Attribute(Location),
    /// `valuePath [subAttr]`: the values of a multi-valued attribute that match, or a sub-attribute of them.
    Values { attribute: &'static Attribute, filter: Expression, part: Option<&'static Attribute> },
}

impl Path {
    /// Reads a path and looks its names up. Choice: a path that names no attribute is `invalidPath`; `noTarget` would
    /// be another reading of the RFC.
    pub(super) fn parse(kind: Kind, text: &str) -> Result<Self, ExpectedError> {
        if kind == Kind::User && text.eq_ignore_ascii_case(EXTENSION.name) {
            return Ok(Self::Extension);
        }
        let unknown = || ExpectedError::new("invalidPath", format!("the path {text} names no attribute"));
        let Some((name, rest)) = text.split_once('[') else {
            return locate(kind, text).map(Self::Attribute).ok_or_else(unknown);
        };
        let location = locate(kind, name).ok_or_else(unknown)?;
        let attribute = location.attribute;
        // "The 'valuePath' rule allows specific values of a complex multi-valued attribute to be selected."
        if location.part.is_some() || !attribute.is_multi_valued || !attribute.is_complex() {
            return Err(ExpectedError::new(
                "invalidPath|invalidFilter",
                format!("{name} has no values to select from"),
            ));
        }
        let malformed = |reason| ExpectedError::new("invalidPath|invalidFilter", reason);
        let (filter, rest) = syntax::value_filter(rest).map_err(malformed)?;
        filter::check_inside(&filter, attribute).map_err(|error| malformed(error.reason))?;
        let part = match rest.strip_prefix('.') {
            Some(part) => Some(attribute.part(part).ok_or_else(unknown)?),
            None if rest.is_empty() => None,
            None => return Err(ExpectedError::new("invalidPath", format!("{rest} follows the path"))),
        };
        Ok(Self::Values { attribute, filter, part })
    }
}
