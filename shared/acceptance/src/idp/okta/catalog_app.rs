//! A catalog app (OIN) updates a profile by GET and PUT or by PATCH without a path, and activation and groups by
//! PATCH.

use serde_json::json;

use crate::client::{ENTERPRISE, USER};
use crate::idp::okta::{Okta, group, member, profile, sorted, unique_user};
use crate::target::{Target, unique};

checks![
    user_is_created_updated_deactivated_and_reactivated,
    existing_user_is_linked,
    profile_and_password_are_patched_without_a_path,
    group_is_pushed,
    group_is_renamed_and_its_members_change,
    missing_member_is_left_out,
    deleted_group_leaves_its_members,
];

fn user_is_created_updated_deactivated_and_reactivated(target: &Target) {
    let okta = Okta::of(target);
    let name = unique_user();

    let created = okta.assign(&name);
    let id = created.id();
    let path = format!("/Users/{id}");
    let location = format!("{}{path}", okta.scim.base());
    created.check(created.header("location") == location, "expected Location");
    let created = created.containing(&json!({
        "schemas": [USER], "userName": name, "active": true, "locale": "en-US", "externalId": format!("00u{name}"),
        "name": { "givenName": "Testa", "familyName": "Userova" },
        "emails": [{ "primary": true, "value": name, "type": "work" }],
        "password": null, "meta": { "resourceType": "User", "location": location },
    }));
    let found = okta.user(&name).expect("the filter finds a new user");
    assert_eq!(found, created.body, "expected the list to contain the answer to POST");

    let change = json!({ "name": { "givenName": "Another", "middleName": "Excited", "familyName": "Userova" } });
    okta.get_and_put(&id, &change).containing(&change);
    okta.scim.get(&path).expect(200).containing(&change);

    let active = |to: bool| json!([{ "op": "replace", "value": { "active": to } }]);
    okta.scim.patch(&path, &active(false)).expect(200).containing(&json!({ "active": false, "id": id }));
    okta.scim.get(&path).expect(200).containing(&json!({ "active": false })).containing(&change);
    let found = okta.user(&name).expect("the filter finds an inactive user");
    assert_eq!(found["active"], false);

    okta.scim.patch(&path, &active(true)).expect(200).containing(&json!({ "active": true }));
    okta.scim.get(&path).expect(200).containing(&json!({ "active": true, "id": id })).containing(&change);
    okta.get_and_put(&id, &json!({ "active": true })).containing(&change);
}

fn existing_user_is_linked(target: &Target) {
    let okta = Okta::of(target);
    let name = unique_user();
    let theirs = json!({
        "schemas": [USER, ENTERPRISE], "userName": name, "active": false, "nickName": "Kept",
        "name": { "familyName": "Before" }, ENTERPRISE: { "department": "Kept, too" },
    });
    let id = target.client().post("/Users", &theirs).expect(201).id();

    let found = okta.user(&name).expect("the filter finds an inactive user");
    assert_eq!(found["id"], id.as_str());
    let path = format!("/Users/{id}");
    okta.scim.patch(&path, &json!([{ "op": "replace", "value": { "active": true } }])).expect(200);
    let first = okta.get_and_put(&id, &profile(&name));
    let first = first.containing(&json!({
        "id": id, "active": true, "nickName": "Kept", ENTERPRISE: { "department": "Kept, too" },
        "name": { "familyName": "Userova", "givenName": "Testa" },
    }));
    let second = okta.get_and_put(&id, &profile(&name));
    assert_eq!(first.body, second.body, "expected a second GET and PUT to change nothing, not even lastModified");
    okta.scim.post("/Users", &profile(&name)).expect_error(409, "uniqueness", &["userName"]);
}

fn profile_and_password_are_patched_without_a_path(target: &Target) {
    let okta = Okta::of(target);
    let id = okta.assign(&unique_user()).id();
    let path = format!("/Users/{id}");

    let changes = json!({
        "name": { "givenName": "Patched" }, "title": "Captain", "displayName": "Patched U.",
        ENTERPRISE: { "department": "Ships" },
    });
    let patched = okta.scim.patch(&path, &json!([{ "op": "replace", "value": changes }])).expect(200);
    patched.containing(&changes).containing(&json!({ "name": { "familyName": "Userova" }, "active": true }));

    let before = okta.scim.get(&path).expect(200).body;
    let password = json!([{ "op": "replace", "value": { "password": "New!placeholder9" } }]);
    let after = okta.scim.patch(&path, &password).expect(200).body;
    assert_eq!(before, after, "expected a password to change nothing");
}

