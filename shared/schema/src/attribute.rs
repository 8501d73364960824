//! Attributes and their characteristics (RFC 7643 §2.2 and §7), as the files under `schemas/` define them.

use serde::{Deserialize, Serialize};

/// A schema (RFC 7643 §7): the definition that `/Schemas` returns and that validation, filters and PATCH follow.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    pub id: String,
    pub name: String,
    pub description: String,
    pub attributes: Vec<Attribute>,
}

/// An attribute or a sub-attribute (RFC 7643 §7, "attributes"). Omitted characteristics have the defaults of §2.2.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attribute {
    pub name: String,
    /// Names from older versions of SCIM that clients still send. Accepting them is a leniency; they are neither
    /// returned nor published.
    #[serde(default, skip_serializing)]
    aliases: Vec<String>,
    #[serde(rename = "type")]
    pub data_type: DataType,
    pub multi_valued: bool,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    case_exact: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    #[serde(default)]
    pub mutability: Mutability,
    #[serde(default)]
    pub returned: Returned,
    #[serde(default)]
    pub uniqueness: Uniqueness,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Attribute>,
}

/// The data type of an attribute (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DataType {
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

/// Whether clients can write an attribute (RFC 7643 §7, "mutability").
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    ReadOnly,
    #[default]
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// When an attribute is returned (RFC 7643 §7, "returned").
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    Always,
    Never,
    #[default]
    Default,
    Request,
}

/// Where the values of an attribute are unique (RFC 7643 §7, "uniqueness").
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    #[default]
    None,
    Server,
    Global,
}

impl DataType {
    /// Its name in a schema (RFC 7643 §7, "type").
    pub fn name(self) -> &'static str {
        match self {
            DataType::String => "string",
            DataType::Boolean => "boolean",
            DataType::Decimal => "decimal",
            DataType::Integer => "integer",
            DataType::DateTime => "dateTime",
            DataType::Binary => "binary",
            DataType::Reference => "reference",
            DataType::Complex => "complex",
        }
    }
}

impl Attribute {
    /// Whether its strings are compared case-sensitively (RFC 7643 §2.2: false by default; §2.3.6, §2.3.7: binary
    /// values and references always are).
    pub fn case_exact(&self) -> bool {
        self.case_exact.unwrap_or(matches!(self.data_type, DataType::Binary | DataType::Reference))
    }

    /// Whether its value is discarded when it is read: `password` (RFC 7643 §4.1.1). No other attribute may have
    /// that name.
    pub fn is_discarded(&self) -> bool {
        self.returned == Returned::Never && self.name == "password"
    }

    /// The sub-attribute of this name or alias, in any case (RFC 7643 §2.1).
    pub fn sub_attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.sub_attributes, name)
    }

    /// Whether its values are objects.
    pub fn is_complex(&self) -> bool {
        self.data_type == DataType::Complex
    }
}

impl Schema {
    /// The attribute of this name or alias, in any case (RFC 7643 §2.1).
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.attributes, name)
    }
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    let has_name = |attribute: &&Attribute| {
        attribute.aliases.iter().chain([&attribute.name]).any(|known| known.eq_ignore_ascii_case(name))
    };
    // Stored resources use the canonical spelling, so the exact match is tried first.
    attributes.iter().find(|attribute| attribute.name == name).or_else(|| attributes.iter().find(has_name))
}
