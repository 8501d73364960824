//! The id of a change record in the item of a resource.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use schema::ResourceId;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::attributes::Item;

/// The id of a change record in the item of a resource: 16 bytes, because lists read many of these items.
#[derive(Default)]
pub(crate) struct RecordId([u8; 16]);

impl RecordId {
    pub(crate) const ATTRIBUTE: &'static str = "record";

    pub(crate) fn of(change: &ResourceId) -> Self {
        Self(Uuid::parse_str(change.as_str()).unwrap_or_default().into_bytes())
    }

    pub(crate) fn value(&self) -> AttributeValue {
        AttributeValue::B(Blob::new(self.0))
    }

    /// The id of the record that the item of a resource names.
    pub(crate) fn in_item(resource: &Item) -> Option<ResourceId> {
        let bytes = resource.get(Self::ATTRIBUTE)?.as_b().ok()?;
        ResourceId::parse(&Uuid::from_slice(bytes.as_ref()).ok()?.to_string())
    }
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}
