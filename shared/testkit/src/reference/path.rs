//! Attribute notation (RFC 7644 §3.10) and the paths of PATCH operations (§3.5.2, Figure 7).

use super::attributes::{Attribute, ENTERPRISE, EXTENSION, Kind, Place};
use super::filter;
use super::syntax::{self, Expression};
use super::{GROUP, Refusal, USER};

/// What a name in attribute notation stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Location {
    pub(super) place: Place,
    pub(super) attribute: &'static Attribute,
    pub(super) part: Option<&'static Attribute>,
}

/// The attribute that `name` stands for in resources of this kind, or `None`.
///
/// Choice: §3.10 says that clients "SHOULD fully qualify extended attributes"; a strict token requires it.
pub(super) fn locate(kind: Kind, name: &str) -> Option<Location> {
    let (place, name) = without_schema(kind, name)?;
    let (attribute, part) = match name.split_once('.') {
        Some((attribute, part)) => (attribute, Some(part)),
        None => (name, None),
    };
    let attribute = kind.attribute(place, attribute)?;
    let part = match part {
        Some(part) => Some(attribute.part(part)?),
        None => None,
    };
    Some(Location { place, attribute, part })
}

/// Divides a name into the schema and the rest. All facets of a name are case insensitive (§3.10).
fn without_schema(kind: Kind, name: &str) -> Option<(Place, &str)> {
    let after = |schema: &str| {
        let is_next = name.get(..schema.len()).is_some_and(|start| start.eq_ignore_ascii_case(schema));
        if is_next { name[schema.len()..].strip_prefix(':') } else { None }
    };
    let core = if kind == Kind::User { after(USER) } else { after(GROUP) };
    let in_core = core.map(|rest| (Place::Core, rest));
    in_core.or_else(|| after(ENTERPRISE).map(|rest| (Place::Extension, rest))).or(Some((Place::Core, name)))
}

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
    /// Reads a path and looks its names up. Choice: what names no attribute is `invalidPath`; the RFC could be read to
    /// say `noTarget`, too.
    pub(super) fn parse(kind: Kind, text: &str) -> Result<Self, Refusal> {
        if kind == Kind::User && text.eq_ignore_ascii_case(EXTENSION.name) {
            return Ok(Self::Extension);
        }
        let unknown = || Refusal::new("invalidPath", format!("the path {text} names no attribute"));
        let Some((name, rest)) = text.split_once('[') else {
            return locate(kind, text).map(Self::Attribute).ok_or_else(unknown);
        };
        let location = locate(kind, name).ok_or_else(unknown)?;
        let attribute = location.attribute;
        // "The 'valuePath' rule allows specific values of a complex multi-valued attribute to be selected."
        if location.part.is_some() || !attribute.is_multi_valued || !attribute.is_complex() {
            return Err(Refusal::new("invalidPath|invalidFilter", format!("{name} has no values to select from")));
        }
        let malformed = |reason| Refusal::new("invalidPath|invalidFilter", reason);
        let (filter, rest) = syntax::value_filter(rest).map_err(malformed)?;
        filter::check_inside(&filter, attribute).map_err(|refusal| malformed(refusal.reason))?;
        let part = match rest.strip_prefix('.') {
            Some(part) => Some(attribute.part(part).ok_or_else(unknown)?),
            None if rest.is_empty() => None,
            None => return Err(Refusal::new("invalidPath", format!("{rest} follows the path"))),
        };
        Ok(Self::Values { attribute, filter, part })
    }
}
