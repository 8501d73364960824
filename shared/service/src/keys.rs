//! By what a resource is found and held unique: its name, and the values that filters look up.

use std::collections::BTreeSet;

use protocol::{Error, comparison_key, name_key};
use schema::{Kind, Object, ResourceId, resource_type};
use serde_json::Value;
use store::{Index, Keys};

/// The keys of a resource.
///
/// # Errors
/// [`Error::InvalidValue`] if its required name is missing, or cannot be one.
pub(crate) fn keys_of(kind: Kind, resource: &Object) -> Result<Keys, Error> {
    let definition = resource_type(kind);
    if let Some(missing) = definition.missing(resource) {
        return Err(Error::InvalidValue(format!("{missing} is required; send it with a value that is not empty.")));
    }
    let name = resource.get(definition.naming_attribute()).and_then(Value::as_str).unwrap_or_default();
    let lookups: BTreeSet<(Index, String)> = external_ids(kind, resource).chain(emails(kind, resource)).collect();
    Ok(Keys { name: name_key(kind, name)?, lookups: lookups.into_iter().collect() })
}

fn external_ids(kind: Kind, resource: &Object) -> impl Iterator<Item = (Index, String)> {
    let external_id = resource.get("externalId").and_then(Value::as_str);
    external_id.map(|id| (external_id_index(kind), id.to_owned())).into_iter()
}

/// Where a kind's `externalId` is looked up.
pub(crate) fn external_id_index(kind: Kind) -> Index {
    match kind {
        Kind::User => Index::UserExternalId,
        Kind::Group => Index::GroupExternalId,
    }
}

fn emails(kind: Kind, resource: &Object) -> impl Iterator<Item = (Index, String)> {
    let attribute = resource_type(kind).attribute("emails").and_then(|emails| emails.sub_attribute("value"));
    let elements = resource.get("emails").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let values = elements.iter().filter_map(|element| element.get("value").and_then(Value::as_str));
    values.filter_map(move |value| Some((Index::UserEmail, comparison_key(attribute?, value))))
}

/// The answer to a name that another resource has. It does not say whose it is.
pub(crate) fn taken(kind: Kind) -> Error {
    let attribute = resource_type(kind).naming_attribute();
    Error::Uniqueness(format!(
        "Another {kind} has this {attribute} already (case does not count). Link to the existing one, or use another {attribute}."
    ))
}

/// A new id, or that of a change record: in the order of time.
pub(crate) fn new_id() -> Result<ResourceId, Error> {
    ResourceId::parse(&uuid::Uuid::now_v7().to_string()).ok_or(Error::Internal)
}

/// The time now as an RFC 3339 text, to the millisecond.
pub(crate) fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}
