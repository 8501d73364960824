//! Parses the body of a PATCH (RFC 7644 §3.5.2) into operations on single attributes.
//!
//! Without a `path`, each attribute in `value` becomes a separate operation (§3.5.2.1, §3.5.2.3). A lenient dialect
//! takes paths for names there, and ignores read-only and unknown attributes; all dialects reject an explicit `path` to
//! one.

mod names;
mod targets;

use std::fmt;

use schema::{Attribute, Dialect, Leniency, Mutability, Object, ResourceType, Restriction};
use serde_json::Value;

use super::Patch;
use super::operation::{AttributeOperation, Op};
use crate::Error;
use crate::filter::{PatchPath, parse_path};
use crate::limits::PATCH_OPERATIONS;
use crate::message::{check_message, message_members};
use crate::path::{AttributePath, Target};
use names::NamedAttribute;

/// The URI of the message.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

impl Patch {
    /// Parses the body of a request.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`] for a body that is not a PATCH message, [`Error::PayloadTooLarge`] for more than
    /// [`PATCH_OPERATIONS`] operations, [`Error::InvalidPath`], [`Error::NoTarget`] for a `remove` without a path,
    /// [`Error::InvalidValue`] for a missing value, [`Error::Mutability`] for a read-only target, and the error of
    /// a deviation that the dialect does not tolerate.
    ///
    /// # Examples
    /// ```
    /// use protocol::Patch;
    /// use schema::{Dialect, Kind, resource_type};
    /// use serde_json::json;
    ///
    /// let body = json!({
    ///     "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    ///     "Operations": [{"op": "replace", "path": "active", "value": false}],
    /// });
    /// let patch = Patch::parse(resource_type(Kind::User), body.as_object().unwrap(), &Dialect::strict())?;
    ///
    /// let user = json!({"userName": "ada", "active": true});
    /// let user = patch.apply(user.as_object().unwrap())?;
    /// assert_eq!(user["active"], false);
    /// # Ok::<(), protocol::Error>(())
    /// ```
    pub fn parse(definition: &'static ResourceType, body: &Object, dialect: &Dialect) -> Result<Patch, Error> {
        check_message(body, PATCH_OP, dialect)?;
        let [_, operations] = message_members("The request", body, ["schemas", "Operations"], dialect)?;
        let Some(Value::Array(operations)) = operations else {
            return Err(Error::InvalidSyntax(
                "The request has no array `Operations`. Send the operations of the PATCH in it.".to_owned(),
            ));
        };
        if operations.len() > PATCH_OPERATIONS {
            let count = operations.len();
            let detail = format!(
                "The request has {count} operations; at most {PATCH_OPERATIONS} are allowed in one PATCH. Send them \
                 in several requests."
            );
            return Err(Error::PayloadTooLarge(detail));
        }
        if operations.is_empty() {
            dialect.tolerate(Leniency::NoOperations, "Operations")?;
        }
        let mut parser = PatchParser::new(definition, dialect);
        for (at, operation) in operations.iter().enumerate() {
            let name = OperationName(at);
            let Value::Object(operation) = operation else {
                return Err(Error::InvalidSyntax(format!(
                    "{name} must be an object. Send an object with `op`, `path` and `value`."
                )));
            };
            parser.operation(name, operation)?;
        }
        parser.check_understood()?;
        Ok(Patch::new(definition, parser.operations, dialect))
    }
}

/// The name of the operation at a place, for error texts.
#[derive(Clone, Copy)]
struct OperationName(usize);

impl fmt::Display for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operations[{}]", self.0)
    }
}

fn read_op(name: OperationName, op: Option<&Value>, dialect: &Dialect) -> Result<Op, Error> {
    let written = op.and_then(Value::as_str).unwrap_or_default();
    let op = match written.to_ascii_lowercase().as_str() {
        "add" => Op::Add,
        "remove" => Op::Remove,
        "replace" => Op::Replace,
        _ => return Err(Error::InvalidSyntax(format!("{name}.op must be `add`, `remove` or `replace`."))),
    };
    if written != word(op) {
        dialect.tolerate(Leniency::OperationCase, format_args!("{name}.op"))?;
    }
    Ok(op)
}

fn word(op: Op) -> &'static str {
    match op {
        Op::Add => "add",
        Op::Remove => "remove",
        Op::Replace => "replace",
    }
}

/// Where the request names the attribute of an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mention {
    /// In the `path` of an operation.
    Path,
    /// As a name in the value of an operation.
    Name,
}

struct PatchParser<'d> {
    definition: &'static ResourceType,
    dialect: &'d Dialect,
    operations: Vec<AttributeOperation>,
    /// Whether the request mentions an attribute that clients can change.
    understood: bool,
    /// The first name in a value that the resource type does not have.
    unknown: Option<String>,
    /// The first read-only attribute in a value, but for those that each response has.
    read_only: Option<String>,
    /// What the value of the current operation names.
    named: Vec<NamedAttribute>,
}

impl<'d> PatchParser<'d> {
    fn new(definition: &'static ResourceType, dialect: &'d Dialect) -> Self {
        let (operations, named) = (Vec::new(), Vec::new());
        Self { definition, dialect, operations, understood: false, unknown: None, read_only: None, named }
    }

