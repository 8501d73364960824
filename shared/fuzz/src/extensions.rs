//! Fuzzes schema extension files (RFC 7643 §7).

use schema::Dialect;

use crate::{Kind, Object, Registry, Schema};

const NAME: &str = "fuzzed.json";

/// Fuzzes extension files: an accepted file is also accepted in the form in which `/Schemas` returns it, but not
/// twice.
pub fn extension(text: &str) {
    let core = [
        (None, include_str!("../../schema/schemas/common.json")),
        (Some(Kind::User), include_str!("../../schema/schemas/user.json")),
        (Some(Kind::Group), include_str!("../../schema/schemas/group.json")),
        (Some(Kind::User), include_str!("../../schema/schemas/enterprise-user.json")),
    ];
    let core: Vec<(Option<Kind>, Schema)> =
        core.into_iter().map(|(kind, text)| (kind, serde_json::from_str(text).unwrap())).collect();
    let known: Vec<(Option<Kind>, &Schema)> = core.iter().map(|(kind, schema)| (*kind, schema)).collect();
    let Ok(read) = crate::extension::read(&known, &[(NAME, text)]) else { return };
    for file in &read {
        let mut shown = serde_json::to_value(&file.schema).unwrap();
        shown["resourceType"] = serde_json::to_value(file.resource_type).unwrap();
        shown["required"] = file.required.into();
        crate::extension::read(&known, &[(NAME, &shown.to_string())]).unwrap();
    }
    crate::extension::read(&known, &[(NAME, text), ("again.json", text)]).unwrap_err();
}

/// Reads a resource that has a value for each attribute of an accepted file. The target leaks the registry, because
/// no registry is ever freed.
pub fn extension_in_use(text: &str) {
    let Ok(registry) = Registry::read(&[(NAME, text)]) else { return };
    for kind in Kind::ALL {
        let definition: &'static _ = Box::leak(Box::new(Registry::read(&[(NAME, text)]).unwrap())).resource_type(kind);
        for extension in &registry.resource_type(kind).extensions {
            for value in ["\"x\"", "[\"x\"]", "{}", "[{}]", "1", "true", "null"] {
                let values = extension.schema.attributes.iter();
                let values = values.map(|it| (it.name.clone(), serde_json::from_str(value).unwrap()));
                let body = Object::from_iter([(extension.schema.id.clone(), values.collect::<Object>().into())]);
                if let Ok(read) = definition.read(&body, &Dialect::lenient()) {
                    drop(definition.missing(&read));
                }
            }
        }
    }
}
