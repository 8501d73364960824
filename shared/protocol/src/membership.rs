//! Changes to the members of a group (RFC 7643 §4.2), which are kept apart from the group itself.

use std::collections::{BTreeMap, BTreeSet};

use schema::{Kind, Object};
use serde_json::{Value, json};

use crate::{Error, Filter};

/// A member as the client sends it. The service looks its type up instead of trusting the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub display: Option<String>,
}

/// One change to the members of a group.
#[derive(Debug, Clone)]
pub enum MemberOperation {
    Add(Vec<Member>),
    /// Removes members by their ids.
    Remove(Vec<String>),
    /// Removes the members that a filter matches; evaluating it requires the current members.
    RemoveWhere(Filter),
    /// Replaces all members.
    Replace(Vec<Member>),
}

/// The combined effect of several operations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// Whether members that are not in `add` are removed.
    pub replace: bool,
    /// The ids of the members to add, with the `display` that was sent.
    pub add: BTreeMap<String, Option<String>>,
    /// The ids of the members to remove.
    pub remove: BTreeSet<String>,
}

/// Moves `members` out of a group that was read from `body`. `None` if the body does not have them, and for a user,
/// for whom they are an unknown attribute.
///
/// # Errors
/// [`Error::InvalidValue`] for a member without `value`.
pub fn take_members(kind: Kind, body: &Object, resource: &mut Object) -> Result<Option<Vec<Member>>, Error> {
    if kind == Kind::User {
        return Ok(None);
    }
    let core =
        body.iter().find(|(name, _)| name.eq_ignore_ascii_case(schema::GROUP)).and_then(|(_, core)| core.as_object());
    let mut sent = body.iter().chain(core.into_iter().flatten());
    let Some((_, sent)) = sent.find(|(name, _)| name.eq_ignore_ascii_case("members")) else { return Ok(None) };
    check_members(sent)?;
    members_of(resource.shift_remove("members")).map(Some)
}

/// Checks that every member has an id. The schema would ignore a member without one, and then a list that replaces
/// all members would lose it without an error.
pub(crate) fn check_members(sent: &Value) -> Result<(), Error> {
    let elements = match sent {
        Value::Array(elements) => elements.as_slice(),
        Value::Null => &[],
        Value::String(text) if text.is_empty() => &[],
        single => std::slice::from_ref(single),
    };
    let is_id = |id: &Value| id.as_str().is_some_and(|id| !id.is_empty());
    let has_id = |element: &Value| match element {
        Value::Object(member) => member.iter().any(|(name, value)| name.eq_ignore_ascii_case("value") && is_id(value)),
        other => is_id(other),
    };
    match elements.iter().position(|element| !has_id(element)) {
        Some(at) => Err(Error::InvalidValue(format!(
            "members[{at}].value: the id of the member is missing or not a string. Send it as a string."
        ))),
        None => Ok(()),
    }
}

/// Converts the value of `members` after the schema has validated it.
pub(crate) fn members_of(value: Option<Value>) -> Result<Vec<Member>, Error> {
    let Some(Value::Array(elements)) = value else { return Ok(Vec::new()) };
    let text = |element: &Value, name| element.get(name).and_then(Value::as_str).map(str::to_owned);
    let members = elements.iter().enumerate().map(|(at, element)| match text(element, "value") {
        Some(id) => Ok(Member { id, display: text(element, "display") }),
        None => Err(Error::InvalidValue(format!("members[{at}].value: the id of the member is missing. Send it."))),
    });
    members.collect()
}

/// Whether folding the operations requires the current members.
pub fn requires_current_members(operations: &[MemberOperation]) -> bool {
    operations.iter().any(|operation| matches!(operation, MemberOperation::RemoveWhere(_)))
}

