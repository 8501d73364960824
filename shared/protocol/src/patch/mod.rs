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
    /// The operations on `members`, one for each step on them, in order. They are parsed once, with the request.
    members: Vec<Result<MemberOperation, Error>>,
    dialect: Dialect,
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
    fn new(definition: &'static ResourceType, steps: Vec<Step>, dialect: &Dialect) -> Self {
        let on_members = steps.iter().filter(|step| members::is_target(definition, step));
        let members = on_members.map(|step| members::read(step, dialect)).collect();
        Self { definition, steps, members, dialect: dialect.clone() }
    }

    /// The operations on the members of a group, in order. They do not depend on the group, and they are not part of the
    /// resource that [`Patch::apply`] returns.
    ///
    /// # Errors
    /// The first operation on members that is invalid; [`Patch::apply`] returns it, too, unless another one comes before it.
    pub fn members(&self) -> Result<Vec<MemberOperation>, Error> {
        self.members.iter().cloned().collect()
    }

    /// Applies the operations to a resource, and returns the resource without its members: see [`Patch::members`].
    ///
    /// # Errors
    /// The first operation that is invalid or that the dialect does not tolerate, and [`Error::Mutability`] if a required
    /// attribute is unassigned at the end (RFC 7644 §3.5.2.2) or an immutable one changed.
    pub fn apply(&self, before: &Object) -> Result<Object, Error> {
        let mut resource = before.clone();
        let mut members = self.members.iter();
        for step in &self.steps {
            if !members::is_target(self.definition, step) {
                step.apply(&mut resource, &self.dialect)?;
            } else if let Some(Err(error)) = members.next() {
                return Err(error.clone());
            }
        }
        if let Some(missing) = self.definition.missing(&resource) {
            return Err(self.missed(&missing));
        }
        keep_immutable(self.definition, UpdateMethod::Patch, before, &mut resource)?;
        Ok(resource)
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
