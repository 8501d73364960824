//! The assignment of attributes (RFC 7644 §3.5.2.1, §3.5.2.3).

use serde_json::{Map, Value};

/// Assigns attributes. "Sub-attributes that are not specified in the 'value' parameter are left unchanged" (§3.5.2.3).
/// A null or empty value becomes unassigned (RFC 7643 §2.5).
pub(super) fn merge(into: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, value) in changes {
        let merged = match (into.get(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let mut merged = old.clone();
                merge(&mut merged, new);
                Value::Object(merged)
            }
            (_, Value::Object(new)) => {
                let mut merged = Map::new();
                merge(&mut merged, new);
                Value::Object(merged)
            }
            (_, Value::Array(values)) => values.iter().filter(|value| !is_unassigned(value)).cloned().collect(),
            (_, value) => value.clone(),
        };
        if is_unassigned(&merged) {
            into.shift_remove(name);
        } else {
            into.insert(name.clone(), merged);
        }
    }
}

fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => false,
    }
}