/// Combines operations into one change. `current` is only read for [`MemberOperation::RemoveWhere`]; it has the
/// members as objects with `value`, `display` and `type`.
///
/// # Errors
/// [`Error::InvalidPath`] for a filter on an attribute that is unknown for members which the same request adds.
pub fn fold(operations: Vec<MemberOperation>, current: &[Object]) -> Result<Delta, Error> {
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
                for id in delta.matching(&filter, current)? {
                    delta.remove(id);
                }
            }
        }
    }
    Ok(delta)
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

    fn matching(&self, filter: &Filter, current: &[Object]) -> Result<Vec<String>, Error> {
        if !self.add.is_empty() && (filter.reads("type") || filter.reads("$ref")) {
            return Err(Error::InvalidPath(
                "The request adds members and removes members by their type. Send the removal in a separate request."
                    .to_owned(),
            ));
        }
        let id = |member: &Object| member.get("value").and_then(Value::as_str).unwrap_or_default().to_owned();
        let untouched = |member: &Object| !self.add.contains_key(&id(member)) && !self.remove.contains(&id(member));
        let kept = current.iter().filter(|member| !self.replace && untouched(member)).cloned();
        let added = self.add.iter().map(|(id, display)| {
            let mut member = Object::from_iter([("value".to_owned(), json!(id))]);
            member.extend(display.iter().map(|display| ("display".to_owned(), json!(display))));
            member
        });
        Ok(kept.chain(added).filter(|member| filter.matches(member)).map(|member| id(&member)).collect())
    }
}

#[cfg(test)]
mod tests {
    use schema::{Dialect, resource_type};

    use super::*;

    #[test]
    fn member_operations_are_folded_in_order() {
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
            let delta = fold(operations, &[]).unwrap();
            assert_eq!(delta.replace, replace);
            assert_eq!(delta.add.into_keys().collect::<Vec<_>>(), add);
            assert_eq!(delta.remove.into_iter().collect::<Vec<_>>(), remove);
        }
    }

    #[test]
    fn member_without_id_is_refused() {
        for (members, expect) in [
            (json!([{"value": "a"}, "b"]), Ok(Some(2))),
            (json!([]), Ok(Some(0))),
            (Value::Null, Ok(Some(0))),
            (json!([{"id": "a"}]), Err(400)),
            (json!([{"value": "a"}, {}]), Err(400)),
            (json!([null]), Err(400)),
            (json!([{"value": ""}]), Err(400)),
            (json!({}), Err(400)),
        ] {
            let body = json!({"displayName": "G", "Members": members});
            let body = body.as_object().unwrap();
            let taken = resource_type(Kind::Group).read(body, &Dialect::lenient()).map_err(Error::from);
            let taken = taken.and_then(|mut resource| take_members(Kind::Group, body, &mut resource));
            let taken = taken.map(|members| members.map(|members| members.len())).map_err(|error| error.status());
            assert_eq!(taken, expect, "{members}");
        }
        assert_eq!(take_members(Kind::Group, &Object::new(), &mut Object::new()), Ok(None));
        let unknown = Object::from_iter([("members".to_owned(), json!([{}]))]);
        assert_eq!(take_members(Kind::User, &unknown, &mut Object::new()), Ok(None));
    }

    #[test]
    fn filter_is_evaluated_after_earlier_operations() {
        let remove = |text: &str| match Filter::parse(resource_type(Kind::Group), text, &Dialect::lenient()).unwrap() {
            Filter::Element { filter, .. } => MemberOperation::RemoveWhere(*filter),
            _ => panic!(),
        };
        let add = |id: &str, display: &str| {
            MemberOperation::Add(vec![Member { id: id.into(), display: Some(display.into()) }])
        };
        let current = [json!({"value": "a", "display": "old", "type": "User"}).as_object().unwrap().clone()];
        let delta = fold(vec![add("a", "new"), remove("members[display eq \"old\"]")], &current).unwrap();
        assert!(delta.remove.is_empty() && delta.add.contains_key("a"));
        assert!(fold(vec![add("b", "x"), remove("members[type eq \"User\"]")], &current).is_err());
        assert!(fold(vec![remove("members[type eq \"User\"]")], &current).unwrap().remove.contains("a"));
    }

    #[test]
    fn filter_removes_matching_members() {
        let filter =
            Filter::parse(resource_type(Kind::Group), r#"members[display sw "x"]"#, &Dialect::lenient()).unwrap();
        let Filter::Element { filter, .. } = filter else { panic!() };
        let current = [json!({"value": "a", "display": "X1"}), json!({"value": "b", "display": "y"})];
        let current: Vec<Object> = current.iter().map(|member| member.as_object().unwrap().clone()).collect();
        let delta = fold(vec![MemberOperation::RemoveWhere(*filter)], &current).unwrap();
        assert_eq!(delta.remove.into_iter().collect::<Vec<_>>(), ["a"]);
    }
}
