//! Steps on the members of a group. They are kept apart from the group, so they become changes of membership.

use schema::{Dialect, Kind, ResourceType, read_value};
use serde_json::Value;

use super::{Op, Step};
use crate::filter::{Filter, Operand, Operator};
use crate::membership::{MemberOperation, check_members, members_of};
use crate::{Comparison, Error};

pub(super) fn is_target(definition: &ResourceType, step: &Step) -> bool {
    definition.kind == Kind::Group && step.path.attribute.name == "members"
}

pub(super) fn read(step: &Step, dialect: &Dialect) -> Result<MemberOperation, Error> {
    if step.sub.is_some() || (step.filter.is_some() && step.op != Op::Remove) {
        return Err(Error::Mutability(format!(
            "`{}` cannot be changed: what is said of a member is immutable. Remove the member and add it again.",
            step.place()
        )));
    }
    if let Some(filter) = &step.filter {
        return Ok(match ids_of(filter) {
            Some(ids) => MemberOperation::Remove(ids),
            None => MemberOperation::RemoveWhere(filter.clone()),
        });
    }
    if step.op == Op::Remove && step.value == Some(Value::Null) {
        let problem = "members: null does not say who is removed; send no value to remove everybody.";
        return Err(Error::InvalidValue(problem.to_owned()));
    }
    check_members(step.value())?;
    let members = members_of(read_value(step.path.attribute, &step.place(), &step.values(), dialect)?)?;
    Ok(match step.op {
        Op::Add => MemberOperation::Add(members),
        Op::Replace => MemberOperation::Replace(members),
        // An empty list of those to remove removes nobody.
        Op::Remove if step.value.is_none() => MemberOperation::Replace(Vec::new()),
        Op::Remove => MemberOperation::Remove(members.into_iter().map(|member| member.id).collect()),
    })
}

/// The ids of `value eq "a" or value eq "b"`; `None` if the filter is another.
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
