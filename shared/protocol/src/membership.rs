//! Changes to the members of a group (RFC 7643 §4.2), which are kept apart from the group itself.

use std::collections::{BTreeMap, BTreeSet};

use schema::{Kind, Object, ResourceId};
use serde_json::{Value, json};

use crate::limits::BODY_BYTES;
use crate::work::{Work, text_weight};
use crate::{Error, Filter};

/// A member as the client sends it. The service looks its type up instead of trusting the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub display: Option<String>,
    pub stated_type: StatedType,
}

/// The kind of resource that `type` and `$ref` of a sent member state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StatedType {
    /// Neither was sent.
    #[default]
    Nothing,
    /// The member is a resource of this kind.
    Kind(Kind),
    /// They contradict each other or the id, or name another kind.
    Impossible,
}

impl StatedType {
    /// RFC 7643 §4.2: `type` is "User" or "Group", and `$ref` the URI of the member, absolute or relative (§2.3.7).
    fn of(id: &str, sent_type: Option<&str>, reference: Option<&str>) -> Self {
        let named = |name: &str| Kind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name));
        let at = |uri: &str| {
            let (rest, last) = uri.rsplit_once('/')?;
            let endpoint = rest.rsplit_once('/').map_or(rest, |(_, endpoint)| endpoint);
            (last == id).then(|| Kind::ALL.into_iter().find(|kind| kind.endpoint().trim_matches('/') == endpoint))?
        };
        match (sent_type.map(named), reference.map(at)) {
            (None, None) => StatedType::Nothing,
            (Some(Some(kind)), None) | (None, Some(Some(kind))) => StatedType::Kind(kind),
            (Some(Some(kind)), Some(Some(same))) if kind == same => StatedType::Kind(kind),
            _ => StatedType::Impossible,
        }
    }

    /// Whether a resource of this kind can be the member.
    pub fn allows(self, kind: Kind) -> bool {
        matches!(self, StatedType::Nothing) || self == StatedType::Kind(kind)
    }
}

/// One change to the members of a group.
#[derive(Debug, Clone)]
pub enum MemberOperation {
    Add(Vec<Member>),
    /// Removes members by their ids.
    Remove(Vec<String>),
    /// Removes the members that a filter matches; evaluating it requires the current members.
    RemoveWhere(Filter),
    /// Gives the members that a filter matches this `display`, or none; evaluating it requires the current members.
    ChangeDisplay {
        /// The path as it was sent.
        path: String,
        /// `None` for all members, of whom only one may get a `display`.
        filter: Option<Filter>,
        /// Whether it is an error if no member matches.
        needs_target: bool,
        /// The error if several members match, in a dialect that does not allow it.
        if_several: Option<Error>,
        display: Option<String>,
    },
    /// Replaces all members.
    Replace(Vec<Member>),
}

impl MemberOperation {
    /// The filter that is evaluated on the current members.
    fn filter(&self) -> Option<&Filter> {
        match self {
            Self::RemoveWhere(filter) | Self::ChangeDisplay { filter: Some(filter), .. } => Some(filter),
            _ => None,
        }
    }
}

/// The combined effect of several operations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// Whether members that are not in `add` are removed.
    pub replace: bool,
    /// The members to add, by their ids.
    pub add: BTreeMap<String, AddedMember>,
    /// The ids of the members to remove; none of them is in `add`.
    pub remove: BTreeSet<String>,
    /// The ids of the last operation that replaces all members, even if a later operation removes them. If there are
    /// none, all members are removed.
    pub replaced_by: BTreeSet<String>,
}

/// A member that a change adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddedMember {
    /// The `display` that was sent.
    pub display: Option<String>,
    /// Whether an existing member keeps its `display` if none was sent. A member that an earlier operation removed does
    /// not keep it.
    pub keeps_display: bool,
    /// The kind of resource that the last operation that added it stated.
    pub stated_type: StatedType,
}

