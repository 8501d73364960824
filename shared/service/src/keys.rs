//! The keys of a resource: its unique name, and the values by which filters look it up.

use std::collections::BTreeSet;

use protocol::{Error, comparison_key, former_name_key, name_key};
use schema::{Kind, Object, ResourceId, resource_type};
use serde_json::Value;
use store::{Index, Keys, Stored};

use crate::Context;
use crate::error::to_client_error;

/// The keys that a resource should have.
///
/// # Errors
/// [`Error::InvalidValue`] if a required attribute is missing, or the name is not valid.
pub(crate) fn keys_of(kind: Kind, resource: &Object) -> Result<Keys, Error> {
    let definition = resource_type(kind);
    if let Some(missing) = definition.missing(resource) {
        return Err(Error::InvalidValue(format!("{missing} is required. Send it with a value that is not empty.")));
    }
    let lookups: BTreeSet<(Index, String)> = external_ids(kind, resource).chain(emails(kind, resource)).collect();
    Ok(Keys { name: name_key(kind, name_of(kind, resource))?, lookups: lookups.into_iter().collect() })
}

/// The keys that a stored resource has. Its name may have a key of an earlier version, which the next commit of the
/// resource deletes; the read of that key is part of this version of the resource, because only a commit of the
/// resource changes it.
///
/// # Errors
/// The errors of [`keys_of`] and of the read.
pub(crate) async fn stored_keys(context: &Context<'_>, stored: &Stored) -> Result<Keys, Error> {
    let mut keys = keys_of(stored.kind, &stored.resource)?;
    if let Some(former) = former_name_key(stored.kind, name_of(stored.kind, &stored.resource)) {
        let owner = context.directory.name_owner(context.tenant(), stored.kind, &former).await;
        if owner.map_err(to_client_error)?.as_ref() == Some(&stored.id) {
            keys.name = former;
        }
    }
    Ok(keys)
}

/// The unique name of a resource.
pub(crate) fn name_of(kind: Kind, resource: &Object) -> &str {
    resource.get(resource_type(kind).naming_attribute()).and_then(Value::as_str).unwrap_or_default()
}

fn external_ids(kind: Kind, resource: &Object) -> impl Iterator<Item = (Index, String)> {
    let external_id = resource.get("externalId").and_then(Value::as_str);
    external_id.map(|id| (external_id_index(kind), id.to_owned())).into_iter()
}

/// The index of a kind's `externalId`.
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
    values.filter_map(move |value| Some((Index::UserEmail, comparison_key(attribute?, value).into_owned())))
}

/// The error for a name that another resource has. It does not name that resource.
pub(crate) fn uniqueness_error(kind: Kind) -> Error {
    let attribute = resource_type(kind).naming_attribute();
    Error::Uniqueness(format!(
        "{attribute} is already used by another {kind} (comparison ignores case and Unicode normalization). Link to the existing {kind}, or use \
         another {attribute}."
    ))
}

/// A new id of a resource or of a change record. Ids sort by the time of their creation.
pub(crate) fn new_id() -> Result<ResourceId, Error> {
    ResourceId::parse(&uuid::Uuid::now_v7().to_string()).ok_or(Error::Internal)
}
