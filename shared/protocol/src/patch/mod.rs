//! PATCH (RFC 7644 §3.5.2): operations are validated against the schema, then applied in order to a copy of the
//! resource, all or none.

mod apply;
mod creation;
mod element;
mod identity;
mod members;
mod object;
mod operation;
mod parse;
mod primary;
#[cfg(test)]
mod tests;

use schema::{Dialect, Kind, Object, ResourceType};
use serde_json::Value;

use self::operation::{AttributeOperation, Op};
use crate::Error;
use crate::immutable::{UpdateMethod, keep_immutable};
use crate::membership::MemberOperation;
use crate::work::Work;

/// The operations of a PATCH request, each on one attribute.
#[derive(Debug)]
pub struct Patch {
    definition: &'static ResourceType,
    operations: Vec<AttributeOperation>,
    /// The operations on `members`, in order. They are parsed once, with the request.
    members: Vec<Result<MemberOperation, Error>>,
    dialect: Dialect,
}

/// Reads the values that version 0.1.0 stored as JSON in a string, so that operations find and remove them.
fn read_stored_json_values(definition: &ResourceType, resource: &mut Object) {
    for (name, value) in resource {
        if let (Some(attribute), Value::Array(elements)) = (definition.attribute(name), value) {
            schema::read_stored_json(attribute, elements);
        }
    }
}

impl Patch {
    fn new(definition: &'static ResourceType, mut operations: Vec<AttributeOperation>, dialect: &Dialect) -> Self {
        creation::decide(&mut operations);
        let on_members = operations.iter().filter(|operation| members::is_target(definition, operation));
        let members = on_members.map(|operation| members::read(operation, dialect)).collect();
        Self { definition, operations, members, dialect: dialect.clone() }
    }

    /// The operations on the members of a group, in order. They do not depend on the group, and they are not part
    /// of the resource that [`Patch::apply`] returns.
    ///
    /// # Errors
    /// The first operation on members that is invalid; [`Patch::apply`] returns it, too, unless another one comes
    /// before it.
    pub fn members(&self) -> Result<Vec<MemberOperation>, Error> {
        self.members.iter().cloned().collect()
    }

    /// Applies the operations to a resource, and returns the resource without its members: see [`Patch::members`].
    ///
    /// # Errors
    /// The error of the first operation that cannot be applied or that the dialect does not tolerate, and
    /// [`Error::Mutability`] if a required attribute is unassigned at the end (RFC 7644 §3.5.2.2) or an immutable
    /// attribute changed, and [`Error::InvalidValue`] if a user has no `active` at the end: a filter would find
    /// neither `active eq true` nor `active eq false`; [`Error::PayloadTooLarge`] for too many comparisons, and for an
    /// attribute that would become larger than a resource may be.
    pub fn apply(&self, before: &Object) -> Result<Object, Error> {
        self.apply_within(before, &Work::default())
    }

    /// Applies the operations as [`Patch::apply`] does, and adds their comparisons to those that `work` has counted.
    ///
    /// # Errors
    /// The errors of [`Patch::apply`].
    pub fn apply_within(&self, before: &Object, work: &Work) -> Result<Object, Error> {
        let mut resource = before.clone();
        read_stored_json_values(self.definition, &mut resource);
        let mut members = self.members.iter();
        for operation in &self.operations {
            if !members::is_target(self.definition, operation) {
                operation.apply(&mut resource, &self.dialect, work)?;
                self.check_required(&resource, operation)?;
            } else if let Some(Err(error)) = members.next() {
                return Err(error.clone());
            }
        }
        if let Some(missing) = self.definition.missing(&resource) {
            return Err(self.required_missing_error(&missing));
        }
        if before.contains_key("active") && !resource.contains_key("active") && self.definition.kind == Kind::User {
            let problem =
                "active: a user is always active or inactive, so it cannot be removed or emptied. Send true or false.";
            return Err(Error::InvalidValue(problem.to_owned()));
        }
        keep_immutable(self.definition, UpdateMethod::Patch, before, &mut resource)?;
        Ok(resource)
    }

    /// Rejects an operation that removes a required attribute, even if a later one sets it again (RFC 7644 §3.5.2.2). A
    /// lenient dialect checks only the result.
    fn check_required(&self, resource: &Object, operation: &AttributeOperation) -> Result<(), Error> {
        let is_required = operation.path.attribute.required && operation.sub.is_none();
        if !is_required || self.dialect.is_lenient() {
            return Ok(());
        }
        self.definition.missing(resource).map_or(Ok(()), |missing| Err(self.required_missing_error(&missing)))
    }

    /// RFC 7644 §3.5.2.2: removing a required attribute is a `mutability` error; emptying it is an invalid value.
    fn required_missing_error(&self, missing: &str) -> Error {
        let detail = format!("{missing} is required and cannot be removed or emptied. Send a value for it.");
        let holds =
            |path: &str| missing.strip_prefix(path).is_some_and(|rest| matches!(rest.get(..1), None | Some(".")));
        let removed = |operation: &AttributeOperation| {
            let extension = operation.path.extension.is_some_and(|schema| schema.id == missing);
            operation.op == Op::Remove && (extension || holds(&operation.path.to_string()))
        };
        if self.operations.iter().any(removed) { Error::Mutability(detail) } else { Error::InvalidValue(detail) }
    }
}