impl AddedMember {
    /// The `display` of a member after the change. `before` is the one that it has now.
    pub fn display_after(&self, before: Option<&String>) -> Option<String> {
        self.display.as_ref().or(before.filter(|_| self.keeps_display)).cloned()
    }
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

/// Checks that every member has an id. The schema would ignore a member without one, and an id that does not exist may
/// be left out; then a list that replaces all members would lose them without an error. An address or a list in a
/// string is no id; and a text alone must have the form of the ids that this service assigns.
pub(crate) fn check_members(sent: &Value) -> Result<(), Error> {
    let elements = match sent {
        Value::Array(elements) => elements.as_slice(),
        Value::Null => &[],
        single => std::slice::from_ref(single),
    };
    match elements.iter().position(|element| !has_id(element)) {
        Some(at) => Err(Error::InvalidValue(format!(
            "members[{at}]: this is not a member. Send an object whose `value` is the id of a user or group, and an \
             empty array for no members."
        ))),
        None => Ok(()),
    }
}

fn has_id(element: &Value) -> bool {
    // Other services have ids of other forms, and Okta sends them after a change of the service.
    let may_be_id =
        |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    match element {
        Value::Object(member) => member
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("value") && value.as_str().is_some_and(may_be_id)),
        other => other.as_str().is_some_and(|id| ResourceId::parse(id).is_some()),
    }
}

/// Converts the value of `members` after the schema has validated it.
pub(crate) fn members_of(value: Option<Value>) -> Result<Vec<Member>, Error> {
    let Some(Value::Array(elements)) = value else { return Ok(Vec::new()) };
    let text = |element: &Value, name| element.get(name).and_then(Value::as_str).map(str::to_owned);
    let members = elements.iter().enumerate().map(|(at, element)| match text(element, "value") {
        Some(id) => {
            let [sent_type, reference] = ["type", "$ref"].map(|name| element.get(name).and_then(Value::as_str));
            let stated_type = StatedType::of(&id, sent_type, reference);
            Ok(Member { id, display: text(element, "display"), stated_type })
        }
        None => Err(Error::InvalidValue(format!("members[{at}].value: the id of the member is missing. Send it."))),
    });
    members.collect()
}

/// Whether folding the operations requires the current members.
pub fn requires_current_members(operations: &[MemberOperation]) -> bool {
    operations
        .iter()
        .any(|operation| matches!(operation, MemberOperation::RemoveWhere(_) | MemberOperation::ChangeDisplay { .. }))
}

/// The ids of the members that operations add, if a filter among the operations reads an attribute of members that
/// the group does not store: `type` and `$ref`. Otherwise the operations do not need to know these members.
pub fn added_members_to_look_up(operations: &[MemberOperation]) -> Vec<&str> {
    let mut filters = operations.iter().filter_map(MemberOperation::filter);
    if !filters.any(|filter| filter.reads("type") || filter.reads("$ref")) {
        return Vec::new();
    }
    let added = operations.iter().flat_map(|operation| match operation {
        MemberOperation::Add(members) | MemberOperation::Replace(members) => members.as_slice(),
        MemberOperation::Remove(_) | MemberOperation::RemoveWhere(_) | MemberOperation::ChangeDisplay { .. } => &[],
    });
    added.map(|member| member.id.as_str()).collect()
}

/// Combines operations into one change, as if each were applied after the one before it (RFC 7644 §3.5.2).
///
/// `current` and `new` are only read if [`requires_current_members`]. They are objects with `value`, `type`,
/// `$ref` and `display`: the members that the group has, and those among [`added_members_to_look_up`] that it does
/// not have.
///
/// # Errors
/// [`Error::PayloadTooLarge`] if the filters would make more comparisons than
/// [`PATCH_COMPARISONS`](crate::limits::PATCH_COMPARISONS); [`Error::NoTarget`] for a new `display` of no member (RFC
/// 7644 §3.5.2.3), and [`Error::InvalidPath`] for one of several members without a filter.
pub fn fold(operations: Vec<MemberOperation>, current: &[Object], new: &[Object]) -> Result<Delta, Error> {
    let mut delta = Delta::default();
    let work = Work::default();
    let mut display_bytes = 0;
    for operation in operations {
        match operation {
            MemberOperation::Add(members) => delta.add(members),
            MemberOperation::Remove(ids) => ids.into_iter().for_each(|id| delta.remove(id)),
            MemberOperation::Replace(members) => delta.replace(members),
            MemberOperation::RemoveWhere(filter) => {
                work.spend(filter.comparisons() * (current.len() + delta.weight()))?;
                for id in delta.matching(Some(&filter), current, new) {
                    delta.remove(id);
                }
            }
            MemberOperation::ChangeDisplay { path, filter, needs_target, if_several, display } => {
                let comparisons = filter.as_ref().map_or(1, Filter::comparisons);
                work.spend(comparisons * (current.len() + delta.weight()))?;
                let ids = delta.matching(filter.as_ref(), current, new);
                if needs_target {
                    check_targets(&path, filter.is_some(), if_several, ids.len())?;
                }
                display_bytes += ids.len() * display.as_ref().map_or(0, String::len);
                check_display_bytes(&path, ids.len(), display_bytes)?;
                for id in ids {
                    delta.change_display(id, display.clone());
                }
            }
        }
    }
    Ok(delta)
}

