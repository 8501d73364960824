//! At most one element of a multi-valued attribute is primary (RFC 7643 §2.4, RFC 7644 §3.5.2).

use schema::Object;
use serde_json::Value;

/// Makes every element but the one at `primary` non-primary; does nothing for `None`.
pub(super) fn keep_primary(elements: &mut [Value], primary: Option<usize>) {
    let Some(primary) = primary else { return };
    let others = elements.iter_mut().enumerate().filter(|(at, _)| *at != primary);
    for demoted in others.filter_map(|(_, element)| element.get_mut("primary")) {
        *demoted = Value::Bool(false);
    }
}

pub(super) fn is_primary(element: &Object) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}
