//! Reading what a client sent by the schema: types checked (RFC 7643 §2.3), names in canonical case (§2.1), unassigned
//! values left out (§2.5), read-only and unknown attributes passed over, `password` dropped.

use std::fmt;

use serde_json::Value;

use crate::primitive::read_simple;
use crate::{Attribute, Dialect, Leniency, Mutability, Object, ResourceType, Schema};

/// A value that the schema does not allow.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Where: `emails[1].primary`.
    pub attribute: String,
    /// What was expected and what came, without the value itself.
    pub problem: String,
    /// What a lenient dialect would have let through.
    pub leniency: Option<Leniency>,
}

impl Invalid {
    pub(crate) fn new(attribute: &str, problem: impl Into<String>) -> Self {
        Invalid { attribute: attribute.to_owned(), problem: problem.into(), leniency: None }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.attribute, self.problem)
    }
}

impl ResourceType {
    /// Reads a whole resource as a client sends it in POST and PUT (RFC 7644 §3.3, §3.5.1). `schemas` is checked and not
    /// kept: it follows from the attributes that are there.
    ///
    /// # Errors
    /// The first value of a wrong type, an attribute that is there twice under two spellings, and what the dialect does
    /// not tolerate.
    pub fn read(&self, body: &Object, dialect: &Dialect) -> Result<Object, Invalid> {
        let mut resource = Object::new();
        self.read_into(&mut resource, body, dialect)?;
        self.check_listed(body, &resource, dialect)?;
        Ok(resource)
    }

    fn read_into(&self, resource: &mut Object, body: &Object, dialect: &Dialect) -> Result<(), Invalid> {
        let mut bare = Vec::new();
        for (name, value) in body {
            if let Some(attribute) = self.attribute(name) {
                if let Some(value) = read_writable(attribute, &attribute.name, value, dialect)? {
                    insert_once(resource, &attribute.name, &attribute.name, value)?;
                }
            } else if let Some(extension) = self.extension(name) {
                let content = read_extension(extension, value, dialect)?;
                if !content.is_empty() {
                    insert_once(resource, &extension.id, &extension.id, Value::Object(content))?;
                }
            } else if name.eq_ignore_ascii_case(&self.schema.id) {
                dialect.tolerate(Leniency::CoreSchemaObject, &self.schema.id)?;
                match value {
                    Value::Object(content) => self.read_into(resource, content, dialect)?,
                    other => return Err(mismatch(name, "an object", other)),
                }
            } else if let Some((extension, attribute)) = self.bare(name) {
                // The path of a PATCH would be invalid; here it is a value.
                let refused = |invalid| Invalid { leniency: None, ..invalid };
                dialect.tolerate(Leniency::BareExtensionNames, name).map_err(refused)?;
                bare.push((extension, attribute, value));
            } else if self.is_path(name) {
                return Err(Invalid::new(name, "is a path; in a whole resource, send the attribute inside its object"));
            } else {
                dialect.tolerate(Leniency::UnknownAttributes, name)?;
            }
        }
        bare.into_iter()
            .try_for_each(|(extension, attribute, value)| read_bare(resource, extension, attribute, value, dialect))
    }

    /// An attribute that only an extension has, by its name alone; of several extensions the first one's, as in a path.
    fn bare(&self, name: &str) -> Option<(&'static Schema, &'static Attribute)> {
        let mut schemas = self.extensions.iter().map(|extension| extension.schema);
        schemas.find_map(|schema| Some((schema, schema.attribute(name)?)))
    }

    /// Whether an unknown name is the notation of RFC 7644 §3.10 for something known: passing it over would lose it.
    fn is_path(&self, name: &str) -> bool {
        let extensions = self.extensions.iter().map(|extension| extension.schema);
        let urns = extensions.chain([self.schema]).map(|schema| schema.id.len());
        let mut below = urns.filter_map(|length| Some((name.get(..length)?, name.get(length..)?.strip_prefix(':')?)));
        below.any(|(urn, _)| self.extension(urn).is_some() || urn.eq_ignore_ascii_case(&self.schema.id))
            || name.split_once('.').is_some_and(|(head, sub)| {
                self.attribute(head).is_some_and(|attribute| attribute.sub_attribute(sub).is_some())
            })
    }