/// Checks how many members get a new `display`.
fn check_targets(path: &str, has_filter: bool, if_several: Option<Error>, targets: usize) -> Result<(), Error> {
    match (targets, if_several) {
        (0, _) => {
            Err(Error::NoTarget(format!("No member matches the path `{path}`. Add the member, or correct the filter.")))
        }
        (1, _) => Ok(()),
        (_, Some(error)) => Err(error),
        (_, None) if has_filter => Ok(()),
        (_, None) => Err(Error::InvalidPath(format!(
            "`{path}` does not select one of the {targets} members. Add a filter, such as members[value eq \"…\"].display."
        ))),
    }
}

/// Checks, before a `display` is given to each of the selected members, that all of them together are not longer than
/// a request that names each of them could be.
fn check_display_bytes(path: &str, targets: usize, bytes: usize) -> Result<(), Error> {
    if bytes <= BODY_BYTES {
        return Ok(());
    }
    Err(Error::PayloadTooLarge(format!(
        "`{path}` selects {targets} members, which is too many for a display of this length. Send a shorter one, or select fewer \
         members."
    )))
}

impl Delta {
    fn add(&mut self, members: Vec<Member>) {
        for Member { id, display, stated_type } in members {
            let mut added = AddedMember { stated_type, ..self.state_of(&id) };
            added.display = display.or(added.display);
            self.remove.remove(&id);
            self.add.insert(id, added);
        }
    }

    /// Replaces all members. One that stays keeps its `display` if none is sent.
    fn replace(&mut self, members: Vec<Member>) {
        let before = std::mem::take(self);
        self.replace = true;
        self.replaced_by = members.iter().map(|member| member.id.clone()).collect();
        for Member { id, display, stated_type } in members {
            // A list may name a member twice.
            let known = self.add.get(&id).cloned().unwrap_or_else(|| before.state_of(&id));
            let mut added = AddedMember { stated_type, ..known };
            added.display = display.or(added.display);
            self.add.insert(id, added);
        }
    }

    /// Changes the `display` of a member that the group has after the change so far.
    fn change_display(&mut self, id: String, display: Option<String>) {
        let added = AddedMember { display, keeps_display: false, ..self.state_of(&id) };
        self.add.insert(id, added);
    }

    /// The comparisons with short texts that take as long as one with each of the added members.
    fn weight(&self) -> usize {
        self.add.values().map(|added| 1 + text_weight(added.display.as_deref().unwrap_or_default())).sum()
    }

    /// The state of a member after the operations so far.
    fn state_of(&self, id: &str) -> AddedMember {
        let keeps_display = !self.replace && !self.remove.contains(id);
        let untouched = AddedMember { keeps_display, ..AddedMember::default() };
        self.add.get(id).cloned().unwrap_or(untouched)
    }

    fn remove(&mut self, id: String) {
        self.add.remove(&id);
        if !self.replace {
            self.remove.insert(id);
        }
    }

