//! The keys with which a resource was stored, beside the texts from which they were computed.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The keys of the texts of a resource that are not their own keys. They are stored with the resource, because how a
/// text becomes a key depends on the rules of a release and on its tables of Unicode, and the items of the keys stay as
/// they were written.
///
/// A key counts only for exactly the text beside it: a release that does not know this attribute may have changed the
/// text and kept the key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKeys {
    /// The key of the unique name, if it is stored.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub name: BTreeMap<String, String>,
    /// The keys by which e-mail addresses are looked up.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub emails: BTreeMap<String, String>,
}

impl StoredKeys {
    pub(crate) const ATTRIBUTE: &'static str = "keys";

    pub(crate) fn is_empty(&self) -> bool {
        self.name.is_empty() && self.emails.is_empty()
    }

    pub(crate) fn value(&self) -> Result<AttributeValue, Error> {
        serde_dynamo::to_attribute_value(self).map_err(|error| Error::Corrupt(error.to_string()))
    }

    /// An upper bound of the bytes that they take in an item.
    pub(crate) fn bytes(&self) -> usize {
        const OVERHEAD: usize = 24;
        let pairs = self.name.iter().chain(&self.emails);
        OVERHEAD + pairs.map(|(text, key)| text.len() + key.len() + 2).sum::<usize>()
    }
}
