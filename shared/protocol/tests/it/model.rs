//! A plain model of PATCH (RFC 7644 §3.5.2.1 to §3.5.2.3): a user of a few known fields, without paths, without a
//! schema and without JSON until the end. The model is slow and simple on purpose, so that it is right where the
//! service may be wrong.

use serde_json::{Map, Value, json};

pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Remove,
    Replace,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Email {
    pub(crate) value: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) display: Option<String>,
    pub(crate) primary: Option<bool>,
}

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

/// An attribute with one text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field {
    Title,
    NickName,
    Given,
    Family,
    Department,
    Manager,
}

/// The sub-attribute of an e-mail that an operation sets.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Value(Option<String>),
    Display(Option<String>),
    Primary(bool),
}

/// One operation. `None` is null.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Field(Op, Field, Option<String>),
    /// The attribute `name` with the given sub-attributes.
    Name(Op, Option<Option<String>>, Option<Option<String>>),
    Emails(Op, Vec<Email>),
    /// The path `emails[type eq "…"]`.
    Matching(Op, String, Email),
    /// The path `emails[type eq "…"].…`.
    MatchingPart(Op, String, Part),
    Invalid(InvalidOperation),
}

/// An operation that always fails.
#[derive(Debug, Clone, Copy)]
pub(crate) enum InvalidOperation {
    ReadOnly,
    Required,
    WrongType,
    Unknown,
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

    fn of_kind(&self, kind: &str) -> Vec<usize> {
        (0..self.emails.len()).filter(|at| self.emails[*at].kind.as_deref() == Some(kind)).collect()
    }

    /// Makes one e-mail primary, and all others not.
    fn promote(&mut self, at: usize) {
        for (other, email) in self.emails.iter_mut().enumerate() {
            if other != at && email.primary.is_some() {
                email.primary = Some(false);
            }
        }
        self.emails[at].primary = Some(true);
    }

    fn add(&mut self, sent: &Email) {
        let at = self.emails.iter().position(|email| is_same(email, sent)).unwrap_or_else(|| {
            self.emails.push(Email::default());
            self.emails.len() - 1
        });
        merge(&mut self.emails[at], sent);
        if self.emails[at].primary == Some(true) {
            self.promote(at);
        }
    }

    /// Leaves out empty e-mails. A selected e-mail becomes one with those that have the same value and type (RFC 7643
    /// §2.4): it wins, and the result is selected, and primary if one of them was. The last selected primary one stays
    /// primary.
    fn settle(&mut self, mut selected: Vec<bool>) {
        for at in (0..self.emails.len()).rev().filter(|at| self.emails[*at] == Email::default()).collect::<Vec<_>>() {
            self.emails.remove(at);
            selected.remove(at);
        }
        let mut first = 0;
        while first < self.emails.len() {
            let alike = |at: &usize| is_same(&self.emails[first], &self.emails[*at]);
            let (strong, weak): (Vec<usize>, Vec<usize>) =
                (first..self.emails.len()).filter(alike).partition(|at| selected[*at]);
            if !strong.is_empty() && strong.len() + weak.len() > 1 {
                let mut merged = Email::default();
                for at in weak.iter().chain(&strong) {
                    let was_primary = merged.primary == Some(true);
                    merge(&mut merged, &self.emails[*at]);
                    merged.primary = if was_primary { Some(true) } else { merged.primary };
                }
                self.emails[first] = merged;
                selected[first] = true;
                let mut gone: Vec<usize> = weak.into_iter().chain(strong).filter(|at| *at != first).collect();
                gone.sort_unstable();
                for at in gone.into_iter().rev() {
                    self.emails.remove(at);
                    selected.remove(at);
                }
            }
            first += 1;
        }
        let is_new_primary = |at: &usize| selected[*at] && self.emails[*at].primary == Some(true);
        if let Some(last) = (0..self.emails.len()).rev().find(is_new_primary) {
            self.promote(last);
        }
    }