    /// The ids of the members that the group has after the change so far, and that a filter matches.
    fn matching(&self, filter: Option<&Filter>, current: &[Object], new: &[Object]) -> Vec<String> {
        let matches = |member: &Object| filter.is_none_or(|filter| filter.matches(member));
        let present: BTreeMap<&str, &Object> = current.iter().map(|member| (id_of(member), member)).collect();
        let new: BTreeMap<&str, &Object> = new.iter().map(|member| (id_of(member), member)).collect();
        let untouched = present
            .iter()
            .filter(|(id, _)| !self.replace && !self.add.contains_key(**id) && !self.remove.contains(**id));
        let untouched = untouched.filter(|(_, member)| matches(member)).map(|(id, _)| (*id).to_owned());
        let added = self.add.iter().filter(|(id, added)| {
            let known = present.get(id.as_str()).or_else(|| new.get(id.as_str()));
            let mut member =
                known.map_or_else(|| Object::from_iter([("value".to_owned(), json!(id))]), |it| (*it).clone());
            let before = member.get("display").and_then(Value::as_str).map(str::to_owned);
            member.shift_remove("display");
            let display = added.display_after(before.as_ref());
            member.extend(display.map(|display| ("display".to_owned(), Value::String(display))));
            matches(&member)
        });
        untouched.chain(added.map(|(id, _)| id.clone())).collect()
    }
}

