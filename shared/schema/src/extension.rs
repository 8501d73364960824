//! Schema extensions from files (RFC 7643 §3.3, §7): a schema as `/Schemas` returns it, with the resource type that
//! it extends.
//!
//! The build script validates every file with this module and fails with its error message, so a program never
//! contains a file that it cannot honour.

use std::fmt;

use serde_json::Value;

use crate::{Attribute, DataType, Kind, Mutability, Object, Returned, Schema, Uniqueness};

/// A parsed extension file.
#[derive(Debug)]
pub(crate) struct ExtensionFile {
    pub(crate) resource_type: Kind,
    /// Whether every resource of the type must have the extension (RFC 7643 §6, "schemaExtensions").
    pub(crate) required: bool,
    pub(crate) schema: Schema,
}

/// An extension file that is invalid, clashes with another schema, or requires a guarantee that the service cannot
/// give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionError {
    /// The name of the file.
    file: String,
    /// What is wrong, and in most cases what to write instead.
    problem: String,
}

impl fmt::Display for ExtensionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the extension schema {}: {}", self.file, self.problem)
    }
}

impl std::error::Error for ExtensionError {}

/// Reads extension files, each given as name and text. `known` are the other schemas with the resource type of
/// each.
///
/// # Errors
/// The error of the first file that cannot be used.
pub(crate) fn read(
    known: &[(Option<Kind>, &Schema)],
    files: &[(&str, &str)],
) -> Result<Vec<ExtensionFile>, ExtensionError> {
    let mut read: Vec<ExtensionFile> = Vec::new();
    for (name, text) in files {
        let fail = |problem| ExtensionError { file: (*name).to_owned(), problem };
        let file = parse(text).map_err(fail)?;
        check_schema(&file).map_err(fail)?;
        let others = read.iter().map(|other| (Some(other.resource_type), &other.schema));
        for (kind, other) in known.iter().copied().chain(others) {
            check_clash(&file, kind, other).map_err(fail)?;
        }
        read.push(file);
    }
    Ok(read)
}

fn parse(text: &str) -> Result<ExtensionFile, String> {
    let mut file: Object = serde_json::from_str(text).map_err(|error| format!("it is not a JSON object: {error}"))?;
    let kind = file.shift_remove("resourceType").ok_or("`resourceType` is missing; set it to \"User\" or \"Group\"")?;
    let resource_type = serde_json::from_value(kind).map_err(|error| format!("`resourceType`: {error}"))?;
    let required = match file.shift_remove("required") {
        None => false,
        Some(Value::Bool(required)) => required,
        Some(_) => return Err("`required` must be true or false".to_owned()),
    };
    // `/Schemas` returns these two in addition to the definition.
    file.shift_remove("schemas");
    file.shift_remove("meta");
    let schema = serde_json::from_value(Value::Object(file)).map_err(|error| format!("it is not a schema: {error}"))?;
    Ok(ExtensionFile { resource_type, required, schema })
}

fn check_schema(file: &ExtensionFile) -> Result<(), String> {
    let schema = &file.schema;
    let urn = schema.id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    if !urn || schema.id.ends_with(':') || !schema.id.chars().all(allowed) {
        return Err(format!("the id {:?} is not a URN of letters, digits and `-._:`", schema.id));
    }
    if schema.attributes.is_empty() {
        return Err("it has no attributes".to_owned());
    }
    if file.required && schema.attributes.iter().all(|attribute| attribute.mutability == Mutability::ReadOnly) {
        return Err("it is required, but clients cannot write any of its attributes".to_owned());
    }
    check_names(&schema.attributes)?;
    schema.attributes.iter().try_for_each(|attribute| {
        check_attribute(attribute, &attribute.name)?;
        check_names(&attribute.sub_attributes)?;
        attribute.sub_attributes.iter().try_for_each(|sub| {
            let path = format!("{}.{}", attribute.name, sub.name);
            check_attribute(sub, &path)?;
            check_sub_attribute(attribute, sub).map_err(|problem| format!("{path}: {problem}"))
        })
    })
}

/// Checks the spelling of names (RFC 7643 §2.1), and that each is used once.
fn check_names(attributes: &[Attribute]) -> Result<(), String> {
    for (at, Attribute { name, .. }) in attributes.iter().enumerate() {
        let first = if name == "$ref" { "ref" } else { name };
        let mut characters = first.chars();
        if !characters.next().is_some_and(|c| c.is_ascii_alphabetic())
            || !characters.all(|c| c.is_ascii_alphanumeric() || "$-_".contains(c))
        {
            return Err(format!("{name:?} is not an attribute name; use a letter, then letters, digits, `-` and `_`"));
        }
        if attributes.iter().take(at).any(|other| other.name.eq_ignore_ascii_case(name)) {
            return Err(format!("it has the attribute {name} twice"));
        }
    }
    Ok(())
}

