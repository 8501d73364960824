//! A custom app (App Integration Wizard) makes every change by a GET and a PUT of the whole resource, and sends
//! groups with their full list of members.

use serde_json::{Value, json};

use crate::client::ENTERPRISE;
use crate::idp::okta::{Okta, group, member, profile, sorted, unique_user};
use crate::target::{Target, unique};

checks![
    user_is_created_updated_deactivated_and_reactivated,
    existing_user_is_linked,
    absent_null_and_empty_attributes_are_cleared,
    put_without_active_never_deactivates,
    group_is_pushed_and_updated,
    group_with_a_deleted_member_is_created_without_it,
];

fn user_is_created_updated_deactivated_and_reactivated(target: &Target) {
    let okta = Okta::of(target);
    let name = unique_user();
    let id = okta.assign(&name).id();
    let path = format!("/Users/{id}");

    let change = json!({
        "name": { "givenName": "Another", "familyName": "Userova" }, "title": "Captain",
        ENTERPRISE: { "department": "Ships", "manager": { "value": "not-a-user-of-ours" } },
    });
    okta.get_and_put(&id, &change).containing(&change).containing(&json!({ "id": id, "active": true }));

    okta.get_and_put(&id, &json!({ "active": false })).containing(&json!({ "active": false })).containing(&change);
    okta.scim.get(&path).expect(200).containing(&json!({ "active": false }));
    let found = okta.user(&name).expect("the filter finds an inactive user");
    assert_eq!((&found["id"], &found["active"]), (&json!(id), &json!(false)));

    okta.get_and_put(&id, &json!({ "active": true })).containing(&json!({ "active": true }));
    okta.scim.get(&path).expect(200).containing(&json!({ "active": true, "id": id })).containing(&change);
}

fn existing_user_is_linked(target: &Target) {
    let okta = Okta::of(target);
    let name = unique_user();
    let theirs = json!({ "userName": name, "nickName": "Kept", "active": false });
    let id = target.client().post("/Users", &theirs).expect(201).id();
    assert_eq!(okta.user(&name).expect("the filter finds the user")["id"], id.as_str());
    let linked = okta.get_and_put(&id, &profile(&name));
    linked.containing(&json!({ "id": id, "userName": name, "active": true, "nickName": "Kept" }));
}

fn absent_null_and_empty_attributes_are_cleared(target: &Target) {
    let okta = Okta::of(target);
    let name = unique_user();
    let mut full = profile(&name);
    for attribute in ["title", "nickName", "userType"] {
        full[attribute] = json!("to be cleared");
    }
    full["phoneNumbers"] = json!([{ "type": "work", "value": "+1 555 0100" }]);
    let id = okta.scim.post("/Users", &full).expect(201).id();
    full["title"] = Value::Null;
    full["nickName"] = json!("");
    full["phoneNumbers"] = json!([]);
    full.as_object_mut().unwrap().remove("userType");
    full["id"] = json!(id);
    full["meta"] = json!({ "resourceType": "User" });
    let cleared = json!({ "title": null, "nickName": null, "userType": null, "phoneNumbers": null, "active": true });
    okta.scim.put(format!("/Users/{id}"), &full).expect(200).containing(&cleared);
    okta.scim.get(format!("/Users/{id}")).expect(200).containing(&cleared);
}

fn put_without_active_never_deactivates(target: &Target) {
    let okta = Okta::of(target);
    let name = unique_user();
    let id = okta.assign(&name).id();
    okta.scim
        .put(format!("/Users/{id}"), &json!({ "userName": name }))
        .expect(200)
        .containing(&json!({ "active": true, "title": null }));
}

fn group_is_pushed_and_updated(target: &Target) {
    let okta = Okta::of(target);
    let users = okta.assign_some(3);
    let name = unique("Old ");
    let new_name = unique("New ");

    assert_eq!(okta.group(&name), None);
    let id = okta.create_group(&name);
    okta.scim.get(format!("/Groups/{id}")).expect(200);
    let push = |name: &str, users: &[&String]| {
        let members: Vec<_> = users.iter().map(|id| member(id)).collect();
        let mut all = group(name, &json!(members));
        all["id"] = json!(id);
        okta.scim.put(format!("/Groups/{id}"), &all).expect(200).containing(&json!({ "id": id, "displayName": name }));
        assert_eq!(okta.members(&id), sorted(users));
    };
    push(&name, &[&users[0]]);
    push(&name, &[&users[0], &users[1]]);
    push(&name, &[&users[1], &users[2]]);
    assert!(okta.groups_of(&users[0]).is_empty());
    assert_eq!(okta.groups_of(&users[2]), [id.as_str()]);

    push(&new_name, &[&users[1], &users[2]]);
    assert_eq!(okta.group(&name), None);
    assert_eq!(okta.group(&new_name).expect("the filter finds the new name")["id"], id.as_str());
    push(&new_name, &[]);
    assert!(okta.groups_of(&users[2]).is_empty());

    okta.scim.delete(format!("/Groups/{id}")).expect(204);
    okta.scim.get(format!("/Users/{}", users[1])).expect(200).containing(&json!({ "active": true }));
}

fn group_with_a_deleted_member_is_created_without_it(target: &Target) {
    let okta = Okta::of(target);
    let users = okta.assign_some(3);
    okta.scim.delete(format!("/Users/{}", users[2])).expect(204);
    let nameless = |id: &String| json!({ "value": id, "display": null });
    let all = json!([member(&users[0]), nameless(&users[1]), member(&users[2])]);
    let name = unique("Mixed ");

    let created = okta.scim.post("/Groups", &group(&name, &all)).expect(201);
    let id = created.id();
    assert_eq!(crate::answer::values(&created["members"]), sorted(&[&users[0], &users[1]]));
    assert_eq!(okta.members(&id), sorted(&[&users[0], &users[1]]));

    let again = okta.scim.put(format!("/Groups/{id}"), &group(&name, &all)).expect(200);
    assert_eq!(crate::answer::values(&again["members"]), sorted(&[&users[0], &users[1]]));
    okta.scim.post("/Groups", &group(&name, &json!([]))).expect_error(409, "uniqueness", &["displayName"]);
}