    /// The required attribute that a resource lacks (RFC 7643 §2.2), if any, as `name` or `urn:name`.
    pub fn missing(&self, resource: &Object) -> Option<String> {
        let core = self.attributes().find_map(|attribute| lacks(attribute, resource));
        core.or_else(|| {
            self.extensions.iter().find_map(|extension| {
                let schema = extension.schema;
                let content = match resource.get(&schema.id) {
                    Some(Value::Object(content)) => content,
                    _ if extension.required => return Some(schema.id.clone()),
                    _ => return None,
                };
                let missing = schema.attributes.iter().find_map(|attribute| lacks(attribute, content))?;
                Some(format!("{}:{missing}", schema.id))
            })
        })
    }
}

fn lacks(attribute: &Attribute, holder: &Object) -> Option<String> {
    if attribute.mutability == Mutability::ReadOnly {
        return None;
    }
    let name = &attribute.name;
    let elements = match holder.get(name) {
        None => return attribute.required.then(|| name.clone()),
        Some(Value::Array(elements)) => elements.as_slice(),
        Some(element) => std::slice::from_ref(element),
    };
    let mut objects = elements.iter().filter_map(Value::as_object);
    objects.find_map(|object| {
        let sub = attribute.sub_attributes.iter().find_map(|sub| lacks(sub, object))?;
        Some(format!("{name}.{sub}"))
    })
}

fn read_extension(extension: &Schema, value: &Value, dialect: &Dialect) -> Result<Object, Invalid> {
    let mut content = Object::new();
    let Value::Object(object) = value else {
        return match value {
            Value::Null => Ok(content),
            other => Err(mismatch(&extension.id, "an object", other)),
        };
    };
    for (name, value) in object {
        let Some(attribute) = extension.attribute(name) else {
            dialect.tolerate(Leniency::UnknownAttributes, format_args!("{}:{name}", extension.id))?;
            continue;
        };
        let path = format!("{}:{}", extension.id, attribute.name);
        if let Some(value) = read_writable(attribute, &path, value, dialect)? {
            insert_once(&mut content, &attribute.name, &path, value)?;
        }
    }
    Ok(content)
}

/// Puts an extension's attribute that was sent among the core ones where it belongs.
fn read_bare(
    resource: &mut Object,
    extension: &Schema,
    attribute: &Attribute,
    value: &Value,
    dialect: &Dialect,
) -> Result<(), Invalid> {
    let path = format!("{}:{}", extension.id, attribute.name);
    let Some(value) = read_writable(attribute, &path, value, dialect)? else { return Ok(()) };
    match resource.entry(extension.id.clone()).or_insert_with(|| Value::Object(Object::new())) {
        Value::Object(content) => insert_once(content, &attribute.name, &path, value),
        other => Err(mismatch(&extension.id, "an object", other)),
    }
}

fn insert_once(holder: &mut Object, name: &str, path: &str, value: Value) -> Result<(), Invalid> {
    match holder.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(Invalid::new(path, "is there more than once, in different spellings; send it once")),
    }
}

/// Leaves out what a client may not set, and what is never kept: `password` (RFC 7643 §4.1.1) ends here.
fn read_writable(
    attribute: &Attribute,
    path: &str,
    value: &Value,
    dialect: &Dialect,
) -> Result<Option<Value>, Invalid> {
    if attribute.mutability == Mutability::ReadOnly || attribute.is_dropped() {
        return Ok(None);
    }
    read_value(attribute, path, value, dialect)
}

/// Reads the value of an attribute; `None` is "unassigned": null, `""`, `[]` and `{}` (RFC 7643 §2.5).
///
/// # Errors
/// A value of a wrong type, and what the dialect does not tolerate.
pub fn read_value(
    attribute: &Attribute,
    path: &str,
    value: &Value,
    dialect: &Dialect,
) -> Result<Option<Value>, Invalid> {
    if !attribute.multi_valued {
        return match value {
            Value::Array(list) if attribute.is_complex() && list.len() <= 1 => {
                dialect.tolerate(Leniency::ListForSingle, path)?;
                list.first().map_or(Ok(None), |element| read_element(attribute, path, element, dialect))
            }
            other => read_element(attribute, path, other, dialect),
        };
    }
    let list = match value {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        Value::String(text) if text.is_empty() => {
            dialect.tolerate(Leniency::EmptyStrings, path)?;
            &[]
        }
        Value::Object(nothing) if nothing.is_empty() => return Err(mismatch(path, "an array", value)),
        single => {
            dialect.tolerate(Leniency::SingleForList, path)?;
            std::slice::from_ref(single)
        }
    };
    let mut elements = Vec::with_capacity(list.len());
    for (at, element) in list.iter().enumerate() {
        elements.extend(read_element(attribute, &format!("{path}[{at}]"), element, dialect)?);
    }
    keep_last_primary(&mut elements, path, dialect)?;
    Ok((!elements.is_empty()).then_some(Value::Array(elements)))
}

