//! Operations on the members of a group. Members are stored apart from the group, so these operations become
//! changes of membership.

use std::collections::BTreeSet;

use schema::{Attribute, Dialect, Kind, ResourceType, Restriction, read_value};
use serde_json::Value;

use super::operation::{AttributeOperation, Op};
use crate::filter::{Filter, Operand, Operator};
use crate::membership::{MemberOperation, check_members, members_of};
use crate::{Comparison, Error};

/// Whether an operation is on the members of a group.
pub(super) fn is_target(definition: &ResourceType, operation: &AttributeOperation) -> bool {
    definition.kind == Kind::Group && operation.path.attribute.name == "members"
}

/// Reads an operation on members.
///
/// # Errors
/// As [`super::Patch::apply`].
pub(super) fn read(operation: &AttributeOperation, dialect: &Dialect) -> Result<MemberOperation, Error> {
    if let Some(display) = operation.sub.filter(|sub| sub.name == "display") {
        return change_display(operation, display, dialect);
    }
    if operation.sub.is_some() || (operation.filter.is_some() && operation.op != Op::Remove) {
        return Err(Error::Mutability(format!(
            "`{}` cannot be changed, because `value`, `type` and `$ref` of a member are immutable. Remove the member \
             and add another one.",
            &operation.text
        )));
    }
    if let Some(filter) = &operation.filter {
        return remove_matching(operation, filter, dialect);
    }
    if operation.op == Op::Remove && operation.value == Some(Value::Null) {
        let problem = "members: `remove` with null does not identify a member. Send the members to remove; without a \
            value, all members are removed.";
        return Err(Error::InvalidValue(problem.to_owned()));
    }
    check_members(operation.value())?;
    let members = members_of(read_value(operation.path.attribute, &operation.text, &operation.values(), dialect)?)?;
    Ok(match operation.op {
        Op::Add => MemberOperation::Add(members),
        Op::Replace => MemberOperation::Replace(members),
        // An empty list of members removes no member.
        Op::Remove if operation.value.is_none() => MemberOperation::Replace(Vec::new()),
        Op::Remove => MemberOperation::Remove(members.into_iter().map(|member| member.id).collect()),
    })
}

/// Changes or removes the `display` of the members that the filter selects.
fn change_display(
    operation: &AttributeOperation,
    attribute: &Attribute,
    dialect: &Dialect,
) -> Result<MemberOperation, Error> {
    let read = read_value(attribute, &operation.text, operation.value(), dialect)?;
    let display = read.and_then(|display| display.as_str().map(str::to_owned));
    match (operation.op, &display) {
        (Op::Remove, _) if !operation.value().is_null() => Err(Error::InvalidValue(format!(
            "`{}` is removed as a whole. Send the operation without a value.",
            &operation.text
        ))),
        (Op::Add, None) => {
            Err(Error::InvalidValue(format!("`{}`: there is no value to add. Send the display.", &operation.text)))
        }
        (op, _) => Ok(MemberOperation::ChangeDisplay {
            path: operation.text.clone(),
            filter: operation.filter.clone(),
            needs_target: op != Op::Remove,
            if_several: dialect.restrict(Restriction::SeveralMatches, &operation.text).err().map(Error::from),
            display,
        }),
    }
}

/// Removes the members that the filter selects; if the operation has a value, only those that the value names as
/// well.
fn remove_matching(
    operation: &AttributeOperation,
    filter: &Filter,
    dialect: &Dialect,
) -> Result<MemberOperation, Error> {
    check_members(operation.value())?;
    let sent = members_of(read_value(operation.path.attribute, &operation.text, operation.value(), dialect)?)?;
    match ids_of(filter) {
        None if sent.is_empty() => Ok(MemberOperation::RemoveWhere(filter.clone())),
        None => Err(Error::InvalidValue(format!(
            "`{}` selects members by a filter and by a value. Send only one of them.",
            &operation.text
        ))),
        Some(ids) => {
            let sent: BTreeSet<String> = sent.into_iter().map(|member| member.id).collect();
            let is_sent = |id: &String| sent.is_empty() || sent.contains(id);
            Ok(MemberOperation::Remove(ids.into_iter().filter(is_sent).collect()))
        }
    }
}

/// The ids in a filter of the form `value eq "a" or value eq "b"`; `None` for any other filter.
fn ids_of(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare(Comparison { path, operator: Operator::Eq, operand: Operand::Text { written, .. } })
            if path.attribute.name == "value" =>
        {
            Some(vec![written.clone()])
        }
        Filter::Or(terms) => terms.iter().map(ids_of).collect::<Option<Vec<_>>>().map(|ids| ids.concat()),
        _ => None,
    }
}
