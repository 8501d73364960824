//! Attribute notation (RFC 7644 §3.10).

use super::attributes::{Attribute, ENTERPRISE, GROUP, Kind, Place, USER};

/// The attribute that a name in attribute notation stands for.
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
