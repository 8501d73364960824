//! The schemas and resource types of this service (RFC 7643 §6, §7), parsed once per process: those of the RFC, and
//! the extensions that were in the extension folder at build time.

use std::sync::LazyLock;

use crate::extension::{self, ExtensionError};
use crate::{Attribute, Kind, Schema};

/// A resource type (RFC 7643 §6): its core schema and the extensions that it may carry.
#[derive(Debug)]
pub struct ResourceType {
    pub kind: Kind,
    pub description: &'static str,
    pub schema: &'static Schema,
    pub extensions: Vec<Extension>,
}

/// A schema extension of a resource type (RFC 7643 §3.3).
#[derive(Debug)]
pub struct Extension {
    pub schema: &'static Schema,
    pub required: bool,
}

/// All schemas and resource types: those of the RFC, and the deployer's extensions.
#[derive(Debug)]
pub struct Registry {
    schemas: Vec<&'static Schema>,
    /// One for each [`Kind`], in the order of [`Kind::ALL`].
    types: Vec<ResourceType>,
}

static COMMON: LazyLock<Schema> = LazyLock::new(|| parse(include_str!("../schemas/common.json")));

#[expect(clippy::panic, reason = "the build script has parsed the same files")]
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| match Registry::read(EXTENSIONS) {
    Ok(registry) => registry,
    Err(error) => panic!("{error}"),
});

// EXTENSIONS: the names and texts of the files that build.rs found.
include!(concat!(env!("OUT_DIR"), "/extensions.rs"));

#[expect(clippy::panic, reason = "the files are compiled in, and a test parses all of them")]
fn parse(text: &str) -> Schema {
    match serde_json::from_str(text) {
        Ok(schema) => schema,
        Err(error) => panic!("a schema file is not a schema: {error}"),
    }
}

impl Registry {
    /// Builds a registry of the RFC's schemas and of extension files, each given as name and text. A registry is
    /// leaked: it lives as long as the process.
    ///
    /// # Errors
    /// The error with which the build rejects a file.
    pub fn read(files: &[(&str, &str)]) -> Result<Registry, ExtensionError> {
        let [user, group, enterprise] = [
            include_str!("../schemas/user.json"),
            include_str!("../schemas/group.json"),
            include_str!("../schemas/enterprise-user.json"),
        ]
        .map(|text| &*Box::leak(Box::new(parse(text))));
        let known =
            [(None, &*COMMON), (Some(Kind::User), user), (Some(Kind::Group), group), (Some(Kind::User), enterprise)];
        let extension_files = extension::read(&known, files)?;
        let mut schemas = vec![user, group, enterprise];
        let mut extensions = vec![(Kind::User, Extension { schema: enterprise, required: false })];
        for file in extension_files {
            let schema = &*Box::leak(Box::new(file.schema));
            schemas.push(schema);
            extensions.push((file.resource_type, Extension { schema, required: file.required }));
        }
        let (of_users, of_groups): (Vec<_>, Vec<_>) = extensions.into_iter().partition(|(kind, _)| *kind == Kind::User);
        let types = [(Kind::User, "User Account", user, of_users), (Kind::Group, "Group", group, of_groups)];
        let types = types.map(|(kind, description, schema, extensions)| ResourceType {
            kind,
            description,
            schema,
            extensions: extensions.into_iter().map(|(_, extension)| extension).collect(),
        });
        Ok(Registry { schemas, types: types.into() })
    }

    /// Returns the definition of a kind of resource.
    #[expect(clippy::indexing_slicing, reason = "there is one for each Kind, in that order")]
    pub fn resource_type(&self, kind: Kind) -> &ResourceType {
        &self.types[kind as usize]
    }
}

/// Every schema that `/Schemas` lists, core schemas first.
pub fn schemas() -> &'static [&'static Schema] {
    &REGISTRY.schemas
}

/// Finds a published schema by its URI, in any case.
pub fn schema(urn: &str) -> Option<&'static Schema> {
    schemas().iter().copied().find(|schema| schema.id.eq_ignore_ascii_case(urn))
}

/// Every resource type, in the order of [`Kind::ALL`].
pub fn resource_types() -> &'static [ResourceType] {
    &REGISTRY.types
}

/// Returns the definition of a kind of resource.
pub fn resource_type(kind: Kind) -> &'static ResourceType {
    REGISTRY.resource_type(kind)
}

impl ResourceType {
    /// Finds a core or common attribute by its name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.schema.attribute(name).or_else(|| COMMON.attribute(name))
    }

    /// Finds an extension by its URI, in any case.
    pub fn extension(&self, urn: &str) -> Option<&'static Schema> {
        self.extensions.iter().map(|extension| extension.schema).find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The common attributes (RFC 7643 §3.1), then those of the core schema.
    pub fn attributes(&self) -> impl Iterator<Item = &'static Attribute> {
        COMMON.attributes.iter().chain(&self.schema.attributes)
    }

    /// The attribute whose values are unique within a tenant: `userName` of users, `displayName` of groups.
    pub fn naming_attribute(&self) -> &'static str {
        match self.kind {
            Kind::User => "userName",
            Kind::Group => "displayName",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DataType, Mutability, Returned, Uniqueness};

    #[test]
    fn every_kind_has_a_schema_and_a_unique_naming_attribute() {
        for kind in Kind::ALL {
            let definition = resource_type(kind);
            assert_eq!(definition.kind, kind);
            assert_eq!(definition.schema.name, kind.name());
            let naming = definition.attribute(definition.naming_attribute()).unwrap();
            assert!(naming.required && naming.uniqueness == Uniqueness::Server);
        }
        assert_eq!(schemas().len(), 3 + EXTENSIONS.len());
    }

    #[test]
    fn attribute_and_extension_lookup_ignores_case() {
        let user = resource_type(Kind::User);
        assert_eq!(user.attribute("USERNAME").unwrap().name, "userName");
        assert_eq!(user.attribute("externalid").unwrap().name, "externalId");
        let urn = "URN:IETF:params:scim:schemas:extension:enterprise:2.0:user";
        assert_eq!(user.extension(urn).unwrap().attribute("MANAGER").unwrap().name, "manager");
        assert!(resource_type(Kind::Group).extension(urn).is_none());
    }

    #[test]
    fn attribute_characteristics_follow_the_rfc_and_its_errata() {
        let attribute = |kind, name| resource_type(kind).attribute(name).unwrap();
        assert!(attribute(Kind::Group, "displayName").required, "erratum 5368");
        let enterprise = &resource_type(Kind::User).extensions[0].schema;
        let manager = enterprise.attribute("manager").unwrap();
        assert!(manager.sub_attribute("value").unwrap().case_exact(), "erratum 8472");
        let password = attribute(Kind::User, "password");
        assert_eq!(password.returned, Returned::Never);
        assert_eq!(password.mutability, Mutability::WriteOnly);
        for definition in resource_types() {
            for attribute in definition.attributes() {
                assert_eq!(attribute.is_complex(), !attribute.sub_attributes.is_empty());
                for sub in &attribute.sub_attributes {
                    assert!(!sub.is_complex(), "RFC 7643 §2.3.8: {}", sub.name);
                    let exact = matches!(sub.data_type, DataType::Reference | DataType::Binary);
                    assert!(!exact || sub.case_exact(), "RFC 7643 §2.3.6, §2.3.7: {}", sub.name);
                }
            }
        }
    }
}
