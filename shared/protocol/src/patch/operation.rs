//! An operation of a PATCH on one attribute (RFC 7644 §3.5.2).

use std::borrow::Cow;

use schema::Attribute;
use serde_json::Value;

use crate::Filter;
use crate::path::AttributePath;

/// The `op` of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Remove,
    Replace,
}

/// An operation on one attribute. One operation of the request becomes several if its value has several attributes.
#[derive(Debug, Clone)]
pub(super) struct AttributeOperation {
    pub(super) op: Op,
    /// The attribute. A sub-attribute is in `sub`.
    pub(super) path: AttributePath,
    pub(super) filter: Option<Filter>,
    pub(super) sub: Option<&'static Attribute>,
    /// `None` if the operation has no value.
    pub(super) value: Option<Value>,
    /// The path, for error texts.
    pub(super) text: String,
    pub(super) creation: Creation,
}

/// Whether an operation creates an element if its filter matches nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Creation {
    /// The operation creates an element, if the filter describes one.
    #[default]
    Allowed,
    /// The operation does nothing, because another operation of the request removes the value that it would qualify.
    Skipped,
    /// The operation is `noTarget`: nothing in the request has a value that it could qualify.
    Refused,
}

impl AttributeOperation {
    pub(super) fn new(
        op: Op,
        path: AttributePath,
        filter: Option<Filter>,
        sub: Option<&'static Attribute>,
        value: Option<Value>,
    ) -> Self {
        // The buffer is large enough for most paths, so that it is allocated once.
        let mut text = String::with_capacity(96);
        text.extend(path.parts());
        if let Some(filter) = &filter {
            text.extend(["[", &filter.to_string(), "]"]);
        }
        if let Some(sub) = sub {
            text.extend([".", &sub.name]);
        }
        Self { text, op, path, filter, sub, value, creation: Creation::default() }
    }

    /// The value; null if there is none.
    pub(super) fn value(&self) -> &Value {
        self.value.as_ref().unwrap_or(&Value::Null)
    }

    /// The value for a multi-valued attribute. `add` also accepts a single element (RFC 7644 §3.5.2.1).
    pub(super) fn values(&self) -> Cow<'_, Value> {
        let value = self.value();
        let is_single = match value {
            Value::Object(object) => !object.is_empty(),
            Value::String(text) => !text.is_empty(),
            Value::Number(_) | Value::Bool(_) => true,
            _ => false,
        };
        if is_single && self.op == Op::Add {
            Cow::Owned(Value::from(vec![value.clone()]))
        } else {
            Cow::Borrowed(value)
        }
    }
}
