//! The operations of the model.

use super::email::Email;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Remove,
    Replace,
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

/// Whether the last operation on the value, on the display name and on the whole of the e-mails of a kind assigns it.
pub(super) fn assigned<'o>(operations: impl Iterator<Item = &'o Operation>, kind: &str) -> Vec<bool> {
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