fn id_of(member: &Object) -> &str {
    member.get("value").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use schema::{Dialect, resource_type};

    use super::*;

    fn member(id: &str, display: Option<&str>) -> Member {
        Member { id: id.to_owned(), display: display.map(str::to_owned), stated_type: StatedType::Nothing }
    }

    fn remove_where(text: &str) -> MemberOperation {
        match Filter::parse(resource_type(Kind::Group), text, &Dialect::lenient()).unwrap() {
            Filter::Element { filter, .. } => MemberOperation::RemoveWhere(*filter),
            other => panic!("{other}"),
        }
    }

    fn object(value: &Value) -> Object {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn member_operations_are_folded_in_order() {
        use MemberOperation::{Add, Remove, Replace};
        let members = |ids: &[&str]| ids.iter().map(|id| member(id, None)).collect::<Vec<_>>();
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        for (operations, replace, add, remove) in [
            (vec![Add(members(&["a", "b"])), Remove(ids(&["a"]))], false, vec!["b"], vec!["a"]),
            (vec![Remove(ids(&["a"])), Add(members(&["a"]))], false, vec!["a"], vec![]),
            (vec![Add(members(&["a"])), Replace(members(&["b"])), Remove(ids(&["c"]))], true, vec!["b"], vec![]),
            (vec![Replace(vec![]), Add(members(&["a"]))], true, vec!["a"], vec![]),
        ] {
            let delta = fold(operations, &[], &[]).unwrap();
            assert_eq!(delta.replace, replace);
            assert_eq!(delta.add.into_keys().collect::<Vec<_>>(), add);
            assert_eq!(delta.remove.into_iter().collect::<Vec<_>>(), remove);
        }
    }

    /// The members of a group after operations, each with its `display`, in the order of their ids.
    fn after(current: &[(&str, Option<&str>)], operations: Vec<MemberOperation>) -> Vec<(String, Option<String>)> {
        let objects =
            current.iter().map(|(id, display)| object(&json!({"value": id, "type": "User", "display": display})));
        let objects: Vec<Object> = objects
            .map(|mut member| {
                member.retain(|_, value| !value.is_null());
                member
            })
            .collect();
        let new = [object(&json!({"value": "new", "type": "Group"}))];
        let delta = fold(operations, &objects, &new).unwrap();
        let mut members: BTreeMap<String, Option<String>> = BTreeMap::new();
        for (id, display) in current {
            if !delta.replace && !delta.remove.contains(*id) {
                members.insert((*id).to_owned(), display.map(str::to_owned));
            }
        }
        for (id, added) in &delta.add {
            let before =
                current.iter().find(|(current, _)| current == id).and_then(|(_, display)| display.map(str::to_owned));
            members.insert(id.clone(), added.display_after(before.as_ref()));
        }
        members.into_iter().collect()
    }

    /// RFC 7644 §3.5.2: operations are applied one after the other, so a filter sees each member as the operations
    /// before it left it.
    #[test]
    fn filter_sees_members_as_earlier_operations_left_them() {
        use MemberOperation::{Add, Remove, Replace};
        let z = [("u", Some("Z"))];
        let u = |display: Option<&str>| vec![("u".to_owned(), display.map(str::to_owned))];
        let plain = || vec![member("u", None)];
        let removed = || Remove(vec!["u".to_owned()]);
        for (operations, expect) in [
            (vec![Add(plain()), remove_where("members[not (display pr)]")], u(Some("Z"))),
            (vec![Add(plain()), remove_where("members[display eq \"Z\"]")], vec![]),
            (vec![Replace(plain()), remove_where("members[display eq \"Z\"]")], vec![]),
            (vec![Replace(plain()), remove_where("members[not (display pr)]")], u(Some("Z"))),
            (vec![Replace(vec![]), Add(plain())], u(None)),
            (vec![Replace(vec![member("v", None)]), Replace(plain())], u(None)),
            (vec![Add(vec![member("u", Some("Y"))]), Replace(plain())], u(Some("Y"))),
            (vec![Replace(vec![member("u", Some("Y")), member("u", None)])], u(Some("Y"))),
            (vec![removed(), Add(plain())], u(None)),
            (vec![removed(), Add(plain()), remove_where("members[not (display pr)]")], vec![]),
            (vec![Add(vec![member("u", Some("Y"))]), Add(plain())], u(Some("Y"))),
            (vec![Add(vec![member("u", Some("Y"))]), remove_where("members[display eq \"Z\"]")], u(Some("Y"))),
            (vec![Add(vec![member("u", Some("Y"))]), remove_where("members[display eq \"Y\"]")], vec![]),
            (vec![remove_where("members[display eq \"Z\"]"), Add(plain())], u(None)),
            (vec![Add(vec![member("new", None)]), remove_where("members[type eq \"Group\"]")], u(Some("Z"))),
            (
                vec![
                    Add(vec![member("new", Some("Z"))]),
                    remove_where("members[type eq \"User\" and display eq \"Z\"]"),
                ],
                vec![("new".to_owned(), Some("Z".to_owned()))],
            ),
            (vec![Replace(plain()), remove_where("members[type eq \"User\"]")], vec![]),
        ] {
            let text = format!("{operations:?}");
            assert_eq!(after(&z, operations), expect, "{text}");
        }
    }

    #[test]
    fn added_members_are_looked_up_only_for_a_filter_on_their_type() {
        let add = || MemberOperation::Add(vec![member("a", None)]);
        assert!(added_members_to_look_up(&[add(), remove_where("members[display eq \"x\"]")]).is_empty());
        for filter in ["members[type eq \"User\"]", "members[$ref co \"Users\"]"] {
            assert_eq!(added_members_to_look_up(&[add(), remove_where(filter)]), ["a"], "{filter}");
        }
    }

    #[test]
    fn filters_with_too_many_comparisons_return_413() {
        let current: Vec<Object> = (0..100_000).map(|at| object(&json!({"value": at.to_string()}))).collect();
        let terms = (0..50).map(|at| format!("display eq \"{at}\"")).collect::<Vec<_>>().join(" or ");
        let folded = fold(vec![remove_where(&format!("members[{terms}]"))], &current, &[]);
        assert_eq!(folded.unwrap_err().status(), 413);
        assert!(fold(vec![remove_where("members[display eq \"x\"]")], &current, &[]).is_ok());
    }

    #[test]
    fn type_and_reference_of_a_member_have_to_agree_with_each_other_and_its_id() {
        use StatedType::{Impossible, Nothing};
        let user = StatedType::Kind(Kind::User);
        let group = StatedType::Kind(Kind::Group);
        for (sent_type, reference, expect) in [
            (None, None, Nothing),
            (Some("User"), None, user),
            (Some("group"), None, group),
            (Some("Device"), None, Impossible),
            (Some(""), None, Impossible),
            (None, Some("https://x.test/scim/v2/Users/a"), user),
            (None, Some("../Groups/a"), group),
            (None, Some("Users/a"), user),
            (None, Some("https://x.test/scim/v2/Users/b"), Impossible),
            (None, Some("https://x.test/scim/v2/Devices/a"), Impossible),
            (None, Some("a"), Impossible),
            (Some("User"), Some("/scim/v2/Users/a"), user),
            (Some("Group"), Some("/scim/v2/Users/a"), Impossible),
        ] {
            assert_eq!(StatedType::of("a", sent_type, reference), expect, "{sent_type:?} {reference:?}");
        }
        assert!(Nothing.allows(Kind::User) && user.allows(Kind::User) && !user.allows(Kind::Group));
        assert!(!Impossible.allows(Kind::User) && !Impossible.allows(Kind::Group));
    }

    #[test]
    fn member_without_id_is_refused() {
        for (members, expect) in [
            (
                json!([{"value": "0191b1c8-7a60-7c3e-8a3e-0123456789ab"}, "0191b1c8-7a60-7c3e-8a3e-0123456789ac"]),
                Ok(Some(2)),
            ),
            (json!([{"value": "a"}]), Ok(Some(1))),
            (json!([{"value": "a,b"}]), Err(400)),
            (json!([{"value": "a@x"}]), Err(400)),
            (json!(["b"]), Err(400)),
            (json!("A,B"), Err(400)),
            (json!(""), Err(400)),
            (json!("[]"), Err(400)),
            (json!("[{\"value\":\"b\"}]"), Err(400)),
            (json!([{"value": "{\"value\":\"b\"}"}]), Err(400)),
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
    fn display_of_members_is_changed_by_their_path() {
        let change = |filter: &str, needs_target, display: Option<&str>| {
            let filter = match remove_where(&format!("members[{filter}]")) {
                MemberOperation::RemoveWhere(filter) => filter,
                other => panic!("{other:?}"),
            };
            let display = display.map(str::to_owned);
            MemberOperation::ChangeDisplay {
                path: String::new(),
                filter: Some(filter),
                needs_target,
                if_several: None,
                display,
            }
        };
        let all = |needs_target, display: Option<&str>| {
            let display = display.map(str::to_owned);
            MemberOperation::ChangeDisplay {
                path: String::new(),
                filter: None,
                needs_target,
                if_several: None,
                display,
            }
        };
        let current = [("a", Some("A")), ("b", None)];
        let displays = |operations| {
            let after = after(&current, operations);
            after.into_iter().map(|(id, display)| format!("{id}{}", display.unwrap_or_default())).collect::<Vec<_>>()
        };
        assert_eq!(displays(vec![change("value eq \"b\"", true, Some("B"))]), ["aA", "bB"]);
        assert_eq!(displays(vec![change("value eq \"a\"", true, None)]), ["a", "b"]);
        assert_eq!(displays(vec![change("value eq \"x\"", false, None)]), ["aA", "b"]);
        assert_eq!(displays(vec![all(false, None)]), ["a", "b"]);
        // A later operation sees it.
        let renamed = change("value eq \"b\"", true, Some("B"));
        assert_eq!(displays(vec![renamed.clone(), remove_where("members[display eq \"b\"]")]), ["aA"]);
        assert_eq!(
            displays(vec![change("display pr", true, None), MemberOperation::Add(vec![member("a", None)])]),
            ["a", "b"]
        );
        assert_eq!(
            displays(vec![
                MemberOperation::Add(vec![member("new", None)]),
                change("type eq \"Group\"", true, Some("N"))
            ]),
            ["aA", "b", "newN"]
        );
        let error = |operation| {
            fold(vec![operation], &[object(&json!({"value": "a"})), object(&json!({"value": "b"}))], &[]).unwrap_err()
        };
        assert_eq!(error(change("value eq \"x\"", true, Some("X"))).scim_type(), Some("noTarget"));
        assert_eq!(error(all(true, Some("X"))).scim_type(), Some("invalidPath"));
        let long = "x".repeat(BODY_BYTES / 2 + 1);
        assert_eq!(error(change("value pr", true, Some(&long))).status(), 413);
        let several = MemberOperation::ChangeDisplay {
            path: String::new(),
            filter: None,
            needs_target: true,
            if_several: Some(Error::InvalidFilter(String::new())),
            display: None,
        };
        assert_eq!(error(several).scim_type(), Some("invalidFilter"));
    }
}