/// RFC 7643 §2.4 allows one primary value.
fn keep_last_primary(elements: &mut [Value], path: &str, dialect: &Dialect) -> Result<(), Invalid> {
    let mut found = false;
    for element in elements.iter_mut().rev() {
        if let Some(primary) = element.get_mut("primary").filter(|primary| **primary == Value::Bool(true)) {
            if found {
                dialect.tolerate(Leniency::SeveralPrimaries, path)?;
            }
            *primary = Value::Bool(!found);
            found = true;
        }
    }
    Ok(())
}

/// Reads one element of a multi-valued attribute, or the value of a single-valued one.
///
/// # Errors
/// A value of a wrong type, and what the dialect does not tolerate.
pub fn read_element(
    attribute: &Attribute,
    path: &str,
    value: &Value,
    dialect: &Dialect,
) -> Result<Option<Value>, Invalid> {
    if value.is_null() {
        return Ok(None);
    }
    if value.as_str() == Some("") {
        dialect.tolerate(Leniency::EmptyStrings, path)?;
        return Ok(None);
    }
    if attribute.is_complex() {
        return read_complex(attribute, path, value, dialect);
    }
    read_simple(attribute.data_type, path, value, dialect).map(Some)
}

fn read_complex(attribute: &Attribute, path: &str, value: &Value, dialect: &Dialect) -> Result<Option<Value>, Invalid> {
    let bare;
    let object = match value {
        Value::Object(object) => object,
        Value::String(_) if attribute.sub_attribute("value").is_some() => {
            dialect.tolerate(Leniency::BareValues, path)?;
            bare = Object::from_iter([("value".to_owned(), value.clone())]);
            &bare
        }
        other => return Err(mismatch(path, "an object", other)),
    };
    let known = |name: &String| attribute.sub_attribute(name).is_some();
    if !object.is_empty() && !object.keys().any(known) {
        let names: Vec<&str> = attribute.sub_attributes.iter().map(|sub| sub.name.as_str()).collect();
        return Err(Invalid::new(path, format!("has none of the sub-attributes {}", names.join(", "))));
    }
    let mut element = Object::new();
    let mut without_value = false;
    for (name, value) in object {
        let Some(sub) = attribute.sub_attribute(name) else {
            dialect.tolerate(Leniency::UnknownAttributes, format_args!("{path}.{name}"))?;
            continue;
        };
        sub.check_name(name, format_args!("{path}.{name}"), dialect)?;
        let path = format!("{path}.{}", sub.name);
        match read_writable(sub, &path, value, dialect)? {
            Some(value) => insert_once(&mut element, &sub.name, &path, value)?,
            None => without_value |= sub.name == "value",
        }
    }
    // Okta pushes what is empty as {"type": "work", "value": ""}: what is left says what kind of value it would be.
    let hollow = without_value && element.keys().all(|name| matches!(name.as_str(), "type" | "primary" | "$ref"));
    Ok((!element.is_empty() && !hollow).then_some(Value::Object(element)))
}

