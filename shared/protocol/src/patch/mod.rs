//! PATCH (RFC 7644 §3.5.2): operations are read against the schema, then applied in order to a copy of the resource, all
//! or none.

mod apply;
mod element;
mod members;
mod parse;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use schema::{Attribute, Dialect, Object, ResourceType};
use serde_json::Value;

use crate::immutable::{UpdateMethod, keep_immutable};
use crate::membership::MemberOperation;
use crate::path::AttributePath;
use crate::{Error, Filter};

/// The operations of a request, each on one attribute.
#[derive(Debug)]
pub struct Patch {
    definition: &'static ResourceType,
    steps: Vec<Step>,
    dialect: Dialect,
}

/// What a PATCH makes of a resource.
#[derive(Debug)]
pub struct PatchOutcome {
    pub resource: Object,
    /// The changes to `members` of a group, in order: members are not part of the resource as it is stored.
    pub members: Vec<MemberOperation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Remove,
    Replace,
}

/// An operation on one attribute.
#[derive(Debug, Clone)]
struct Step {
    op: Op,
    /// The attribute; never a sub-attribute, which is `sub`.
    path: AttributePath,
    filter: Option<Filter>,
    sub: Option<&'static Attribute>,
    /// Absent where the operation has none.
    value: Option<Value>,
}

impl Step {
    /// The value; null where there is none.
    fn value(&self) -> &Value {
        self.value.as_ref().unwrap_or(&Value::Null)
    }

    /// The value of an attribute with many: to add a single one, an object does (RFC 7644 §3.5.2.1).
    fn values(&self) -> Cow<'_, Value> {
        let value = self.value();
        let single = match value {
            Value::Object(object) => !object.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => false,
        };
        if single && self.op == Op::Add { Cow::Owned(Value::from(vec![value.clone()])) } else { Cow::Borrowed(value) }
    }

    /// Where the step works, for an error's text.
    fn place(&self) -> String {
        let filter = self.filter.as_ref().map_or(String::new(), |filter| format!("[{filter}]"));
        let sub = self.sub.map_or(String::new(), |sub| format!(".{}", sub.name));
        format!("{}{filter}{sub}", self.path)
    }
}

impl Patch {
    /// The operations on members, in order: what they say does not depend on the group.
    ///
    /// # Errors
    /// As [`Patch::apply`].
    pub fn members(&self) -> Result<Vec<MemberOperation>, Error> {
        let steps = self.steps.iter().filter(|step| members::is_target(self.definition, step));
        steps.map(|step| members::read(step, &self.dialect)).collect()
    }

    /// Applies the operations to a resource.
    ///
    /// # Errors
    /// The first operation that cannot be done, or that the dialect does not tolerate, and [`Error::Mutability`] if a required attribute is unassigned at the
    /// end (RFC 7644 §3.5.2.2) or an immutable one changed.
    pub fn apply(&self, before: &Object) -> Result<PatchOutcome, Error> {
        let mut resource = before.clone();
        let mut operations = Vec::new();
        for step in &self.steps {
            if members::is_target(self.definition, step) {
                operations.push(members::read(step, &self.dialect)?);
            } else {
                step.apply(&mut resource, &self.dialect)?;
            }
        }
        if let Some(missing) = self.definition.missing(&resource) {
            return Err(self.missed(&missing));
        }
        keep_immutable(self.definition, UpdateMethod::Patch, before, &mut resource)?;
        Ok(PatchOutcome { resource, members: operations })
    }

    /// RFC 7644 §3.5.2.2: to remove what is required is `mutability`; to empty it is a wrong value.
    fn missed(&self, missing: &str) -> Error {
        let detail = format!("{missing} is required and cannot be removed or emptied.");
        let holds =
            |path: &str| missing.strip_prefix(path).is_some_and(|rest| matches!(rest.get(..1), None | Some(".")));
        let removed = |step: &Step| {
            let extension = step.path.extension.is_some_and(|schema| schema.id == missing);
            step.op == Op::Remove && (extension || holds(&step.path.to_string()))
        };
        if self.steps.iter().any(removed) { Error::Mutability(detail) } else { Error::InvalidValue(detail) }
    }
}
