//! Tables of operations on members, and of the members in a request.

use std::collections::BTreeMap;

use schema::{Dialect, Kind, Object, resource_type};
use serde_json::{Value, json};

use super::*;
use crate::limits::BODY_BYTES;
use crate::{Error, Filter};

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
    let objects = current.iter().map(|(id, display)| object(&json!({"value": id, "type": "User", "display": display})));
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
            vec![Add(vec![member("new", Some("Z"))]), remove_where("members[type eq \"User\" and display eq \"Z\"]")],
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
        MemberOperation::ChangeDisplay { path: String::new(), filter: None, needs_target, if_several: None, display }
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
        displays(vec![MemberOperation::Add(vec![member("new", None)]), change("type eq \"Group\"", true, Some("N"))]),
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