fn group_is_pushed(target: &Target) {
    let okta = Okta::of(target);
    let users = okta.assign_some(2);
    let name = unique("Crew ");
    let created = okta.scim.post("/Groups", &group(&name, &json!([]))).expect(201);
    let id = created.id();
    let path = format!("/Groups/{id}");
    created.check(created.header("location") == format!("{}{path}", okta.scim.base()), "expected Location");
    created.containing(&json!({ "displayName": name, "meta": { "resourceType": "Group" } }));

    let add = json!([{ "op": "add", "path": "members", "value": [member(&users[0]), member(&users[1])] }]);
    okta.scim.patch(&path, &add).expect(200).containing(&json!({ "id": id, "displayName": name }));
    assert_eq!(okta.members(&id), sorted(&[&users[0], &users[1]]));
    okta.scim.patch(&path, &add).expect(200);
    assert_eq!(okta.members(&id), sorted(&[&users[0], &users[1]]), "expected a second add to change nothing");

    let same_name = json!([{ "op": "replace", "value": { "id": id, "displayName": name } }]);
    okta.scim.patch(&path, &same_name).expect(200).containing(&json!({ "id": id, "displayName": name }));
    assert_eq!(okta.members(&id), sorted(&[&users[0], &users[1]]), "expected a rename to keep the members");
    assert_eq!(okta.groups_of(&users[0]), [id.as_str()]);
    okta.scim.get(format!("/Users/{}", users[0])).expect(200).containing(&json!({
        "groups": [{ "value": id, "display": name, "$ref": format!("{}{path}", okta.scim.base()) }],
    }));
}

fn group_is_renamed_and_its_members_change(target: &Target) {
    let okta = Okta::of(target);
    let users = okta.assign_some(3);
    let name = unique("Old ");
    let new_name = unique("New ");
    let id = okta.create_group(&name);
    let path = format!("/Groups/{id}");
    let replace = |users: &[&String]| {
        let members: Vec<_> = users.iter().map(|id| member(id)).collect();
        json!([{ "op": "replace", "path": "members", "value": members }])
    };
    okta.scim.patch(&path, &replace(&[&users[0], &users[1]])).expect(200);

    let delta = json!([
        { "op": "remove", "path": format!("members[value eq \"{}\"]", users[0]) },
        { "op": "add", "path": "members", "value": [member(&users[2])] },
    ]);
    okta.scim.patch(&path, &delta).expect(200);
    assert_eq!(okta.members(&id), sorted(&[&users[1], &users[2]]));
    assert!(okta.groups_of(&users[0]).is_empty());
    assert_eq!(okta.groups_of(&users[2]), [id.as_str()]);
    okta.scim.patch(&path, &delta).expect(200);
    assert_eq!(okta.members(&id), sorted(&[&users[1], &users[2]]), "expected the removal of a non-member to succeed");

    let rename = json!([{ "op": "replace", "value": { "id": id, "displayName": new_name } }]);
    okta.scim.patch(&path, &rename).expect(200).containing(&json!({ "displayName": new_name }));
    assert_eq!(okta.group(&name), None);
    assert_eq!(okta.group(&new_name.to_uppercase()).unwrap()["id"], id.as_str());
    assert_eq!(okta.members(&id), sorted(&[&users[1], &users[2]]));
    okta.scim
        .get(format!("/Users/{}", users[2]))
        .expect(200)
        .containing(&json!({ "groups": [{ "display": new_name }] }));

    okta.scim.patch(&path, &replace(&[])).expect(200);
    assert!(okta.members(&id).is_empty());
    assert!(okta.groups_of(&users[1]).is_empty());
    okta.scim.patch(&path, &replace(&[&users[0]])).expect(200);
    assert_eq!(okta.members(&id), [users[0].clone()]);
    let empty = json!([{ "op": "replace", "value": { "members": [], "id": id, "displayName": new_name } }]);
    okta.scim.patch(&path, &empty).expect(200);
    assert!(okta.members(&id).is_empty());
}

fn missing_member_is_left_out(target: &Target) {
    let okta = Okta::of(target);
    let users = okta.assign_some(2);
    okta.scim.delete(format!("/Users/{}", users[1])).expect(204);
    let id = okta.create_group(&unique("Ghosts "));
    let nobody = "018f0000-0000-7000-8000-000000000000".to_owned();
    for missing in [&users[1], &nobody, &"b1c794f24f4c49f4b5d503a4cb2686ea".to_owned()] {
        let add = json!([{ "op": "add", "path": "members", "value": [member(missing), member(&users[0])] }]);
        okta.scim.patch(format!("/Groups/{id}"), &add).expect(200);
        assert_eq!(okta.members(&id), [users[0].clone()], "expected {missing} to be left out");
    }
}

fn deleted_group_leaves_its_members(target: &Target) {
    let okta = Okta::of(target);
    let users = okta.assign_some(2);
    let name = unique("Gone ");
    let members = json!([member(&users[0]), member(&users[1])]);
    let id = okta.scim.post("/Groups", &group(&name, &members)).expect(201).id();
    assert_eq!(okta.members(&id), sorted(&[&users[0], &users[1]]));

    okta.scim.delete(format!("/Groups/{id}")).expect(204);
    okta.scim.get(format!("/Groups/{id}")).expect_error(404, "", &[]);
    okta.scim.delete(format!("/Groups/{id}")).expect_error(404, "", &[]);
    assert_eq!(okta.group(&name), None);
    for user in &users {
        okta.scim.get(format!("/Users/{user}")).expect(200).containing(&json!({ "active": true }));
        assert!(okta.groups_of(user).is_empty());
    }
    okta.create_group(&name);
}
