//! Writes a member of a JSON object.

use schema::Object;
use serde_json::Value;

/// Sets a member, or removes it if the value is `None`.
pub(super) fn put(object: &mut Object, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(object.insert(name.to_owned(), value)),
        None => drop(object.shift_remove(name)),
    }
}