    fn matching(&mut self, op: Op, kind: &str, sent: &Email) -> bool {
        let found = self.of_kind(kind);
        match op {
            // Nothing happens if there is none (RFC 7644 §3.5.2.2).
            Op::Remove => {
                self.emails.retain(|email| email.kind.as_deref() != Some(kind));
                return true;
            }
            // RFC 7644 does not define this case; identity providers expect a new e-mail.
            Op::Add if found.is_empty() => {
                let mut new = Email { kind: Some(kind.to_owned()), ..Email::default() };
                merge(&mut new, sent);
                // The new e-mail would not match the filter of the path.
                if new.kind.as_deref() != Some(kind) {
                    return false;
                }
                self.add(&new);
                return true;
            }
            _ => {}
        }
        for at in &found {
            match op {
                Op::Replace => self.emails[*at] = sent.clone(),
                Op::Add => merge(&mut self.emails[*at], sent),
                Op::Remove => {}
            }
        }
        self.settle((0..self.emails.len()).map(|at| found.contains(&at)).collect());
        !found.is_empty()
    }

    fn matching_part(&mut self, op: Op, kind: &str, part: &Part) -> bool {
        let found = self.of_kind(kind);
        let unset = matches!(part, Part::Value(None) | Part::Display(None));
        match (op, found.is_empty()) {
            (Op::Add, _) if unset => return true,
            (Op::Replace, true) if unset => return true,
            (Op::Remove, true) => return true,
            (_, true) => {
                let mut new = Email { kind: Some(kind.to_owned()), ..Email::default() };
                set(&mut new, part);
                self.add(&new);
                return true;
            }
            _ => {}
        }
        let mut gone = Vec::new();
        for at in &found {
            let had = self.emails[*at].value.is_some();
            match (op, part) {
                (Op::Remove, Part::Value(_)) => self.emails[*at].value = None,
                (Op::Remove, Part::Display(_)) => self.emails[*at].display = None,
                (Op::Remove, Part::Primary(_)) => self.emails[*at].primary = None,
                _ => set(&mut self.emails[*at], part),
            }
            // An e-mail without an address is removed.
            if had && self.emails[*at].value.is_none() {
                gone.push(*at);
            }
        }
        let mut selected: Vec<bool> =
            (0..self.emails.len()).map(|at| found.contains(&at) && op != Op::Remove).collect();
        for at in gone.iter().rev() {
            self.emails.remove(*at);
            selected.remove(*at);
        }
        self.settle(selected);
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
fn is_same(one: &Email, other: &Email) -> bool {
    let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
    match (&one.value, &other.value) {
        (None, None) => one == other,
        _ => lower(&one.value) == lower(&other.value) && lower(&one.kind) == lower(&other.kind),
    }
}

fn merge(email: &mut Email, sent: &Email) {
    email.value = sent.value.clone().or(email.value.take());
    email.kind = sent.kind.clone().or(email.kind.take());
    email.display = sent.display.clone().or(email.display.take());
    email.primary = sent.primary.or(email.primary);
}

fn set(email: &mut Email, part: &Part) {
    match part {
        Part::Value(value) => email.value.clone_from(value),
        Part::Display(display) => email.display.clone_from(display),
        Part::Primary(primary) => email.primary = Some(*primary),
    }
}

fn with_one_primary(sent: &[Email]) -> Vec<Email> {
    let mut emails = sent.to_vec();
    let last = emails.iter().rposition(|email| email.primary == Some(true));
    for (at, email) in emails.iter_mut().enumerate() {
        if email.primary == Some(true) && Some(at) != last {
            email.primary = Some(false);
        }
    }
    emails
}

/// Whether the last operation on the value, on the display name and on the whole of the e-mails of a kind assigns it.
fn assigned<'o>(operations: impl Iterator<Item = &'o Operation>, kind: &str) -> Vec<bool> {
    let mut last = [None; 3];
    for operation in operations {
        match operation {
            Operation::MatchingPart(op, of, Part::Value(value)) if of == kind => {
                let assigns = *op != Op::Remove && value.is_some();
                last = if assigns { last } else { [None; 3] };
                last[0] = Some(assigns);
            }
            Operation::MatchingPart(op, of, Part::Display(display)) if of == kind => {
                last[1] = Some(*op != Op::Remove && display.is_some());
            }
            Operation::Matching(op, of, email) if of == kind => {
                let assigns = *op != Op::Remove && (email.value.is_some() || email.display.is_some());
                last = if assigns { last } else { [None; 3] };
                last[2] = Some(assigns);
            }
            Operation::Emails(Op::Remove | Op::Replace, _) if last.iter().any(Option::is_some) => {
                last = [None, None, Some(false)];
            }
            _ => {}
        }
    }
    last.into_iter().flatten().collect()
}
