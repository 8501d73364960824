//! One e-mail of the model.

use serde_json::{Map, Value, json};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Email {
    pub(crate) value: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) display: Option<String>,
    pub(crate) primary: Option<bool>,
}

impl Email {
    pub(crate) fn to_json(&self) -> Option<Value> {
        let mut object = Map::new();
        let texts = [("value", &self.value), ("type", &self.kind), ("display", &self.display)];
        for (name, text) in texts {
            object.extend(text.iter().map(|text| (name.to_owned(), json!(text))));
        }
        object.extend(self.primary.map(|primary| ("primary".to_owned(), json!(primary))));
        (!object.is_empty()).then_some(Value::Object(object))
    }
}

/// Whether two e-mails have the same value and type; those without a value have to be equal.
pub(super) fn is_same(one: &Email, other: &Email) -> bool {
    let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
    match (&one.value, &other.value) {
        (None, None) => one == other,
        _ => lower(&one.value) == lower(&other.value) && lower(&one.kind) == lower(&other.kind),
    }
}

pub(super) fn merge(email: &mut Email, sent: &Email) {
    email.value = sent.value.clone().or(email.value.take());
    email.kind = sent.kind.clone().or(email.kind.take());
    email.display = sent.display.clone().or(email.display.take());
    email.primary = sent.primary.or(email.primary);
}

pub(super) fn with_one_primary(sent: &[Email]) -> Vec<Email> {
    let mut emails = sent.to_vec();
    let last = emails.iter().rposition(|email| email.primary == Some(true));
    for (at, email) in emails.iter_mut().enumerate() {
        if email.primary == Some(true) && Some(at) != last {
            email.primary = Some(false);
        }
    }
    emails
}
