//! Entra ID's older behaviour sends `Add` and `Replace` with a path each, booleans as strings, value filters that
//! create elements, and the members to remove as the value.

use serde_json::{Value, json};

use crate::client::ENTERPRISE;
use crate::idp::entra::{Entra, principal, user};
use crate::target::{Target, unique};

checks![
    user_life_cycle,
    attributes_are_patched_by_path,
    manager_in_every_form_is_set_and_removed,
    app_roles_are_patched,
    booleans_as_strings_and_capitalised_attributes_are_accepted,
    group_life_cycle,
];

fn of_extension(name: &str) -> String {
    format!("{ENTERPRISE}:{name}")
}

fn user_life_cycle(target: &Target) {
    let entra = Entra::legacy(target);
    entra.test_connection();
    let name = principal();
    let id = entra.create_user(&name);
    let path = format!("/Users/{id}");
    entra.post("/Users", &user(&name)).expect_error(409, "uniqueness", &["userName"]);

    let disable = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    entra.patch(&path, &disable).expect(200).containing(&json!({ "active": false }));
    assert_eq!(
        entra.matching("/Users", &format!("userName eq \"{name}\"")),
        [id.as_str()],
        "expected the filter to find a disabled user"
    );
    entra.get(&path).expect(200).containing(&json!({ "active": false, "title": "Pilot" }));
    let enable = json!([{ "op": "Replace", "path": "active", "value": "True" }]);
    entra.patch(&path, &enable).expect(200).containing(&json!({ "active": true }));

    let new_name = principal();
    let rename = json!([{ "op": "Replace", "path": "userName", "value": new_name }]);
    entra.patch(&path, &rename).expect(200).containing(&json!({ "userName": new_name, "id": id }));
    assert!(entra.matching("/Users", &format!("userName eq \"{name}\"")).is_empty());
    assert_eq!(entra.matching("/Users", &format!("userName eq \"{new_name}\"")), [id.as_str()]);

    entra.delete(&path).expect(204);
    entra.get(&path).expect_error(404, "", &[]);
    entra.delete(&path).expect_error(404, "", &[]);
    assert!(entra.matching("/Users", &format!("userName eq \"{new_name}\"")).is_empty());
}

fn attributes_are_patched_by_path(target: &Target) {
    let entra = Entra::legacy(target);
    let name = principal();
    let path = format!("/Users/{}", entra.create_user(&name));
    let changes = [
        ("Add", "name.givenName".to_owned(), json!("Inge")),
        ("Replace", "name.familyName".to_owned(), json!("Holm")),
        ("Replace", "emails[type eq \"work\"].value".to_owned(), json!(format!("new.{name}"))),
        ("Add", "emails[type eq \"other\"].value".to_owned(), json!(format!("other.{name}"))),
        ("Add", "phoneNumbers[type eq \"mobile\"].value".to_owned(), json!("+45 555 0100")),
        ("Add", "phoneNumbers[type eq \"work\"].value".to_owned(), json!("+45 555 0101")),
        ("Add", "addresses[type eq \"work\"].formatted".to_owned(), json!("1 Quay\nHarbour")),
        ("Add", "addresses[type eq \"work\"].country".to_owned(), json!("Swaziland")),
        ("Replace", "displayName".to_owned(), json!("Inge Holm")),
        ("Add", "preferredLanguage".to_owned(), json!("da-DK")),
        ("Add", of_extension("department"), json!("Ships")),
        ("Add", of_extension("employeeNumber"), json!("0042")),
    ];
    let operations: Value =
        changes.iter().map(|(op, path, value)| json!({ "op": op, "path": path, "value": value })).collect();
    let expected = json!({
        "name": { "formatted": "Ida Hansen", "givenName": "Inge", "familyName": "Holm" }, "displayName": "Inge Holm",
        "emails": [{ "type": "work", "value": format!("new.{name}"), "primary": true },
                   { "type": "other", "value": format!("other.{name}") }],
        "phoneNumbers": [{ "type": "mobile", "value": "+45 555 0100" }, { "type": "work", "value": "+45 555 0101" }],
        "addresses": [{ "type": "work", "formatted": "1 Quay\nHarbour", "country": "Swaziland" }],
        "preferredLanguage": "da-DK", "title": "Pilot",
        ENTERPRISE: { "department": "Ships", "employeeNumber": "0042", "manager": { "value": "0c9a3e2f" } },
    });
    entra.patch(&path, &operations).expect(200).containing(&expected);
    let first = entra.get(&path).expect(200).containing(&expected);
    entra.patch(&path, &operations).expect(200);
    assert_eq!(entra.get(&path).expect(200).body, first.body, "expected a second cycle to change nothing");
}

fn manager_in_every_form_is_set_and_removed(target: &Target) {
    let entra = Entra::legacy(target);
    let path = format!("/Users/{}", entra.create_user(&principal()));
    let boss = entra.create_user(&principal());
    let of_boss = json!([{ "$ref": format!("{}/Users/{boss}", entra.scim.base()), "value": boss }]);
    let manager = of_extension("manager");
    let gone = Value::Null;
    for (operation, expected) in [
        (json!({ "op": "Add", "path": manager, "value": boss }), json!(boss)),
        (json!({ "op": "Replace", "path": manager, "value": { "value": "" } }), gone.clone()),
        (json!({ "op": "Replace", "path": "manager", "value": of_boss }), json!(boss)),
        (json!({ "op": "Remove", "path": "manager" }), gone.clone()),
        (json!({ "op": "Replace", "path": format!("{manager}.value"), "value": "somebody" }), json!("somebody")),
        (json!({ "op": "Replace", "path": manager, "value": boss }), json!(boss)),
        (json!({ "op": "Remove", "path": manager }), gone),
        (json!({ "op": "Add", "path": "manager", "value": boss }), json!(boss)),
    ] {
        entra.patch(&path, &json!([operation])).expect(200);
        let read = entra.get(&path).expect(200);
        read.check(read[ENTERPRISE]["manager"]["value"] == expected, &format!("expected {expected} after {operation}"));
        read.check(expected.is_null() == read[ENTERPRISE]["manager"].is_null(), "expected no manager or an object");
        read.check(read[ENTERPRISE]["department"] == "Harbour", "expected the other attributes to be kept");
    }
    let id = path.trim_start_matches("/Users/");
    for (manager, found) in [(boss.as_str(), 1), ("0c9a3e2f", 0)] {
        let filter = format!("id eq \"{id}\" and manager eq \"{manager}\"");
        let answer = entra.list("/Users", &[("filter", &filter), ("attributes", "id")]);
        answer.containing(&json!({ "totalResults": found }));
    }
}

