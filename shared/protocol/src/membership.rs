//! Who is to be a member of a group (RFC 7643 §4.2), told apart from the group itself, and by whom.

use std::collections::{BTreeMap, BTreeSet};

use schema::Object;
use serde_json::{Value, json};

use crate::{Error, Filter};

/// A member as a client names it. Its type is looked up, not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub display: Option<String>,
}

/// One change to the members of a group.
#[derive(Debug, Clone)]
pub enum MemberOperation {
    Add(Vec<Member>),
    Remove(Vec<String>),
    /// Those that a filter matches; the current members have to be read for it.
    RemoveWhere(Filter),
    Replace(Vec<Member>),
}

/// What operations come to, one after the other.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Whoever is not in `add` goes.
    pub replace: bool,
    /// Ids with the `display` that was sent.
    pub add: BTreeMap<String, Option<String>>,
    pub remove: BTreeSet<String>,
}

/// Takes `members` out of a resource as it was sent.
///
/// # Errors
/// [`Error::InvalidValue`] for a member without `value`.
pub fn take_members(resource: &mut Object) -> Result<Vec<Member>, Error> {
    members_of(resource.shift_remove("members"))
}

/// Reads the value of `members`, once it has been read by the schema.
pub(crate) fn members_of(value: Option<Value>) -> Result<Vec<Member>, Error> {
    let Some(Value::Array(elements)) = value else { return Ok(Vec::new()) };
    let text = |element: &Value, name| element.get(name).and_then(Value::as_str).map(str::to_owned);
    let members = elements.iter().enumerate().map(|(at, element)| match text(element, "value") {
        Some(id) => Ok(Member { id, display: text(element, "display") }),
        None => Err(Error::InvalidValue(format!("members[{at}].value: the id of the member is missing."))),
    });
    members.collect()
}

/// Whether the operations can only be understood with the current members at hand.
pub fn needs_current(operations: &[MemberOperation]) -> bool {
    operations.iter().any(|operation| matches!(operation, MemberOperation::RemoveWhere(_)))
}

/// Folds operations into one change. `current` is read for [`MemberOperation::RemoveWhere`] alone: members as objects
/// with `value`, `display` and `type`.
pub fn fold(operations: Vec<MemberOperation>, current: &[Object]) -> Delta {
    let mut delta = Delta::default();
    for operation in operations {
        match operation {
            MemberOperation::Add(members) => delta.add(members),
            MemberOperation::Remove(ids) => ids.into_iter().for_each(|id| delta.remove(id)),
            MemberOperation::Replace(members) => {
                delta = Delta { replace: true, ..Delta::default() };
                delta.add(members);
            }
            MemberOperation::RemoveWhere(filter) => {
                for id in delta.matching(&filter, current) {
                    delta.remove(id);
                }
            }
        }
    }
    delta
}

impl Delta {
    fn add(&mut self, members: Vec<Member>) {
        for Member { id, display } in members {
            self.remove.remove(&id);
            self.add.insert(id, display);
        }
    }

    fn remove(&mut self, id: String) {
        self.add.remove(&id);
        if !self.replace {
            self.remove.insert(id);
        }
    }

    fn matching(&self, filter: &Filter, current: &[Object]) -> Vec<String> {
        let kept = current.iter().filter(|_| !self.replace).cloned();
        let added = self.add.iter().map(|(id, display)| {
            let mut member = Object::from_iter([("value".to_owned(), json!(id))]);
            member.extend(display.iter().map(|display| ("display".to_owned(), json!(display))));
            member
        });
        let matching = kept.chain(added).filter(|member| filter.matches(member));
        matching.filter_map(|member| member.get("value").and_then(Value::as_str).map(str::to_owned)).collect()
    }
}

#[cfg(test)]
mod tests {
    use schema::{Kind, resource_type};

    use super::*;

    #[test]
    fn operations_fold_in_order() {
        use MemberOperation::{Add, Remove, Replace};
        let members =
            |ids: &[&str]| ids.iter().map(|id| Member { id: (*id).into(), display: None }).collect::<Vec<_>>();
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        for (operations, replace, add, remove) in [
            (vec![Add(members(&["a", "b"])), Remove(ids(&["a"]))], false, vec!["b"], vec!["a"]),
            (vec![Remove(ids(&["a"])), Add(members(&["a"]))], false, vec!["a"], vec![]),
            (vec![Add(members(&["a"])), Replace(members(&["b"])), Remove(ids(&["c"]))], true, vec!["b"], vec![]),
            (vec![Replace(vec![]), Add(members(&["a"]))], true, vec!["a"], vec![]),
        ] {
            let delta = fold(operations, &[]);
            assert_eq!(delta.replace, replace);
            assert_eq!(delta.add.into_keys().collect::<Vec<_>>(), add);
            assert_eq!(delta.remove.into_iter().collect::<Vec<_>>(), remove);
        }
    }

    #[test]
    fn a_filter_removes_whom_it_matches() {
        let filter = Filter::parse(resource_type(Kind::Group), r#"members[display sw "x"]"#).unwrap();
        let Filter::Element { filter, .. } = filter else { panic!() };
        let current = [json!({"value": "a", "display": "X1"}), json!({"value": "b", "display": "y"})];
        let current: Vec<Object> = current.iter().map(|member| member.as_object().unwrap().clone()).collect();
        let delta = fold(vec![MemberOperation::RemoveWhere(*filter)], &current);
        assert_eq!(delta.remove.into_iter().collect::<Vec<_>>(), ["a"]);
    }
}
