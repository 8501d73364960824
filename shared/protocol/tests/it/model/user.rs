//! The user of the model, and the operations on its simple attributes.

use serde_json::{Map, Value, json};

use super::email::{Email, with_one_primary};
use super::operation::{Field, Op, Operation, Part, assigned};

pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[derive(Debug, Clone, Default)]
pub(crate) struct User {
    pub(crate) title: Option<String>,
    pub(crate) nick_name: Option<String>,
    pub(crate) given: Option<String>,
    pub(crate) family: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) manager: Option<String>,
    pub(crate) emails: Vec<Email>,
}

impl User {
    fn field(&mut self, field: Field) -> &mut Option<String> {
        match field {
            Field::Title => &mut self.title,
            Field::NickName => &mut self.nick_name,
            Field::Given => &mut self.given,
            Field::Family => &mut self.family,
            Field::Department => &mut self.department,
            Field::Manager => &mut self.manager,
        }
    }

    /// Applies the operations, and returns whether all of them succeeded. What makes an e-mail primary that is not
    /// there creates it if the request gives it a value, and does nothing if the request removes its value.
    pub(crate) fn apply_all<'o>(&mut self, operations: impl Iterator<Item = &'o Operation> + Clone) -> bool {
        operations.clone().all(|operation| match operation {
            Operation::MatchingPart(Op::Add | Op::Replace, kind, Part::Primary(_)) if self.of_kind(kind).is_empty() => {
                match assigned(operations.clone(), kind).as_slice() {
                    [] => false,
                    parts if parts.contains(&true) => self.apply(operation),
                    _ => true,
                }
            }
            operation => self.apply(operation),
        })
    }

    /// Applies the operation, and returns whether it succeeded.
    pub(crate) fn apply(&mut self, operation: &Operation) -> bool {
        match operation {
            Operation::Field(Op::Remove, field, _) => *self.field(*field) = None,
            Operation::Field(Op::Add, _, None) => {}
            Operation::Field(_, field, value) => *self.field(*field) = value.clone(),
            Operation::Name(Op::Remove, ..) => (self.given, self.family) = (None, None),
            Operation::Name(op, given, family) => {
                for (field, sent) in [(Field::Given, given), (Field::Family, family)] {
                    if let Some(sent) = sent {
                        self.apply(&Operation::Field(*op, field, sent.clone()));
                    }
                }
            }
            Operation::Emails(Op::Remove, _) => self.emails.clear(),
            Operation::Emails(Op::Replace, sent) => self.emails = with_one_primary(sent),
            Operation::Emails(Op::Add, sent) => {
                for email in with_one_primary(sent) {
                    self.add(&email);
                }
            }
            Operation::Matching(op, kind, sent) => return self.matching(*op, kind, sent),
            Operation::MatchingPart(op, kind, part) => return self.matching_part(*op, kind, part),
            Operation::Invalid(_) => return false,
        }
        true
    }

    pub(crate) fn to_json(&self) -> Value {
        let object = |pairs: &[(&str, Option<Value>)]| -> Option<Value> {
            let pairs = pairs.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)));
            let object: Map<String, Value> = pairs.collect();
            (!object.is_empty()).then_some(Value::Object(object))
        };
        let text = |text: &Option<String>| text.clone().map(Value::from);
        let emails: Vec<Value> = self.emails.iter().filter_map(Email::to_json).collect();
        let manager = object(&[("value", text(&self.manager))]);
        let whole = object(&[
            ("userName", Some(json!("b"))),
            ("title", text(&self.title)),
            ("nickName", text(&self.nick_name)),
            ("name", object(&[("givenName", text(&self.given)), ("familyName", text(&self.family))])),
            ("emails", (!emails.is_empty()).then_some(Value::from(emails))),
            (ENTERPRISE, object(&[("department", text(&self.department)), ("manager", manager)])),
        ]);
        whole.unwrap_or_default()
    }
}
