//! The `schemas` attribute of a resource or a message (RFC 7643 §3): which URIs stand in it, and which should.

use serde_json::Value;

use crate::{Dialect, Invalid, Leniency, Object, ResourceType};

/// Sees whether `schemas` lists the URI of the resource or message itself, and beside it none but `others`. What it
/// lists is a matter of form: what a resource is follows from its attributes.
///
/// # Errors
/// In a strict dialect, what it lacks or should not have.
pub fn check_schemas(body: &Object, itself: &str, others: &[&str], dialect: &Dialect) -> Result<(), Invalid> {
    if body.keys().filter(|name| name.eq_ignore_ascii_case("schemas")).nth(1).is_some() {
        return Err(Invalid::new("schemas", "is there more than once, in different spellings; send it once"));
    }
    let listed = listed(body);
    if body.iter().any(|(name, value)| name.eq_ignore_ascii_case("schemas") && !value.is_array() && !value.is_null()) {
        dialect.tolerate(Leniency::SingleForList, "schemas")?;
    }
    if !listed.iter().any(|urn| is(urn, itself)) {
        dialect.tolerate(Leniency::MissingSchemas, "schemas")?;
    }
    let known = |urn: &Value| is(urn, itself) || others.iter().any(|other| is(urn, other));
    match listed.iter().all(known) {
        true => Ok(()),
        false => dialect.tolerate(Leniency::UnknownSchemas, "schemas"),
    }
}

/// What stands in the `schemas` of a body; a value that is no array as well.
pub fn listed(body: &Object) -> &[Value] {
    match body.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas")) {
        None | Some((_, Value::Null)) => &[],
        Some((_, Value::Array(listed))) => listed,
        Some((_, single)) => std::slice::from_ref(single),
    }
}

fn is(listed: &Value, urn: &str) -> bool {
    listed.as_str().is_some_and(|listed| listed.eq_ignore_ascii_case(urn))
}

impl ResourceType {
    /// Sees whether the `schemas` of a body are those of the resource that was read from it.
    pub(crate) fn check_listed(&self, body: &Object, resource: &Object, dialect: &Dialect) -> Result<(), Invalid> {
        let extensions: Vec<&str> = self.extensions.iter().map(|extension| extension.schema.id.as_str()).collect();
        check_schemas(body, &self.schema.id, &extensions, dialect)?;
        let listed = listed(body);
        let is_unlisted = |urn: &&&str| resource.contains_key(**urn) && !listed.iter().any(|listed| is(listed, urn));
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
