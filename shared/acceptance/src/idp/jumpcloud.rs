//! When an administrator activates the integration, JumpCloud creates a user and a group, changes them and deletes
//! them again. It removes members by sending them as the value. Its documentation does not specify with which verb
//! it updates, so the checks use both.

use serde_json::{Value, json};

use crate::answer::values;
use crate::client::{Client, GROUP, USER};
use crate::connection::ClientProfile;
use crate::target::{Target, unique};

checks![activation_creates_changes_and_deletes_a_user_and_a_group, members_are_added_and_removed,];

const JUMPCLOUD: ClientProfile =
    ClientProfile { headers: &[("Accept", "application/scim+json")], content_type: "application/scim+json" };

fn jumpcloud(target: &Target) -> Client {
    target.client().with_profile(&JUMPCLOUD)
}

fn user(name: &str) -> Value {
    json!({
        "schemas": [USER], "userName": name, "active": true, "displayName": "Test User", "externalId": name,
        "name": { "givenName": "Test", "familyName": "User" }, "emails": [{ "value": name, "type": "work", "primary": true }],
    })
}

fn principal() -> String {
    format!("{}@jump.example", unique("jc."))
}

fn activation_creates_changes_and_deletes_a_user_and_a_group(target: &Target) {
    let scim = jumpcloud(target);
    // JumpCloud repeats this with each change of the settings, so nothing may be left of the previous run.
    let name = principal();
    let group = unique("JumpCloud test ");
    for _ in 0..2 {
        assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
        let path = format!("/Users/{}", scim.post("/Users", &user(&name)).expect(201).id());
        let mut changed = user(&name);
        changed["name"]["givenName"] = json!("Changed");
        scim.put(&path, &changed).expect(200);
        scim.get(&path).expect(200).containing(&changed);
        let patch = json!([{ "op": "replace", "path": "name.familyName", "value": "Patched" }]);
        scim.patch(&path, &patch).expect(200);
        let name_now = json!({ "name": { "givenName": "Changed", "familyName": "Patched" } });
        scim.get(&path).expect(200).containing(&name_now);
        scim.patch(&path, &json!([{ "op": "replace", "value": { "active": false } }])).expect(200);
        scim.get(&path).expect(200).containing(&json!({ "active": false })).containing(&name_now);

        let body = json!({ "schemas": [GROUP], "displayName": group, "members": [] });
        let group_path = format!("/Groups/{}", scim.post("/Groups", &body).expect(201).id());
        scim.put(&group_path, &json!({ "schemas": [GROUP], "displayName": format!("{group} changed"), "members": [] }))
            .expect(200);
        scim.get(&group_path).expect(200).containing(&json!({ "displayName": format!("{group} changed") }));
        scim.delete(&group_path).expect(204);
        scim.get(&group_path).expect_error(404, "", &[]);
        scim.delete(&path).expect(204);
        scim.get(&path).expect_error(404, "", &[]);
    }
}

fn members_are_added_and_removed(target: &Target) {
    let scim = jumpcloud(target);
    let users: Vec<String> = (0..3).map(|_| scim.post("/Users", &user(&principal())).expect(201).id()).collect();
    let name = unique("Jumpers ");
    let path = format!(
        "/Groups/{}",
        scim.post("/Groups", &json!({ "schemas": [GROUP], "displayName": name })).expect(201).id()
    );
    let of = |ids: &[usize]| {
        let mut ids: Vec<String> = ids.iter().map(|at| users[*at].clone()).collect();
        ids.sort();
        ids
    };
    let sent = |ids: &[usize]| ids.iter().map(|at| json!({ "value": users[*at] })).collect::<Value>();
    let read = || values(&scim.get(&path).expect(200).containing(&json!({ "displayName": name }))["members"]);

    scim.patch(&path, &json!([{ "op": "add", "path": "members", "value": sent(&[0, 1, 2]) }])).expect(200);
    assert_eq!(read(), of(&[0, 1, 2]));
    scim.patch(&path, &json!([{ "op": "remove", "path": "members", "value": sent(&[1]) }])).expect(200);
    assert_eq!(read(), of(&[0, 2]), "expected only the member that was sent to be removed");
    scim.patch(&path, &json!([{ "op": "remove", "path": "members", "value": sent(&[1]) }])).expect(200);
    assert_eq!(read(), of(&[0, 2]));
    scim.put(&path, &json!({ "schemas": [GROUP], "displayName": name, "members": sent(&[1, 2]) })).expect(200);
    assert_eq!(read(), of(&[1, 2]), "expected PUT to replace the members");
    scim.put(&path, &json!({ "schemas": [GROUP], "displayName": name })).expect(200);
    assert_eq!(read(), of(&[1, 2]), "expected a PUT without members to keep them");
}