/// A value of a wrong type.
pub(crate) fn mismatch(path: &str, expected: &str, value: &Value) -> Invalid {
    let got = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string that is none",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let got = if expected == "an object" && value.is_string() { "a string" } else { got };
    Invalid::new(path, format!("expected {expected}, got {got}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Kind, resource_type};

    fn read(body: Value) -> Result<Value, String> {
        let read = resource_type(Kind::User).read(body.as_object().unwrap(), &Dialect::lenient());
        read.map(Value::Object).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn names_become_canonical_and_values_stay() {
        let body = json!({"USERNAME": "Bjensen", "Name": {"GIVENNAME": " B "}, "Emails": [{"Value": "B@x", "PRIMARY": "True"}],
            "urn:ietf:params:scim:schemas:core:2.0:USER": {"Title": "T"}, "urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:user": {"Department": "D", "Manager": "26118915"}});
        let expect = json!({"userName": "Bjensen", "name": {"givenName": " B "}, "emails": [{"value": "B@x", "primary": true}], "title": "T",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "D", "manager": {"value": "26118915"}}});
        assert_eq!(read(body), Ok(expect));
    }

    #[test]
    fn an_extensions_attribute_is_taken_by_its_name_alone() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let expect =
            json!({"userName": "b", enterprise: {"division": "V", "department": "D", "manager": {"value": "m"}}});
        for body in [
            json!({"userName": "b", "Department": "D", "manager": "m", enterprise: {"division": "V"}}),
            json!({"userName": "b", enterprise: {"division": "V", "manager": {"value": "m"}}, "department": "D"}),
        ] {
            assert_eq!(read(body), Ok(expect.clone()));
        }
        assert_eq!(read(json!({"userName": "b", "department": ""})), Ok(json!({"userName": "b"})));
        let twice = format!("{enterprise}:department: is there more than once, in different spellings; send it once");
        assert_eq!(read(json!({"department": "D", enterprise: {"department": "D"}})), Err(twice));
        let body = json!({"schemas": [resource_type(Kind::User).schema.id], "userName": "b", "department": "D"});
        let refused = resource_type(Kind::User).read(body.as_object().unwrap(), &Dialect::strict()).unwrap_err();
        assert!(refused.to_string().starts_with("department: belongs to an extension; "), "{refused}");
    }

    #[test]
    fn what_is_unassigned_unknown_read_only_or_secret_is_left_out() {
        let body = json!({"userName": "b", "id": null, "meta": {"resourceType": "User"}, "groups": [], "schemas": 5, "roles": [],
            "password": {"even": "this"}, "title": "", "name": {"givenName": null}, "emails": [null, {}], "x": 1});
        assert_eq!(read(body), Ok(json!({"userName": "b"})));
    }

    #[test]
    fn wrong_types_name_the_attribute() {
        for (body, detail) in [
            (json!({"userName": 5}), "userName: expected a string, got a number"),
            (json!({"active": "maybe"}), "active: expected a boolean, got a string that is none"),
            (
                json!({"emails": [{"value": "x"}, {"primary": 1}]}),
                "emails[1].primary: expected a boolean, got a number",
            ),
            (json!({"name": "Bob"}), "name: expected an object, got a string"),
            (json!({"userName": ["a"]}), "userName: expected a string, got an array"),
            (json!({"emails": {}}), "emails: expected an array, got an object"),
            (
                json!({"emails": [{"email": "x"}]}),
                "emails[0]: has none of the sub-attributes value, display, type, primary",
            ),
            (
                json!({"name.givenName": "x"}),
                "name.givenName: is a path; in a whole resource, send the attribute inside its object",
            ),
            (
                json!({"urn:ietf:params:scim:schemas:core:2.0:User:title": "x"}),
                "urn:ietf:params:scim:schemas:core:2.0:User:title: is a path; in a whole resource, send the attribute inside its object",
            ),
            (
                json!({"title": "a", "urn:ietf:params:scim:schemas:core:2.0:User": {"title": "b"}}),
                "title: is there more than once, in different spellings; send it once",
            ),
            (
                json!({"x509Certificates": [{"value": "%"}]}),
                "x509Certificates[0].value: expected a base64 string, got a string that is none",
            ),
            (
                json!({"userName": "a", "USERNAME": "b"}),
                "userName: is there more than once, in different spellings; send it once",
            ),
        ] {
            assert_eq!(read(body), Err(detail.to_owned()));
        }
    }

    #[test]
    fn an_element_whose_value_is_unassigned_is_none() {
        for (emails, left) in [
            (json!([{"type": "work", "value": ""}]), Value::Null),
            (json!([{"type": "work", "primary": true, "value": null}, {"value": "a"}]), json!([{"value": "a"}])),
            (json!([{"type": "work", "display": "D", "value": null}]), json!([{"type": "work", "display": "D"}])),
            (json!([{"type": "work"}]), json!([{"type": "work"}])),
        ] {
            let read = read(json!({"emails": emails})).unwrap();
            assert_eq!(read.get("emails").cloned().unwrap_or_default(), left);
        }
        let manager = json!({"value": "", "$ref": "../Users/1", "displayName": "M"});
        assert_eq!(
            read(json!({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": manager}})),
            Ok(json!({}))
        );
    }

    #[test]
    fn the_last_primary_stands() {
        let body =
            json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}, {"value": "c"}]});
        let expect =
            json!({"emails": [{"value": "a", "primary": false}, {"value": "b", "primary": true}, {"value": "c"}]});
        assert_eq!(read(body), Ok(expect));
    }

    #[test]
    fn required_attributes_are_missed_and_schemas_follow_the_content() {
        let user = resource_type(Kind::User);
        assert_eq!(user.missing(&Object::new()), Some("userName".to_owned()));
        let resource =
            json!({"userName": "b", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"division": "x"}});
        let resource = resource.as_object().unwrap();
        assert_eq!(user.missing(resource), None);
        assert_eq!(user.schemas_of(resource).len(), 2);
    }
}