fn app_roles_are_patched(target: &Target) {
    let entra = Entra::legacy(target);
    let path = format!("/Users/{}", entra.create_user(&principal()));
    let role = json!({ "id": "18d14569", "value": "Admin", "displayName": "Admin" }).to_string();
    let complex = json!([{ "op": "Add", "path": "roles", "value": [{ "value": role }] }]);
    entra.patch(&path, &complex).expect(200);
    let admin = json!({ "value": "Admin", "display": "Admin" });
    entra.get(&path).expect(200).containing(&json!({ "roles": [admin] }));
    let single = json!([
        { "op": "Replace", "path": "roles[primary eq \"True\"].value", "value": "Reader" },
        { "op": "Replace", "path": "roles[primary eq \"True\"].display", "value": "A reader" },
    ]);
    entra.patch(&path, &single).expect(200);
    let expected = json!({ "roles": [admin, { "primary": true, "value": "Reader", "display": "A reader" }] });
    entra.get(&path).expect(200).containing(&expected);
    let gone = json!([{ "op": "Remove", "path": "roles", "value": [{ "value": role }] }]);
    entra.patch(&path, &gone).expect(200);
    entra.get(&path).expect(200).containing(&json!({ "roles": [{ "value": "Reader" }] }));
}

fn booleans_as_strings_and_capitalised_attributes_are_accepted(target: &Target) {
    let entra = Entra::legacy(target);
    let name = principal();
    let sent = json!({
        "UserName": name, "Active": "True", "DisplayName": "Ida", "Emails": [{ "Type": "work", "Primary": "True", "Value": name }],
        "roles": [{ "primary": "True", "display": "R", "value": "r", "type": "t" }], "nickName": null,
        "name": { "givenName": null, "familyName": "Hansen" }, ENTERPRISE: { "Department": "D", "Manager": { "Value": "m" } },
    });
    let expected = json!({
        "userName": name, "active": true, "displayName": "Ida", "emails": [{ "type": "work", "primary": true, "value": name }],
        "roles": [{ "primary": true, "display": "R", "value": "r", "type": "t" }], "nickName": null,
        "name": { "givenName": null, "familyName": "Hansen" }, ENTERPRISE: { "department": "D", "manager": { "value": "m" } },
    });
    let id = entra.post("/Users", &sent).expect(201).id();
    entra.get(&format!("/Users/{id}")).expect(200).containing(&expected);
}

fn group_life_cycle(target: &Target) {
    let entra = Entra::legacy(target);
    let users: Vec<String> = (0..3).map(|_| entra.create_user(&principal())).collect();
    let name = unique("Pilots ");
    let id = entra.create_group(&name);
    let sent =
        |ids: &[usize]| ids.iter().map(|at| json!({ "$ref": null, "value": users[*at] })).collect::<Vec<Value>>();
    let add = |ids: &[usize]| json!([{ "op": "Add", "path": "members", "value": sent(ids) }]);
    let remove = |ids: &[usize]| json!([{ "op": "Remove", "path": "members", "value": sent(ids) }]);
    let of = |ids: &[usize]| {
        let mut ids: Vec<String> = ids.iter().map(|at| users[*at].clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(entra.change_members(&id, &add(&[0])), of(&[0]));
    assert_eq!(entra.change_members(&id, &add(&[1, 2])), of(&[0, 1, 2]));
    assert_eq!(
        entra.change_members(&id, &remove(&[1])),
        of(&[0, 2]),
        "expected only the members that were sent to be removed"
    );
    assert_eq!(
        entra.change_members(&id, &remove(&[1])),
        of(&[0, 2]),
        "expected no error for a user who is not a member"
    );
    assert!(entra.is_member(&id, &users[0]) && !entra.is_member(&id, &users[1]));
    entra.group_without_members(&id);

    let new_name = unique("Captains ");
    let rename = json!([{ "op": "Replace", "path": "displayName", "value": new_name }]);
    assert_eq!(entra.change_members(&id, &rename), of(&[0, 2]), "expected a rename to keep the members");
    assert_eq!((entra.find_group(&name), entra.find_group(&new_name)), (None, Some(id.clone())));
    let external = json!([{ "op": "Replace", "path": "externalId", "value": "9bb2" }]);
    assert_eq!(entra.change_members(&id, &external), of(&[0, 2]));
    entra
        .get(&format!("/Groups/{id}"))
        .expect(200)
        .containing(&json!({ "externalId": "9bb2", "displayName": new_name }));

    entra.delete(&format!("/Groups/{id}")).expect(204);
    entra.get(&format!("/Groups/{id}")).expect_error(404, "", &[]);
    assert_eq!(entra.find_group(&new_name), None);
    entra.get(&format!("/Users/{}", users[0])).expect(200).containing(&json!({ "groups": null, "active": true }));
}