fn check_attribute(attribute: &Attribute, path: &str) -> Result<(), String> {
    let kind = attribute.data_type;
    let is_string = matches!(kind, DataType::String | DataType::Reference);
    let needs_case_exact = matches!(kind, DataType::Reference | DataType::Binary);
    let is_write_only = attribute.mutability == Mutability::WriteOnly;
    let problem = if attribute.uniqueness != Uniqueness::None {
        "only userName and a group's displayName are unique; set uniqueness to \"none\""
    } else if attribute.name.eq_ignore_ascii_case("password") {
        "the name `password` is reserved, because its value is never kept (RFC 7643 §4.1.1); choose another"
    } else if attribute.is_complex() && attribute.sub_attributes.is_empty() {
        "it is complex and has no subAttributes"
    } else if !attribute.is_complex() && !attribute.sub_attributes.is_empty() {
        "it has subAttributes but is not complex"
    } else if !attribute.canonical_values.is_empty() && !is_string {
        "only strings have canonicalValues"
    } else if !attribute.reference_types.is_empty() && kind != DataType::Reference {
        "only references have referenceTypes"
    } else if needs_case_exact && !attribute.case_exact() {
        "references and binary values are caseExact (RFC 7643 §2.3.6, §2.3.7)"
    } else if is_write_only && attribute.returned != Returned::Never {
        "a writeOnly attribute must be returned \"never\" (RFC 7643 §7)"
    } else if attribute.required && attribute.mutability == Mutability::ReadOnly {
        "it is required, but clients cannot write it"
    } else {
        return Ok(());
    };
    Err(format!("{path}: {problem}"))
}

fn check_sub_attribute(attribute: &Attribute, sub: &Attribute) -> Result<(), String> {
    let is_immutable_or_secret =
        matches!(sub.mutability, Mutability::Immutable | Mutability::WriteOnly) || sub.returned == Returned::Never;
    if sub.is_complex() {
        Err("a sub-attribute cannot be complex (RFC 7643 §2.3.8)".to_owned())
    } else if sub.multi_valued {
        Err("a multi-valued sub-attribute is not supported".to_owned())
    } else if is_immutable_or_secret && attribute.multi_valued {
        // Elements have no identity, so an old value cannot be matched with a new one.
        Err(format!(
            "it is immutable or secret, but {} is multi-valued; make {0} itself immutable or secret",
            attribute.name
        ))
    } else {
        Ok(())
    }
}

