//! Reads the body of a POST or PUT as a resource (RFC 7644 §3.3, §3.5.1): attribute names become canonical (RFC
//! 7643 §2.1); unassigned values (§2.5), read-only attributes and unknown attributes are left out.

use serde_json::Value;

use crate::value::{insert_once, read_writable};
use crate::violation::mismatch;
use crate::{Attribute, Dialect, Leniency, Object, ResourceType, Schema, Violation};

impl ResourceType {
    /// Reads a whole resource from the body of a POST or PUT (RFC 7644 §3.3, §3.5.1). `schemas` is checked but not
    /// kept: it follows from the attributes that are present.
    ///
    /// # Errors
    /// The first value of the wrong type, attribute that is sent in two spellings, or deviation that the dialect
    /// does not tolerate.
    pub fn read(&self, body: &Object, dialect: &Dialect) -> Result<Object, Violation> {
        let mut resource = Object::new();
        self.read_into(&mut resource, body, dialect)?;
        self.check_schemas_of(body, &resource, dialect)?;
        Ok(resource)
    }

    fn read_into(&self, resource: &mut Object, body: &Object, dialect: &Dialect) -> Result<(), Violation> {
        let mut by_bare_name = Vec::new();
        for (name, value) in body {
            if let Some(attribute) = self.attribute(name) {
                if let Some(value) = read_writable(attribute, &attribute.name, value, dialect)? {
                    insert_once(resource, &attribute.name, &attribute.name, value)?;
                }
            } else if let Some(extension) = self.extension(name) {
                let content = self.read_extension(extension, value, dialect)?;
                if !content.is_empty() {
                    insert_once(resource, &extension.id, &extension.id, Value::Object(content))?;
                }
            } else if name.eq_ignore_ascii_case(&self.schema.id) {
                dialect.tolerate(Leniency::CoreSchemaObject, &self.schema.id)?;
                match value {
                    Value::Object(content) => self.read_into(resource, content, dialect)?,
                    other => return Err(mismatch(name, "an object", other)),
                }
            } else if let Some((extension, attribute)) = self.attribute_of_extension(name) {
                // In a PATCH this leniency is about a path (`invalidPath`); here it is about a value
                // (`invalidValue`).
                let as_value = |violation| Violation { rule: None, ..violation };
                dialect.tolerate(Leniency::BareExtensionNames, name).map_err(as_value)?;
                by_bare_name.push((extension, attribute, value));
            } else if self.is_path(name) {
                return Err(path_as_name(name));
            } else {
                dialect.tolerate(Leniency::UnknownAttributes, name)?;
            }
        }
        by_bare_name.into_iter().try_for_each(|(extension, attribute, value)| {
            read_into_extension(resource, extension, attribute, value, dialect)
        })
    }

    /// Finds an attribute of an extension by its name without the URI; the first extension that has it wins, as in
    /// a path.
    fn attribute_of_extension(&self, name: &str) -> Option<(&'static Schema, &'static Attribute)> {
        let mut schemas = self.extensions.iter().map(|extension| extension.schema);
        schemas.find_map(|schema| Some((schema, schema.attribute(name)?)))
    }

    /// Whether an unknown name is an attribute path (RFC 7644 §3.10) of a known attribute, with the URI of its schema or
    /// with a filter or a sub-attribute. Ignoring it would lose its value.
    fn is_path(&self, name: &str) -> bool {
        let mut schemas = self.extensions.iter().map(|extension| extension.schema).chain([self.schema]);
        let is_below = |schema: &Schema| {
            let (urn, rest) = name.split_at_checked(schema.id.len()).unwrap_or_default();
            urn.eq_ignore_ascii_case(&schema.id) && rest.starts_with([':', '.'])
        };
        if schemas.any(is_below) {
            return true;
        }
        let head = name.split(['.', '[']).next().unwrap_or_default();
        let of_extension = || self.attribute_of_extension(head).map(|(_, attribute)| attribute);
        self.attribute(head).or_else(of_extension).is_some_and(|attribute| {
            let has_sub = |(_, sub): (&str, &str)| attribute.sub_attribute(sub).is_some();
            name.contains('[') || name.rsplit_once('.').is_some_and(has_sub)
        })
    }

