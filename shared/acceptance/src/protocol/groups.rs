//! Checks of groups: members from both sides, projection, nesting, and changes that are too large for one commit
//! (RFC 7643 §4.2).

use serde_json::{Value, json};

use crate::answer::values;
use crate::client::Client;
use crate::target::{Target, unique};

checks![
    member_has_display_type_and_reference,
    members_are_patched_in_every_form,
    repeated_member_gets_its_new_display,
    deleted_user_leaves_all_groups,
    delete_at_the_wrong_endpoint_changes_nothing,
    groups_are_found_by_name_and_by_member,
    members_are_left_out_on_request,
    change_of_many_members_is_one_change,
    deleted_member_leaves_many_groups_and_cycles,
    bulk_request_adds_many_members,
    more_than_100_000_members_return_413_and_change_nothing,
    patch_of_a_large_group_returns_204_unless_attributes_are_requested,
];

fn users(scim: &Client, count: usize) -> Vec<String> {
    (0..count).map(|_| scim.post("/Users", &json!({ "userName": unique("member") })).expect(201).id()).collect()
}

fn members(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({ "value": id, "display": format!("called {id}") })).collect()
}

fn group(scim: &Client, ids: &[String]) -> String {
    let name = unique("Group ");
    scim.post("/Groups", &json!({ "displayName": name, "members": members(ids) })).expect(201).id()
}

fn members_of(scim: &Client, id: &str) -> Vec<String> {
    values(&scim.get(format!("/Groups/{id}")).expect(200)["members"])
}

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
        let (name, location) = (&group["displayName"], &group["meta"]["location"]);
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
    let (name, path) = (unique("Group "), format!("/Groups/{}", group(&scim, &ids)));
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

/// Each kind of request changes more members than one transaction can contain.
fn change_of_many_members_is_one_change(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 120);
    let name = unique("Large ");
    let whole = |ids: &[String]| json!({ "displayName": name, "members": members(ids) });
    let sorted = |ids: &[String]| {
        let mut ids = ids.to_vec();
        ids.sort();
        ids
    };
    let created = scim.post("/Groups", &whole(&ids[..60])).expect(201);
    let (id, path) = (created.id(), format!("/Groups/{}", created.id()));
    assert_eq!(sorted(&members_of(&scim, &id)), sorted(&ids[..60]));
    let add = json!([{ "op": "add", "path": "members", "value": members(&ids[..100]) }]);
    scim.patch(&path, &add).expect(200);
    assert_eq!(sorted(&members_of(&scim, &id)), sorted(&ids[..100]));
    let gone: Value = ids[..40].iter().map(|id| json!({ "value": id })).collect();
    scim.patch(&path, &json!([{ "op": "remove", "path": "members", "value": gone }])).expect(200);
    assert_eq!(sorted(&members_of(&scim, &id)), sorted(&ids[40..100]));
    scim.put(&path, &whole(&ids[80..])).expect(200);
    assert_eq!(sorted(&members_of(&scim, &id)), sorted(&ids[80..]));
    for (user, groups) in [(&ids[0], 0), (&ids[79], 0), (&ids[80], 1), (&ids[119], 1)] {
        assert_eq!(scim.find("/Groups", &format!("members.value eq \"{user}\"")).len(), groups);
        let seen = scim.get(format!("/Users/{user}")).expect(200);
        assert_eq!(seen["groups"].as_array().map_or(0, Vec::len), groups);
    }
    scim.delete(format!("/Users/{}", ids[119])).expect(204);
    assert_eq!(sorted(&members_of(&scim, &id)), sorted(&ids[80..119]));
    scim.patch(&path, &json!([{ "op": "replace", "path": "members", "value": [] }])).expect(200);
    assert!(members_of(&scim, &id).is_empty());
    scim.patch(&path, &add).expect(200);
    scim.delete(&path).expect(204);
    scim.get(format!("/Users/{}", ids[0])).expect(200).containing(&json!({ "groups": null }));
}

/// A deleted member leaves more groups than one transaction can contain, nested groups, and groups in a cycle.
fn deleted_member_leaves_many_groups_and_cycles(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 1);
    let groups: Vec<String> = (0..33).map(|_| group(&scim, &ids)).collect();
    scim.delete(format!("/Users/{}", ids[0])).expect(204);
    for id in &groups {
        assert!(members_of(&scim, id).is_empty());
    }
    let (one, other) = (&groups[0], &groups[1]);
    for (outer, inner) in [(one, other), (other, one), (&groups[2], one)] {
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": inner }] }]);
        scim.patch(format!("/Groups/{outer}"), &add).expect(200);
    }
    scim.delete(format!("/Groups/{one}")).expect(204);
    for id in [other, &groups[2]] {
        assert!(members_of(&scim, id).is_empty());
    }
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": other }] }]);
    scim.patch(format!("/Groups/{}", groups[2]), &add).expect(200);
    scim.delete(format!("/Groups/{other}")).expect(204);
    assert!(members_of(&scim, &groups[2]).is_empty());
}

fn bulk_request_adds_many_members(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 40);
    let data = json!({ "displayName": unique("Bulk "), "members": members(&ids) });
    let operations = json!([{ "method": "POST", "path": "/Groups", "bulkId": "g", "data": data }]);
    let answer = crate::protocol::bulk::send(&scim, &operations).expect(200);
    assert_eq!(crate::protocol::bulk::statuses(&answer), "201");
    let id = answer["Operations"][0]["location"].as_str().unwrap().rsplit('/').next().unwrap();
    assert_eq!(members_of(&scim, id).len(), 40);
}

fn more_than_100_000_members_return_413_and_change_nothing(target: &Target) {
    let scim = target.client();
    let id = group(&scim, &[]);
    let unknown: Value = (0..100_001).map(|at| json!({ "value": format!("n{at}") })).collect();
    let add = json!([{ "op": "add", "path": "members", "value": unknown }]);
    scim.patch(format!("/Groups/{id}"), &add).expect_error(413, "", &["100001", "100000"]);
    assert!(members_of(&scim, &id).is_empty());
}

/// RFC 7644 §3.5.2 allows an answer without a body to a PATCH; the service then does not read the members of a
/// large group.
fn patch_of_a_large_group_returns_204_unless_attributes_are_requested(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 1001);
    let path = format!("/Groups/{}", group(&scim, &[]));
    let add = |ids: &[String]| json!([{ "op": "add", "path": "members", "value": members(ids) }]);
    for some in ids[..1000].chunks(30) {
        scim.patch(&path, &add(some)).expect(200);
    }
    let last = scim.patch(&path, &add(&ids[1000..])).expect(204);
    last.check(last.text.is_empty(), "expected no body");
    let asked = scim.patch(format!("{path}?attributes=displayName"), &add(&ids[1000..])).expect(200);
    asked.check(asked["displayName"].is_string(), "expected the requested attribute");
    assert_eq!(members_of(&scim, path.trim_start_matches("/Groups/")).len(), 1001);
    scim.patch(&path, &json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[0]) }])).expect(200);
}