    /// Rejects a request that mentions nothing but unknown or read-only attributes. Identity providers send them
    /// together with others, and then they are ignored; alone, they are the change that the client wants.
    fn check_understood(&self) -> Result<(), Error> {
        match (&self.unknown, &self.read_only) {
            _ if self.understood => Ok(()),
            (Some(name), _) => Err(Error::InvalidPath(format!(
                "{} has no attribute `{name}`, and the request changes no other one. Remove the mapping of this \
                 attribute, or send an attribute that /Schemas lists.",
                self.definition.kind
            ))),
            (None, Some(name)) => Err(Error::Mutability(format!(
                "{name} is read-only, and the request changes nothing else. Leave it out; the service sets it."
            ))),
            (None, None) => Ok(()),
        }
    }

    fn operation(&mut self, name: OperationName, operation: &Object) -> Result<(), Error> {
        let [op, path, value] = message_members(name, operation, ["op", "path", "value"], self.dialect)?;
        let op = read_op(name, op, self.dialect)?;
        self.named.clear();
        let path = match path {
            None | Some(Value::Null) => "",
            Some(Value::String(path)) => path.trim(),
            Some(_) => return Err(Error::InvalidSyntax(format!("{name}.path must be a string."))),
        };
        if path.is_empty() {
            return self.without_path(name, op, value);
        }
        match (op, value) {
            (Op::Remove, None | Some(Value::Null)) => {}
            (Op::Remove, Some(_)) => self.dialect.tolerate(Leniency::ValuesOnRemove, name)?,
            (_, None) => {
                return Err(Error::InvalidValue(format!(
                    "{name} has no value to {} at `{path}`. Send a `value`.",
                    word(op)
                )));
            }
            _ => {}
        }
        let path = parse_path(self.definition, path, self.dialect)?;
        let value = value.map(|value| self.without_repeated_name(op, &path, value)).transpose()?;
        self.push(op, path, value.cloned(), Mention::Path)
    }

    fn without_path(&mut self, name: OperationName, op: Op, value: Option<&Value>) -> Result<(), Error> {
        if op == Op::Remove {
            let detail = format!("{name}: `remove` requires a `path`.");
            return Err(Error::NoTarget(detail));
        }
        let Some(Value::Object(value)) = value else {
            let detail = format!("{name} has no `path`, so its `value` must be an object of attributes.");
            return Err(Error::InvalidValue(detail));
        };
        self.dialect.restrict(Restriction::PatchPath, name)?;
        self.attributes(op, None, value)
    }

    fn push(&mut self, op: Op, path: PatchPath, value: Option<Value>, mention: Mention) -> Result<(), Error> {
        let (path, filter, sub) = match path {
            PatchPath::Target(Target::Extension(schema)) => return self.push_extension(op, schema, value),
            PatchPath::Target(Target::Core) => return self.push_core(op, value),
            PatchPath::Target(Target::Attribute(path)) => (AttributePath { sub: None, ..path }, None, path.sub),
            PatchPath::Elements { path, filter, sub } => (path, Some(filter), sub),
        };
        let operation = AttributeOperation::new(op, path, filter, sub, value);
        let leaf = sub.unwrap_or(path.attribute);
        if path.attribute.mutability == Mutability::ReadOnly || leaf.mutability == Mutability::ReadOnly {
            return match mention {
                Mention::Name => {
                    self.dialect.tolerate(Leniency::ReadOnlyValues, &operation.text)?;
                    self.note_read_only(path.attribute, operation.text);
                    Ok(())
                }
                Mention::Path => Err(Error::Mutability(format!(
                    "{} is read-only. Leave it out; the service sets it.",
                    operation.text
                ))),
            };
        }
        if op != Op::Remove
            && let Some(name) = operation.read_only_sub_attribute()
        {
            self.dialect.tolerate(Leniency::ReadOnlyValues, format_args!("{}.{name}", operation.text))?;
        }
        self.restrict(&operation)?;
        match operation.only_read_only_sub_attribute() {
            Some(sub) if op != Op::Remove => self.note_read_only(sub, format!("{}.{}", operation.text, sub.name)),
            _ => self.understood = true,
        }
        // `password` is accepted and discarded.
        if !leaf.is_discarded() {
            self.operations.push(operation);
        }
        Ok(())
    }
}

impl AttributeOperation {
    /// The first read-only sub-attribute that the value sets.
    fn read_only_sub_attribute(&self) -> Option<&str> {
        let mut subs = self.sub_attributes().flatten();
        subs.find(|sub| sub.mutability == Mutability::ReadOnly).map(|sub| sub.name.as_str())
    }

    /// The first sub-attribute of the value, if all are read-only.
    fn only_read_only_sub_attribute(&self) -> Option<&'static Attribute> {
        let is_read_only = |sub: Option<&Attribute>| sub.is_some_and(|sub| sub.mutability == Mutability::ReadOnly);
        let mut subs = self.sub_attributes();
        self.sub_attributes().all(is_read_only).then(|| subs.next()).flatten().flatten()
    }

    /// The sub-attributes that the objects of the value name; `None` for a name that does not exist.
    fn sub_attributes(&self) -> impl Iterator<Item = Option<&'static Attribute>> {
        let elements = match self.value() {
            Value::Array(elements) => elements.as_slice(),
            single => std::slice::from_ref(single),
        };
        let objects = elements.iter().filter(|_| self.sub.is_none()).filter_map(Value::as_object);
        objects.flat_map(Object::keys).map(|name| self.path.attribute.sub_attribute(name))
    }
}
