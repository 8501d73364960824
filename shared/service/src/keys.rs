//! The keys of a resource: its unique name, and the values by which filters look it up.
//!
//! A text of lower-case ASCII is its own key, in every release. The key of any other text is stored with the resource,
//! so that a release with other rules, or other tables of Unicode, finds the items that an earlier one has written.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use protocol::{Error, comparison_key, former_comparison_key, former_name_key, name_key};
use schema::{Kind, Object, ResourceId, resource_type};
use serde_json::Value;
use store::{Index, Keys, StoredKeys, StoredResource};

use crate::Context;
use crate::error::to_client_error;

/// The keys that a resource gets when it is written.
///
/// # Errors
/// [`Error::InvalidValue`] if a required attribute is missing, or the name is not valid.
pub(crate) fn keys_of(kind: Kind, resource: &Object) -> Result<Keys, Error> {
    make_keys(kind, resource, None)
}

/// The keys that a stored resource should have, and the key that an earlier release gave its name, if it differs.
///
/// # Errors
/// The errors of [`keys_of`].
pub(crate) fn expected_keys(stored: &StoredResource) -> Result<(Keys, Option<String>), Error> {
    let keys = keys_of(stored.kind, &stored.resource)?;
    let name = name_of(stored.kind, &stored.resource);
    let known = stored.keys.name.get(name).filter(|known| **known != keys.name).cloned();
    let former = known.or_else(|| keys.former_name.clone());
    Ok((keys, former))
}

/// The keys that a stored resource has. Its name may have a key of version 0.1.0, which the next commit of the resource
/// deletes; the read of that key is part of this version of the resource, because only a commit of the resource changes
/// it.
///
/// # Errors
/// The errors of [`keys_of`] and of the read.
pub(crate) async fn stored_keys(context: &Context<'_>, stored: &StoredResource) -> Result<Keys, Error> {
    let mut keys = make_keys(stored.kind, &stored.resource, Some(&stored.keys))?;
    let is_known = stored.keys.name.contains_key(name_of(stored.kind, &stored.resource));
    if let Some(former) = keys.former_name.clone().filter(|_| !is_known) {
        let owner = context.directory.name_owner(context.tenant(), stored.kind, &former).await;
        if owner.map_err(to_client_error)?.as_ref() == Some(&stored.id) {
            keys.name = former;
        }
    }
    Ok(keys)
}

/// The keys that earlier releases gave the e-mail addresses of a stored resource, where they differ.
pub(crate) fn former_email_keys(stored: &StoredResource) -> Vec<String> {
    let known = emails(stored.kind, &stored.resource).filter_map(|(text, now)| {
        let known = stored.keys.emails.get(text).cloned();
        known.or_else(|| former_comparison_key(text)).filter(|former| *former != now)
    });
    known.collect()
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

/// The e-mail addresses of a resource, each with the key that this release gives it.
fn emails(kind: Kind, resource: &Object) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    let attribute = resource_type(kind).attribute("emails").and_then(|emails| emails.sub_attribute("value"));
    let elements = resource.get("emails").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let values = elements.iter().filter_map(|element| element.get("value").and_then(Value::as_str));
    values.filter_map(move |value| Some((value, comparison_key(attribute?, value))))
}

/// Makes the keys of a resource. Those of a stored one are as they were stored: a text that is not in `stored` has the
/// keys of version 0.1.0.
fn make_keys(kind: Kind, resource: &Object, stored: Option<&StoredKeys>) -> Result<Keys, Error> {
    let definition = resource_type(kind);
    if let Some(missing) = definition.missing(resource) {
        return Err(Error::InvalidValue(format!("{missing} is required. Send it with a value that is not empty.")));
    }
    let text = name_of(kind, resource);
    let name = match stored.and_then(|stored| stored.name.get(text)) {
        Some(key) => key.clone(),
        None => name_key(kind, text)?,
    };
    let mut made = StoredKeys::default();
    keep(&mut made.name, text, &name);
    let mut lookups: BTreeSet<(Index, String)> = external_ids(kind, resource).collect();
    for (text, key) in emails(kind, resource) {
        let known = stored.and_then(|stored| stored.emails.get(text).cloned().or_else(|| former_comparison_key(text)));
        let key = known.unwrap_or_else(|| key.into_owned());
        keep(&mut made.emails, text, &key);
        lookups.insert((Index::UserEmail, key));
    }
    let former_name = former_name_key(kind, text);
    Ok(Keys { name, lookups: lookups.into_iter().collect(), former_name, stored: made })
}

/// Stores a key with its text, unless the text is its own key in every release.
fn keep(keys: &mut BTreeMap<String, String>, text: &str, key: &str) {
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()) {
        keys.insert(text.to_owned(), key.to_owned());
    }
}

/// The error for a name that another resource has. It does not name that resource.
pub(crate) fn uniqueness_error(kind: Kind) -> Error {
    let attribute = resource_type(kind).naming_attribute();
    Error::Uniqueness(format!(
        "{attribute} is already used by another {kind} (comparison ignores case and Unicode normalization). Link to \
         the existing {kind}, or use another {attribute}."
    ))
}

/// A new id of a resource or of a change record. Ids sort by the time of their creation.
pub(crate) fn new_id() -> Result<ResourceId, Error> {
    ResourceId::parse(&uuid::Uuid::now_v7().to_string()).ok_or(Error::Internal)
}
