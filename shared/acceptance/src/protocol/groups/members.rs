//! Checks of the members of groups: from both sides, projection and nesting (RFC 7643 §4.2).

use serde_json::{Value, json};

use super::{group, members, members_of, users};
use crate::answer::values;
use crate::target::{Target, unique};

checks![
    member_has_display_type_and_reference,
    members_are_patched_in_every_form,
    repeated_member_gets_its_new_display,
    deleted_user_leaves_all_groups,
    delete_at_the_wrong_endpoint_changes_nothing,
    groups_are_found_by_name_and_by_member,
    members_are_left_out_on_request,
    member_is_removed_and_added_beside_one_who_is_there,
];

fn member_has_display_type_and_reference(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 1);
    let inner = group(&scim, &ids);
    let name = unique("Outer ");
    let both = json!([{ "value": ids[0], "display": "As sent" }, { "value": inner, "type": "Group" }]);
    let outer = scim.post("/Groups", &json!({ "displayName": name, "members": both })).expect(201);
    let path = format!("/Groups/{}", outer.id());
    for answer in [outer, scim.get(&path).expect(200)] {
        let found = answer["members"].as_array().cloned().unwrap_or_default();
        answer.check(found.len() == 2, "expected two members");
        for (id, endpoint, kind) in [(&ids[0], "Users", "User"), (&inner, "Groups", "Group")] {
            let member = found.iter().find(|member| member["value"] == id.as_str()).expect("the member");
            let location = scim.get(format!("/{endpoint}/{id}")).expect(200)["meta"]["location"].clone();
            answer.check(member["$ref"] == location, "expected $ref to be the member's meta.location");
            answer.check(member["type"] == kind, "expected the member's type");
        }
        let user = found.iter().find(|member| member["value"] == ids[0].as_str()).unwrap();
        answer.check(user["display"] == "As sent", "expected display as sent");
    }
    // A user lists each group whose direct member it is, and no others (RFC 7643 §4.1.2).
    let user = scim.get(format!("/Users/{}", ids[0])).expect(200);
    let mut groups = user["groups"].as_array().cloned().unwrap_or_default();
    groups.sort_by_key(|group| group["display"] != name);
    let expected = [path, format!("/Groups/{inner}")].map(|path| {
        let group = scim.get(path).expect(200);
        let name = &group["displayName"];
        let location = &group["meta"]["location"];
        json!({ "value": group["id"], "$ref": location, "display": name, "type": "direct" })
    });
    user.check(groups == expected, "expected both groups with name and reference");
}

fn members_are_patched_in_every_form(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 4);
    let id = group(&scim, &ids[..2]);
    let path = format!("/Groups/{id}");
    let by_value = |id: &str| format!("members[value eq \"{id}\"]");
    let array = |ids: &[&String]| ids.iter().map(|id| json!({ "value": id })).collect::<Value>();
    let steps = [
        (json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": ids[2] }] }]), "012"),
        (json!([{ "op": "add", "value": { "members": [{ "value": ids[3] }] } }]), "0123"),
        (json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": ids[0] }] }]), "123"),
        (json!([{ "op": "remove", "path": by_value(&ids[1]) }]), "23"),
        (json!([{ "op": "remove", "path": by_value(&ids[1]) }]), "23"),
        (
            json!([{ "op": "add", "path": "members", "value": array(&[&ids[0]]) }, { "op": "remove", "path": by_value(&ids[0]) }]),
            "23",
        ),
        (json!([{ "op": "replace", "path": "externalId", "value": "X" }]), "23"),
        (json!([{ "op": "replace", "value": { "displayName": unique("Renamed ") } }]), "23"),
        (json!([{ "op": "replace", "path": "members", "value": array(&[&ids[0], &ids[2], &ids[0]]) }]), "02"),
        (json!([{ "op": "remove", "path": "members" }]), ""),
        (json!([{ "op": "remove", "path": "members" }]), ""),
        (
            json!([{ "op": "add", "path": "members", "value": array(&[&ids[1]]) }, { "op": "add", "path": "members", "value": array(&[&ids[2]]) }]),
            "12",
        ),
        (json!([{ "op": "replace", "value": { "members": array(&[&ids[3]]) } }]), "3"),
    ];
    for (operations, expected) in steps {
        let answer = scim.patch(&path, &operations).expect(200);
        let expected: Vec<usize> = expected.chars().map(|digit| digit.to_digit(10).unwrap() as usize).collect();
        let mut in_group: Vec<String> = expected.iter().map(|number| ids[*number].clone()).collect();
        in_group.sort();
        answer.check(values(&answer["members"]) == in_group, &format!("expected members {expected:?}"));
        assert_eq!(members_of(&scim, &id), in_group, "{operations}");
        for (number, user) in ids.iter().enumerate() {
            let groups = values(&scim.get(format!("/Users/{user}")).expect(200)["groups"]);
            assert_eq!(
                groups.len(),
                usize::from(expected.contains(&number)),
                "groups of user {number} after {operations}"
            );
        }
    }
}

/// An existing member gets the `display` that is sent, in each form in which members are sent.
fn repeated_member_gets_its_new_display(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 2);
    let name = unique("Group ");
    let path = format!("/Groups/{}", group(&scim, &ids));
    let called = |display: &str| json!([{ "value": ids[0], "display": display }, { "value": ids[1] }]);
    let patch = |op: &str, display: &str| {
        let operations = json!([{ "op": op, "path": "members", "value": called(display) }]);
        scim.patch(&path, &operations).expect(200)
    };
    let kept = format!("called {}", ids[1]);
    let check = |answer: crate::answer::Answer, display: &str| {
        for answer in [answer, scim.get(&path).expect(200)] {
            let members = answer["members"].as_array().cloned().unwrap_or_default();
            let display_of =
                |id: &str| members.iter().find(|member| member["value"] == id).map(|it| it["display"].clone());
            answer.check(members.len() == 2, "expected the same members");
            answer.check(display_of(&ids[0]) == Some(json!(display)), "expected the display that was sent");
            answer.check(display_of(&ids[1]) == Some(json!(kept)), "expected the other display to be unchanged");
        }
    };
    check(patch("add", "One"), "One");
    check(patch("replace", "Two"), "Two");
    let version = scim.get(&path).expect(200)["meta"]["version"].clone();
    let again = patch("add", "Two");
    again.check(again["meta"]["version"] == version, "expected a change without effect to keep the version");
    let put = json!({ "displayName": name, "members": called("Three") });
    check(scim.put(&path, &put).expect(200), "Three");
}

