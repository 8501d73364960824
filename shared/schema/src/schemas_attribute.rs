//! The `schemas` attribute of a resource or a message (RFC 7643 §3): checks the URIs that it lists.

use serde_json::Value;

use crate::{Dialect, Leniency, Object, ResourceType, Violation};

/// Checks that `schemas` lists the URI of the resource or message itself, and no other URI but `others`. The list
/// is only checked for form: the attributes of a resource decide which schemas it uses.
///
/// # Errors
/// In any dialect, if the body has `schemas` more than once, in different letter case. In a strict dialect, also if
/// `schemas` is not an array, or a URI is missing or unexpected.
pub fn check_schemas(body: &Object, itself: &str, others: &[&str], dialect: &Dialect) -> Result<(), Violation> {
    if body.keys().filter(|name| name.eq_ignore_ascii_case("schemas")).nth(1).is_some() {
        return Err(Violation::new("schemas", "is sent more than once, in different spellings; send it once"));
    }
    let listed = listed_schemas(body);
    if body.iter().any(|(name, value)| name.eq_ignore_ascii_case("schemas") && !value.is_array() && !value.is_null()) {
        dialect.tolerate(Leniency::SingleForList, "schemas")?;
    }
    if !listed.iter().any(|urn| is_urn(urn, itself)) {
        dialect.tolerate(Leniency::MissingSchemas, "schemas")?;
    }
    let known = |urn: &Value| is_urn(urn, itself) || others.iter().any(|other| is_urn(urn, other));
    if listed.iter().all(known) { Ok(()) } else { dialect.tolerate(Leniency::UnknownSchemas, "schemas") }
}

/// The values in the `schemas` of a body. A single value without an array counts as a list of one.
pub fn listed_schemas(body: &Object) -> &[Value] {
    match body.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas")) {
        None | Some((_, Value::Null)) => &[],
        Some((_, Value::Array(listed))) => listed,
        Some((_, single)) => std::slice::from_ref(single),
    }
}

fn is_urn(listed: &Value, urn: &str) -> bool {
    listed.as_str().is_some_and(|listed| listed.eq_ignore_ascii_case(urn))
}

impl ResourceType {
    /// Checks the `schemas` of a body against the resource that was read from it.
    pub(crate) fn check_schemas_of(
        &self,
        body: &Object,
        resource: &Object,
        dialect: &Dialect,
    ) -> Result<(), Violation> {
        let extensions: Vec<&str> = self.extensions.iter().map(|extension| extension.schema.id.as_str()).collect();
        check_schemas(body, &self.schema.id, &extensions, dialect)?;
        let listed = listed_schemas(body);
        let is_unlisted =
            |urn: &&&str| resource.contains_key(**urn) && !listed.iter().any(|listed| is_urn(listed, urn));
        match extensions.iter().find(is_unlisted) {
            Some(urn) => dialect.tolerate(Leniency::UnlistedExtensions, urn),
            None => Ok(()),
        }
    }

    /// The URIs for `schemas`: the core schema and each extension that the resource carries.
    pub fn schemas_of(&self, resource: &Object) -> Vec<Value> {
        let extensions = self.extensions.iter().map(|extension| &extension.schema.id);
        std::iter::once(&self.schema.id)
            .chain(extensions.filter(|urn| resource.contains_key(*urn)))
            .map(|urn| Value::from(urn.as_str()))
            .collect()
    }
}
