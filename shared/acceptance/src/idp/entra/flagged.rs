//! Entra ID with `?aadOptscim062020` in its tenant URL sends operations in lower case, true booleans, attributes in
//! a value without a path, and filters that remove members. Most calls have the flag alone, others have it before
//! `filter=`.

use serde_json::json;

use crate::answer::values;
use crate::client::ENTERPRISE;
use crate::idp::entra::{Entra, principal, user};
use crate::target::{Target, unique};

checks![user_life_cycle, attributes_are_patched_without_a_path, group_life_cycle,];

fn user_life_cycle(target: &Target) {
    let entra = Entra::flagged(target);
    entra.test_connection();
    let name = principal();
    let id = entra.create_user(&name);
    let path = format!("/Users/{id}");
    entra.post("/Users", &user(&name)).expect_error(409, "uniqueness", &["userName"]);

    let disable = json!([{ "op": "replace", "path": "active", "value": false }]);
    entra.patch(&path, &disable).expect(200).containing(&json!({ "active": false, "id": id }));
    entra.get(&path).expect(200).containing(&json!({ "active": false, "displayName": "Ida Hansen" }));
    assert_eq!(
        entra.matching("/Users", &format!("userName eq \"{name}\"")),
        [id.as_str()],
        "expected the filter to find a disabled user"
    );
    let enable = json!([{ "op": "replace", "path": "active", "value": true }]);
    entra.patch(&path, &enable).expect(200);
    entra.get(&path).expect(200).containing(&json!({ "active": true }));

    entra.delete(&path).expect(204);
    entra.get(&path).expect_error(404, "", &[]);
    entra.delete(&path).expect_error(404, "", &[]);
}

fn attributes_are_patched_without_a_path(target: &Target) {
    let entra = Entra::flagged(target);
    let name = principal();
    let path = format!("/Users/{}", entra.create_user(&name));
    let of = |attribute: &str| format!("{ENTERPRISE}:{attribute}");
    let operations = json!([
        { "op": "replace", "value": {
            "displayName": "Inge", "name.givenName": "Inge", "name.familyName": "Holm", of("department"): "Ships",
            of("employeeNumber"): "0042", "emails[type eq \"work\"].value": format!("new.{name}"),
        } },
        { "op": "add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+45 555 0100" },
        { "op": "add", "value": { "preferredLanguage": "da", "nickName": "In" } },
        { "op": "remove", "path": "title" },
        { "op": "add", "path": of("manager"), "value": "0d0d" },
    ]);
    let expected = json!({
        "displayName": "Inge", "name": { "givenName": "Inge", "familyName": "Holm", "formatted": "Ida Hansen" },
        "emails": [{ "type": "work", "primary": true, "value": format!("new.{name}") }],
        "phoneNumbers": [{ "type": "mobile", "value": "+45 555 0100" }], "preferredLanguage": "da", "nickName": "In",
        "title": null, "userName": name,
        ENTERPRISE: { "department": "Ships", "employeeNumber": "0042", "manager": { "value": "0d0d" } },
    });
    entra.patch(&path, &operations).expect(200).containing(&expected);
    let first = entra.get(&path).expect(200).containing(&expected);
    entra.patch(&path, &operations).expect(200);
    assert_eq!(entra.get(&path).expect(200).body, first.body, "expected a second cycle to change nothing");
    let manager = json!([{ "op": "remove", "path": of("manager") }]);
    entra.patch(&path, &manager).expect(200);
    entra.get(&path).expect(200).containing(&json!({ ENTERPRISE: { "manager": null, "department": "Ships" } }));
}

fn group_life_cycle(target: &Target) {
    let entra = Entra::flagged(target);
    let users: Vec<String> = (0..3).map(|_| entra.create_user(&principal())).collect();
    let name = unique("Pilots ");
    let id = entra.create_group(&name);
    let path = format!("/Groups/{id}");
    let mut sorted = users.clone();
    sorted.sort();

    let members: Vec<_> = users.iter().map(|user| json!({ "value": user })).collect();
    let add = json!([{ "op": "add", "path": "members", "value": members }]);
    assert_eq!(entra.change_members(&id, &add), sorted);
    let one = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", users[0]) }]);
    let rest: Vec<String> = sorted.iter().filter(|user| **user != users[0]).cloned().collect();
    assert_eq!(entra.change_members(&id, &one), rest);
    assert_eq!(entra.change_members(&id, &one), rest, "expected no error for a user who is not a member");
    assert!(entra.is_member(&id, &users[1]) && !entra.is_member(&id, &users[0]));

    let new_name = unique("Captains ");
    let rename = json!([{ "op": "replace", "value": { "displayName": new_name } }]);
    assert_eq!(entra.change_members(&id, &rename), rest);
    assert_eq!((entra.find_group(&name), entra.find_group(&new_name)), (None, Some(id.clone())));
    entra.group_without_members(&id).containing(&json!({ "displayName": new_name }));
    let user = entra.get(&format!("/Users/{}", users[1])).expect(200);
    assert_eq!(values(&user["groups"]), [id.as_str()]);

    entra.delete(&path).expect(204);
    entra.get(&path).expect_error(404, "", &[]);
    entra.delete(&path).expect_error(404, "", &[]);
}