/// Checks that no URI names two schemas or begins with that of another one, and that no name is used for two
/// attributes of a type, because identity providers name an extension's attribute without its URI.
fn check_clash(file: &ExtensionFile, kind: Option<Kind>, other: &Schema) -> Result<(), String> {
    let one = file.schema.id.to_ascii_lowercase();
    let two = other.id.to_ascii_lowercase();
    if one == two {
        return Err(format!("there is already a schema {}", other.id));
    }
    let continues = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with([':', '.']));
    if continues(&one, &two) || continues(&two, &one) {
        return Err(format!("its id and {} are ambiguous in a path, because one begins with the other", other.id));
    }
    let same_type = kind.is_none_or(|kind| kind == file.resource_type);
    let taken = |attribute: &&Attribute| same_type && other.attribute(&attribute.name).is_some();
    match file.schema.attributes.iter().find(taken) {
        Some(Attribute { name, .. }) => Err(format!("the attribute {name} already exists in {}; rename it", other.id)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{Kind, Object, Registry, resource_type};

    fn file(changes: Value) -> String {
        let mut file = json!({"resourceType": "User", "id": "urn:x:y", "name": "Y", "description": "",
            "attributes": [attribute(json!({}))]});
        file.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        file.to_string()
    }

    fn attribute(changes: Value) -> Value {
        let mut attribute = json!({"name": "a", "type": "string", "multiValued": false});
        attribute.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        attribute
    }

    fn with(changes: Value) -> String {
        file(json!({"attributes": [attribute(changes)]}))
    }

    fn sub(outer: Value, changes: Value) -> String {
        let mut outer = attribute(outer);
        outer["type"] = json!("complex");
        outer["subAttributes"] = json!([attribute(changes)]);
        file(json!({"attributes": [outer]}))
    }

    fn fails(files: &[(&str, &str)], says: &str) {
        let problem = Registry::read(files).map(drop).unwrap_err().to_string();
        let (name, _) = files.last().unwrap();
        assert!(problem.starts_with(&format!("the extension schema {name}: ")) && problem.contains(says), "{problem}");
    }

    #[test]
    fn invalid_extension_file_is_refused_with_its_name() {
        let many = json!({"multiValued": true});
        for (text, says) in [
            ("{".to_owned(), "not a JSON object"),
            ("[]".to_owned(), "not a JSON object"),
            (file(json!({"resourceType": "Robot"})), "`Robot`, expected `User` or `Group`"),
            (file(json!({"resourceType": null})), "`resourceType`"),
            (file(json!({"required": "yes"})), "`required`"),
            (file(json!({"id": "badge"})), "not a URN"),
            (file(json!({"id": "urn:a b"})), "not a URN"),
            (file(json!({"id": "urn:a:"})), "not a URN"),
            (file(json!({"id": "URN:ietf:params:scim:schemas:core:2.0:user"})), "there is already a schema"),
            (file(json!({"id": "urn:ietf:params:scim:schemas:core:2.0:User:more"})), "are ambiguous"),
            (file(json!({"attributes": []})), "no attributes"),
            (file(json!({"attribute": []})), "unknown field `attribute`"),
            (file(json!({"attributes": [attribute(json!({})), attribute(json!({"name": "A"}))]})), "A twice"),
            (with(json!({"type": "text"})), "unknown variant `text`"),
            (with(json!({"mutable": true})), "unknown field `mutable`"),
            (with(json!({"name": "1st"})), "not an attribute name"),
            (with(json!({"name": "a.b"})), "not an attribute name"),
            (with(json!({"name": ""})), "not an attribute name"),
            (with(json!({"name": "USERNAME"})), "already exists in urn:ietf:params:scim:schemas:core:2.0:User"),
            (with(json!({"name": "externalId"})), "already exists in urn:ietf:params:scim:schemas:core:2.0:Common"),
            (with(json!({"name": "manager"})), "enterprise"),
            (with(json!({"name": "Password"})), "`password`"),
            (with(json!({"uniqueness": "server"})), "a: only userName"),
            (with(json!({"uniqueness": "global"})), "a: only userName"),
            (with(json!({"type": "complex"})), "no subAttributes"),
            (with(json!({"subAttributes": [attribute(json!({}))]})), "but is not complex"),
            (with(json!({"type": "integer", "canonicalValues": ["1"]})), "canonicalValues"),
            (with(json!({"referenceTypes": ["User"]})), "referenceTypes"),
            (with(json!({"type": "reference", "caseExact": false})), "caseExact"),
            (with(json!({"type": "binary", "caseExact": false})), "caseExact"),
            (with(json!({"mutability": "writeOnly"})), "returned \"never\""),
            (with(json!({"mutability": "readOnly", "required": true})), "clients cannot write it"),
            (
                file(json!({"required": true, "attributes": [attribute(json!({"mutability": "readOnly"}))]})),
                "clients cannot write any",
            ),
            (
                sub(json!({}), json!({"type": "complex", "subAttributes": [attribute(json!({}))]})),
                "a.a: a sub-attribute",
            ),
            (sub(json!({}), json!({"multiValued": true})), "multi-valued"),
            (sub(json!({}), json!({"uniqueness": "server"})), "a.a: only userName"),
            (sub(json!({}), json!({"name": "password", "returned": "never"})), "`password`"),
            (sub(many.clone(), json!({"mutability": "immutable"})), "a is multi-valued"),
            (sub(many, json!({"returned": "never"})), "a is multi-valued"),
        ] {
            fails(&[("bad.json", &text)], says);
        }
        let one = file(json!({}));
        let two = file(json!({"id": "urn:X:Y"}));
        fails(&[("1.json", &one), ("2.json", &two)], "already a schema urn:x:y");
        fails(
            &[("1.json", &one), ("2.json", &file(json!({"id": "urn:z"})))],
            "the attribute a already exists in urn:x:y",
        );
        fails(&[("1.json", &one), ("2.json", &file(json!({"id": "urn:x"})))], "are ambiguous");
    }

    #[test]
    fn valid_extension_file_extends_its_resource_type() {
        let one = file(json!({"required": true, "schemas": [], "meta": {}}));
        // The same attribute of the other type is another one.
        let two = file(json!({"id": "urn:z", "resourceType": "Group"}));
        let registry = Registry::read(&[("1.json", &one), ("2.json", &two)]).unwrap();
        let user = registry.resource_type(Kind::User);
        let added = user.extensions.last().unwrap();
        assert_eq!((user.extensions.len(), added.schema.id.as_str(), added.required), (2, "urn:x:y", true));
        let resource = json!({"userName": "b"});
        assert_eq!(user.missing(resource.as_object().unwrap()), Some("urn:x:y".to_owned()));
        assert!(registry.resource_type(Kind::Group).extension("URN:Z").is_some() && user.extension("urn:z").is_none());
    }

    #[test]
    fn only_password_is_discarded() {
        let secret = with(json!({"mutability": "writeOnly", "returned": "never"}));
        let registry = Registry::read(&[("1.json", &secret)]).unwrap();
        let body = json!({"userName": "b", "password": "p", "urn:x:y": {"a": "kept"}});
        let read =
            registry.resource_type(Kind::User).read(body.as_object().unwrap(), &crate::Dialect::lenient()).unwrap();
        assert_eq!(Value::Object(read), json!({"userName": "b", "urn:x:y": {"a": "kept"}}));
        assert!(resource_type(Kind::User).read(&Object::new(), &crate::Dialect::lenient()).unwrap().is_empty());
    }
}
