//! Bounds the computation of a PATCH request (RFC 7644 §3.5.2) and of a bulk request (§3.7), which grows with the
//! product of operations, values and terms of filters. A small body could otherwise keep a function busy past its
//! time limit. The filter of a query counts its comparisons in the same unit.

use std::sync::atomic::{AtomicUsize, Ordering};

use schema::Object;
use serde_json::Value;

use crate::Error;
use crate::limits::PATCH_COMPARISONS;

/// The computation that a request has used. The operations of a bulk request share one.
#[derive(Debug, Default)]
pub struct Work {
    comparisons: AtomicUsize,
    is_bulk: bool,
}

/// The comparisons that take as long as to read a JSON value of a stored resource, or to write it. A long text counts
/// as several values.
const COMPARISONS_PER_VALUE: usize = 2;
/// The comparisons that take as long as to read a member of a group.
const COMPARISONS_PER_MEMBER: usize = 8;
/// The comparisons that take as long as to add a member to a group, or to remove it.
const COMPARISONS_PER_CHANGED_MEMBER: usize = 100;

impl Work {
    /// The work of a bulk request (RFC 7644 §3.7).
    pub fn of_bulk() -> Self {
        Self { is_bulk: true, ..Self::default() }
    }

    /// Checks, before anything is read, that there is time for an operation.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`] if an earlier operation was refused because of the computation.
    pub fn check(&self) -> Result<(), Error> {
        self.spend(0)
    }

    /// Counts the reading or the writing of a resource.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`], as for comparisons.
    pub fn spend_on(&self, resource: &Object) -> Result<(), Error> {
        self.spend(COMPARISONS_PER_VALUE * (values_in(resource) + text_bytes(resource) / BYTES_PER_COMPARISON))
    }

    /// Counts the reading of members of a group.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`], as for comparisons.
    pub fn spend_on_members(&self, count: usize) -> Result<(), Error> {
        self.spend(COMPARISONS_PER_MEMBER * count)
    }

    /// Counts the adding and removing of members.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`], as for comparisons.
    pub fn spend_on_changed_members(&self, count: usize) -> Result<(), Error> {
        self.spend(COMPARISONS_PER_CHANGED_MEMBER * count)
    }

    /// Counts comparisons before they are made.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`] if there are more than [`PATCH_COMPARISONS`].
    pub(crate) fn spend(&self, comparisons: usize) -> Result<(), Error> {
        let before = self.comparisons.fetch_add(comparisons, Ordering::Relaxed);
        if before.saturating_add(comparisons) <= PATCH_COMPARISONS {
            return Ok(());
        }
        Err(Error::PayloadTooLarge(if self.is_bulk {
            "The operation was not carried out, because the operations of the bulk request take too long together. \
             Send it again, with fewer operations in one request."
                .to_owned()
        } else {
            format!(
                "The operations would compare more than {PATCH_COMPARISONS} values. Nothing was changed. Send fewer \
                 operations in one request, or shorter filters."
            )
        }))
    }
}

/// The bytes of a text that take as long to compare as one short text.
const BYTES_PER_COMPARISON: usize = 64;

/// The number of comparisons of short texts that take as long as one comparison with each of these values.
pub(crate) fn weight(values: &[Value]) -> usize {
    values.iter().map(weight_of).sum()
}

/// The comparisons of short texts that a long text takes beyond one.
pub(crate) fn text_weight(text: &str) -> usize {
    text.len() / BYTES_PER_COMPARISON
}

fn weight_of(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text_weight(text),
        Value::Array(elements) => weight(elements).max(1),
        // A filter compares one sub-attribute of an element at a time; long texts count in any of them.
        Value::Object(object) => 1 + object.values().map(|value| weight_of(value) - 1).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

/// The bytes of the texts in an object.
fn text_bytes(object: &Object) -> usize {
    fn bytes(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len(),
            Value::Array(elements) => elements.iter().map(bytes).sum(),
            Value::Object(object) => text_bytes(object),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }
    object.values().map(bytes).sum()
}

/// The JSON values in an object; each object, array and scalar counts.
pub fn values_in(object: &Object) -> usize {
    fn values(value: &Value) -> usize {
        1 + match value {
            Value::Array(elements) => elements.iter().map(values).sum(),
            Value::Object(object) => values_in(object),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }
    object.values().map(values).sum()
}

/// About the memory that a JSON object takes, in bytes.
pub fn memory_of(object: &Object) -> usize {
    // An entry has a hash, a key and a value, and space for entries is allocated in powers of two.
    const ENTRY: usize = 112;
    const ALLOCATION: usize = 16;
    let entries = object.len().next_power_of_two().max(4) * ENTRY;
    let contents = object.iter().map(|(name, value)| name.len() + ALLOCATION + memory_of_value(value));
    contents.sum::<usize>() + if object.is_empty() { 0 } else { entries + ALLOCATION }
}

fn memory_of_value(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(elements) => {
            elements.iter().map(|element| size_of::<Value>() + memory_of_value(element)).sum::<usize>()
        }
        Value::Object(object) => memory_of(object),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
