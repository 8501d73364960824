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
        return remove_matching(step, filter, dialect);
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

/// With a value besides, those who are meant by both.
fn remove_matching(step: &Step, filter: &Filter, dialect: &Dialect) -> Result<MemberOperation, Error> {
    check_members(step.value())?;
    let said = members_of(read_value(step.path.attribute, &step.place(), step.value(), dialect)?)?;
    match ids_of(filter) {
        None if said.is_empty() => Ok(MemberOperation::RemoveWhere(filter.clone())),
        None => Err(Error::InvalidValue(format!(
            "`{}` says by its filter and by its value who is removed; send one of them.",
            step.place()
        ))),
        Some(ids) => {
            let is_said = |id: &String| said.is_empty() || said.iter().any(|member| member.id == *id);
            Ok(MemberOperation::Remove(ids.into_iter().filter(is_said).collect()))
        }
    }
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