    fn read_extension(&self, extension: &Schema, value: &Value, dialect: &Dialect) -> Result<Object, Violation> {
        let mut content = Object::new();
        let Value::Object(object) = value else {
            return match value {
                Value::Null => Ok(content),
                other => Err(mismatch(&extension.id, "an object", other)),
            };
        };
        for (name, value) in object {
            let Some(attribute) = extension.attribute(name) else {
                if self.is_path(name) {
                    return Err(path_as_name(name));
                }
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
}

fn path_as_name(name: &str) -> Violation {
    Violation::new(name, "is a path; in a whole resource, send the attribute inside its object")
}

/// Reads an extension's attribute that was sent among the core attributes into the extension's object.
fn read_into_extension(
    resource: &mut Object,
    extension: &Schema,
    attribute: &Attribute,
    value: &Value,
    dialect: &Dialect,
) -> Result<(), Violation> {
    let path = format!("{}:{}", extension.id, attribute.name);
    let Some(value) = read_writable(attribute, &path, value, dialect)? else { return Ok(()) };
    match resource.entry(extension.id.clone()).or_insert_with(|| Value::Object(Object::new())) {
        Value::Object(content) => insert_once(content, &attribute.name, &path, value),
        other => Err(mismatch(&extension.id, "an object", other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Kind, resource_type};

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn read(body: Value) -> Result<Value, String> {
        let read = resource_type(Kind::User).read(body.as_object().unwrap(), &Dialect::lenient());
        read.map(Value::Object).map_err(|violation| violation.to_string())
    }

    #[test]
    fn attribute_names_become_canonical_and_values_stay() {
        let body = json!({"USERNAME": "Bjensen", "Name": {"GIVENNAME": " B "},
            "Emails": [{"Value": "B@x", "PRIMARY": "True"}],
            "urn:ietf:params:scim:schemas:core:2.0:USER": {"Title": "T"},
            "urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:user": {"Department": "D", "Manager": "26118915"}});
        let expect = json!({"userName": "Bjensen", "name": {"givenName": " B "},
            "emails": [{"value": "B@x", "primary": true}], "title": "T",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
                {"department": "D", "manager": {"value": "26118915"}}});
        assert_eq!(read(body), Ok(expect));
    }

    #[test]
    fn extension_attribute_without_its_uri_is_accepted() {
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
        let twice = format!("{enterprise}:department: is sent more than once, in different spellings; send it once");
        assert_eq!(read(json!({"department": "D", enterprise: {"department": "D"}})), Err(twice));
        let body = json!({"schemas": [resource_type(Kind::User).schema.id], "userName": "b", "department": "D"});
        let refused = resource_type(Kind::User).read(body.as_object().unwrap(), &Dialect::strict()).unwrap_err();
        assert!(refused.to_string().starts_with("department: belongs to an extension; "), "{refused}");
    }

    #[test]
    fn unassigned_unknown_read_only_and_secret_values_are_left_out() {
        let body = json!({"userName": "b", "id": null, "meta": {"resourceType": "User"}, "groups": [], "schemas": 5,
            "roles": [], "password": {"even": "this"}, "title": "", "name": {"givenName": null},
            "emails": [null, {}], "x": 1});
        assert_eq!(read(body), Ok(json!({"userName": "b"})));
    }

    #[test]
    fn value_of_wrong_type_is_refused_with_its_path() {
        for (body, detail) in [
            (json!({"userName": 5}), "userName: expected a string, got a number"),
            (json!({"active": "maybe"}), "active: expected a boolean, got another string; send true or false"),
            (
                json!({"emails": [{"value": "x"}, {"primary": 1}]}),
                "emails[1].primary: expected a boolean, got a number",
            ),
            (json!({"name": "Bob"}), "name: expected an object, got a string"),
            (json!({"userName": ["a", "b"]}), "userName: expected a string, got an array"),
            (json!({"userName": {"value": "a"}}), "userName: expected a string, got an object"),
            (json!({"emails": ["[{\"value\":\"a@x\"}]"]}), "emails[0]: is JSON in a string; send the value itself"),
            (json!({"emails": [{"primary": true}]}), "emails[0]: has `primary` and no value; send the value with it"),
            (
                json!({"roles": [{"value": "{\"id\":\"1\"}"}]}),
                "roles[0].value: is an object in a string without a `value`; send its `value` itself",
            ),
            (json!({"emails": {}}), "emails: expected an array, got an object"),
            (
                json!({"emails": [{"email": "x"}]}),
                "emails[0]: has none of the sub-attributes value, display, type, primary; send at least one of them",
            ),
            (
                json!({"name.givenName": "x"}),
                "name.givenName: is a path; in a whole resource, send the attribute inside its object",
            ),
            (
                json!({"manager.value": "m"}),
                "manager.value: is a path; in a whole resource, send the attribute inside its object",
            ),
            (
                json!({"emails.0.value": "a@x"}),
                "emails.0.value: is a path; in a whole resource, send the attribute inside its object",
            ),
            (
                json!({"emails[type eq \"work\"].value": "a@x"}),
                "emails[type eq \"work\"].value: is a path; in a whole resource, send the attribute inside its object",
            ),
            (
                json!({ENTERPRISE: {"department": "D", "manager.value": "m"}}),
                "manager.value: is a path; in a whole resource, send the attribute inside its object",
            ),
            (
                json!({ENTERPRISE: {(format!("{ENTERPRISE}:department")): "D"}}),
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department: is a path; in a whole \
                 resource, send the attribute inside its object",
            ),
            (
                json!({"name": {"name.givenName": "A", "familyName": "F"}}),
                "name.name.givenName: is a path; send `givenName` inside the object",
            ),
            (
                json!({"urn:ietf:params:scim:schemas:core:2.0:User:title": "x"}),
                "urn:ietf:params:scim:schemas:core:2.0:User:title: is a path; in a whole resource, send the attribute \
                 inside its object",
            ),
            (
                json!({"title": "a", "urn:ietf:params:scim:schemas:core:2.0:User": {"title": "b"}}),
                "title: is sent more than once, in different spellings; send it once",
            ),
            (
                json!({"x509Certificates": [{"value": "%"}]}),
                "x509Certificates[0].value: expected a base64 string, got another string",
            ),
            (
                json!({"userName": "a", "USERNAME": "b"}),
                "userName: is sent more than once, in different spellings; send it once",
            ),
        ] {
            assert_eq!(read(body), Err(detail.to_owned()));
        }
    }

    #[test]
    fn element_with_unassigned_value_is_left_out() {
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

    /// To a strict dialect, an empty string is a value, and an element without `value` keeps the rest (RFC 7643 §2.3.1,
    /// §2.5).
    #[test]
    fn strict_dialect_keeps_empty_strings() {
        let user = resource_type(Kind::User);
        let body = json!({"schemas": [user.schema.id], "userName": "b", "title": "", "name": {"familyName": ""},
            "emails": [{"type": "work", "value": null}, {"type": "home", "value": ""}]});
        let read = user.read(body.as_object().unwrap(), &Dialect::strict()).unwrap();
        let expect = json!({"userName": "b", "title": "", "name": {"familyName": ""},
            "emails": [{"type": "work"}, {"type": "home", "value": ""}]});
        assert_eq!(Value::Object(read), expect);
        let unnamed = json!({"userName": ""});
        assert_eq!(user.missing(unnamed.as_object().unwrap()), Some("userName".to_owned()));
    }

    #[test]
    fn reference_that_is_no_uri_is_refused_by_strict_dialect() {
        let user = resource_type(Kind::User);
        for (url, is_uri) in [
            ("https://example.com/~b?x=1#y", true),
            ("../Users/1", true),
            ("urn:ietf:params:scim", true),
            ("a%20b", true),
            ("//[2001:db8::1]:443/a", true),
            ("1:b", false),
            ("http://a:b/", false),
            ("http://[::1/", false),
            ("a[0]", false),
            ("a#b#c", false),
            ("a b", false),
            ("a%2", false),
            ("<b>", false),
            ("é", false),
        ] {
            let body = json!({"schemas": [user.schema.id], "userName": "b", "profileUrl": url});
            let body = body.as_object().unwrap();
            assert_eq!(user.read(body, &Dialect::strict()).is_ok(), is_uri, "{url}");
            let lenient = Dialect::lenient();
            assert_eq!(user.read(body, &lenient).unwrap()["profileUrl"], url);
            assert_eq!(lenient.used().count(), usize::from(!is_uri), "{url}");
        }
    }

    #[test]
    fn last_of_several_primary_values_stays_primary() {
        let body =
            json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}, {"value": "c"}]});
        let expect =
            json!({"emails": [{"value": "a", "primary": false}, {"value": "b", "primary": true}, {"value": "c"}]});
        assert_eq!(read(body), Ok(expect));
    }

    #[test]
    fn missing_returns_required_attribute_and_schemas_of_lists_used_extensions() {
        let user = resource_type(Kind::User);
        assert_eq!(user.missing(&Object::new()), Some("userName".to_owned()));
        let resource =
            json!({"userName": "b", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"division": "x"}});
        let resource = resource.as_object().unwrap();
        assert_eq!(user.missing(resource), None);
        assert_eq!(user.schemas_of(resource).len(), 2);
    }
}
