//! SCIM resources (RFC 7643): the registry of schemas, parsed once from `schemas/*.json`, and the validation of the
//! values that clients send. This crate does not depend on requests, storage or the clock.

mod attribute;
mod body;
mod content;
mod dialect;
mod extension;
mod json_text;
mod leniency;
mod primitive;
mod registry;
mod required;
mod resource;
mod restriction;
mod schemas_attribute;
mod value;
mod violation;

pub use attribute::{Attribute, DataType, Mutability, Returned, Schema, Uniqueness};
pub use dialect::Dialect;
pub use extension::ExtensionError;
pub use json_text::{read_stored_json, value_in_json};
pub use leniency::{Leniency, LeniencyInfo};
pub use primitive::date_time;
pub use registry::{Extension, Registry, ResourceType, resource_type, resource_types, schema, schemas};
pub use resource::{Kind, Object, ResourceId};
pub use restriction::{Restriction, RestrictionInfo};
pub use schemas_attribute::{check_schemas, listed_schemas};
pub use value::{read_element, read_value, single_value};
pub use violation::{Rule, Violation};

/// The URI of the User schema (RFC 7643 §4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The URI of the Group schema (RFC 7643 §4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