fn deleted_user_leaves_all_groups(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 2);
    let groups = [group(&scim, &ids), group(&scim, &ids[..1])];
    scim.delete(format!("/Users/{}", ids[0])).expect(204);
    assert_eq!(members_of(&scim, &groups[0]), [ids[1].clone()]);
    assert!(members_of(&scim, &groups[1]).is_empty());
    let put = json!({ "displayName": unique("Group "), "members": members(&ids) });
    let answer = scim.put(format!("/Groups/{}", groups[1]), &put).expect(200);
    assert_eq!(values(&answer["members"]), [ids[1].clone()], "expected the deleted user not to be added");
}

/// A user or a group that is deleted at the endpoint of the other type keeps its groups and its members.
fn delete_at_the_wrong_endpoint_changes_nothing(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 1);
    let inner = group(&scim, &ids);
    let outer = group(&scim, &[ids[0].clone(), inner.clone()]);
    scim.delete(format!("/Groups/{}", ids[0])).expect_error(404, "", &[]);
    scim.delete(format!("/Users/{inner}")).expect_error(404, "", &[]);
    assert_eq!(members_of(&scim, &outer).len(), 2);
    assert_eq!(members_of(&scim, &inner), ids);
    assert_eq!(values(&scim.get(format!("/Users/{}", ids[0])).expect(200)["groups"]).len(), 2);
}

fn groups_are_found_by_name_and_by_member(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 2);
    let name = unique("Findable ");
    let body = json!({ "displayName": name, "externalId": format!("X{name}"), "members": members(&ids[..1]) });
    let id = scim.post("/Groups", &body).expect(201).id();
    for (filter, found) in [
        (format!("displayName eq \"{}\"", name.to_uppercase()), true),
        (format!("displayName sw \"{name}\""), true),
        (format!("displayName eq \"{name}x\""), false),
        (format!("externalId eq \"X{name}\""), true),
        (format!("externalId eq \"x{name}\""), false),
        (format!("members.value eq \"{}\"", ids[0]), true),
        (format!("members[value eq \"{}\"]", ids[0]), true),
        (format!("members.value eq \"{}\"", ids[1]), false),
        (format!("id eq \"{id}\" and members eq \"{}\"", ids[0]), true),
        (format!("id eq \"{id}\" and members eq \"{}\"", ids[1]), false),
        (format!("members pr and id eq \"{id}\""), true),
        (format!("not (members pr) and id eq \"{id}\""), false),
    ] {
        let groups = scim.find("/Groups", &filter);
        let expected: &[&str] = if found { &[&id] } else { &[] };
        let ids: Vec<&str> = groups.iter().filter_map(|group| group["id"].as_str()).collect();
        assert_eq!(ids, expected, "{filter}");
    }
    let mine = scim.find("/Users", &format!("groups.value eq \"{id}\""));
    assert_eq!(mine.len(), 1);
    assert_eq!(mine[0]["id"], ids[0].as_str());
}

fn members_are_left_out_on_request(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 2);
    let id = group(&scim, &ids);
    let path = format!("/Groups/{id}");
    let filter = format!("id eq \"{id}\"");
    let without = json!({ "id": id, "displayName": "*", "members": null });
    scim.get(format!("{path}?excludedAttributes=members")).expect(200).containing(&without);
    scim.list("/Groups", &[("filter", &filter), ("excludedAttributes", "members")])
        .expect(200)
        .containing(&json!({ "totalResults": 1, "Resources": [without] }));
    let operations = json!([{ "op": "replace", "path": "externalId", "value": "E" }]);
    scim.patch(format!("{path}?excludedAttributes=MEMBERS"), &operations).expect(200).containing(&without);
    let only =
        scim.get(format!("{path}?attributes=members.value")).expect(200).containing(&json!({ "displayName": null }));
    assert_eq!(values(&only["members"]).len(), 2);
    only.check(only["members"][0]["display"].is_null(), "expected the members' value only");
}

fn member_is_removed_and_added_beside_one_who_is_there(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 2);
    let id = group(&scim, &ids);
    let remove = json!({ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[0]) });
    let add = json!({ "op": "add", "path": "members", "value": members(&ids) });
    scim.patch(format!("/Groups/{id}"), &json!([remove, add])).expect(200);
    assert_eq!(members_of(&scim, &id), ids);
}
