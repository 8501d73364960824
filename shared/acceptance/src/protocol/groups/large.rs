//! Checks of changes of groups that are too large for one transaction.

use serde_json::{Value, json};

use super::{group, members, members_of, users};
use crate::protocol::bulk;
use crate::target::{Target, unique};

checks![
    change_of_many_members_is_one_change,
    deleted_member_leaves_many_groups_and_cycles,
    bulk_request_adds_many_members,
    refused_change_of_many_members_changes_nothing,
    too_many_members_return_413_and_change_nothing,
    patch_of_a_large_group_returns_204_unless_attributes_are_requested,
];

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

/// Each kind of request would also give the group a name that another group has.
fn refused_change_of_many_members_changes_nothing(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 40);
    let taken = unique("Taken ");
    let id = group(&scim, &ids[..1]);
    scim.post("/Groups", &json!({ "displayName": taken })).expect(201);
    let whole = json!({ "displayName": taken, "members": members(&ids) });
    scim.post("/Groups", &whole).expect_error(409, "uniqueness", &[]);
    scim.put(format!("/Groups/{id}"), &whole).expect_error(409, "uniqueness", &[]);
    let rename = json!({ "op": "replace", "path": "displayName", "value": taken });
    let add = json!({ "op": "add", "path": "members", "value": members(&ids) });
    scim.patch(format!("/Groups/{id}"), &json!([add, rename])).expect_error(409, "uniqueness", &[]);
    let create = json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": whole });
    assert_eq!(bulk::statuses(&bulk::send(&scim, &json!([create])).expect(200)), "409");
    assert_eq!(members_of(&scim, &id), ids[..1]);
    scim.get(format!("/Users/{}", ids[39])).expect(200).containing(&json!({ "groups": null }));
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
    let one = &groups[0];
    let other = &groups[1];
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
    let answer = bulk::send(&scim, &operations).expect(200);
    assert_eq!(bulk::statuses(&answer), "201");
    let id = answer["Operations"][0]["location"].as_str().unwrap().rsplit('/').next().unwrap();
    assert_eq!(members_of(&scim, id).len(), 40);
}

fn too_many_members_return_413_and_change_nothing(target: &Target) {
    let scim = target.client();
    let id = group(&scim, &[]);
    let unknown: Value = (0..40_001).map(|at| json!({ "value": format!("n{at}") })).collect();
    let add = json!([{ "op": "add", "path": "members", "value": unknown }]);
    let whole = json!({ "displayName": unique("Huge "), "members": unknown });
    let says = ["40001", "40000", "PATCH"];
    scim.patch(format!("/Groups/{id}"), &add).expect_error(413, "", &says);
    scim.put(format!("/Groups/{id}"), &whole).expect_error(413, "", &says);
    scim.post("/Groups", &whole).expect_error(413, "", &says);
    assert!(members_of(&scim, &id).is_empty());
}

/// RFC 7644 §3.5.2 allows a response without a body to a PATCH; the service then does not read the members of a
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
