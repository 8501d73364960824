//! Microsoft's SCIM Validator (scimvalidator.microsoft.com): its 24 tests and 7 previews, by number. It sends
//! random values, which have the right type but not the right format. It sends no `User-Agent`, and filters with
//! `+` for a space.

use serde_json::{Value, json};

use crate::answer::{Answer, values};
use crate::client::{Client, ENTERPRISE, GROUP, LIST, USER};
use crate::connection::ClientProfile;
use crate::target::{Target, unique};

checks![
    users_are_created_found_and_deleted,
    one_patch_replaces_every_attribute,
    users_are_patched,
    groups_are_created_found_and_deleted,
    groups_are_patched,
];

const VALIDATOR: ClientProfile = ClientProfile {
    headers: &[("Accept", "application/scim+json")],
    content_type: "application/scim+json; charset=utf-8",
};

fn validator(target: &Target) -> Client {
    target.client().with_profile(&VALIDATOR)
}

/// `filter=userName+eq+%22a%40b%22`.
fn find(scim: &Client, endpoint: &str, attribute: &str, value: &str, rest: &str) -> Answer {
    let value = value.replace('@', "%40").replace(' ', "+");
    let found = scim.get(format!("{endpoint}?filter={attribute}+eq+%22{value}%22{rest}")).expect(200);
    found.check(found["schemas"] == json!([LIST]), "expected a ListResponse");
    found.check(found.total() == found.resources().len() as u64, "expected as many Resources as totalResults");
    found
}

/// A word of random letters.
fn word() -> String {
    unique("RJWNTUNNOHNZ").to_uppercase()
}

fn user(name: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "userName": name, "active": true, "displayName": word(), "title": word(),
        "externalId": word(), "meta": { "resourceType": "User" }, "preferredLanguage": word(), "userType": word(),
        "nickName": word(), "locale": word(), "timezone": word(), "profileUrl": word(),
        "name": { "formatted": word(), "familyName": word(), "givenName": word(), "middleName": word(),
                  "honorificPrefix": word(), "honorificSuffix": word() },
        "emails": [{ "type": "work", "value": format!("{}@corp.example", word()), "primary": true }],
        "addresses": [{ "type": "work", "formatted": word(), "streetAddress": word(), "locality": word(), "region": word(),
                        "postalCode": word(), "country": "Swaziland", "primary": true }],
        "phoneNumbers": [{ "type": "work", "value": "18-456-3300", "primary": true }, { "type": "mobile", "value": "1" },
                         { "type": "fax", "value": "2" }],
        "roles": [{ "primary": "True", "display": word(), "value": word(), "type": word() }],
        ENTERPRISE: { "employeeNumber": word(), "department": word(), "costCenter": word(), "organization": word(),
                      "division": word(), "manager": { "value": word() } },
    })
}

/// The user that the server returns: strings for booleans have become booleans.
fn stored(sent: &Value) -> Value {
    let mut expected = sent.clone();
    expected["roles"][0]["primary"] = json!(true);
    expected
}

fn group(name: &str) -> Value {
    json!({ "schemas": [GROUP], "externalId": word(), "displayName": name, "meta": { "resourceType": "Group" } })
}

fn new_user(scim: &Client) -> String {
    scim.post("/Users", &user(&format!("{}@corp.example", word()))).expect(201).id()
}

/// Preview tests 27 to 30: a resource that does not exist, or exists no longer, cannot be deleted.
fn delete_twice(scim: &Client, endpoint: &str, id: &str) {
    let path = format!("{endpoint}/{id}");
    scim.delete(&path).expect(204);
    scim.get(&path).expect_error(404, "", &[]);
    scim.delete(&path).expect_error(404, "", &[]);
    scim.delete(format!("{endpoint}/{}", word())).expect_error(404, "", &[]);
}

fn users_are_created_found_and_deleted(target: &Target) {
    let scim = validator(target);
    let name = format!("{}@corp.example", word());
    let sent = user(&name);
    // Tests 1 and 2: create a user, find it by a filter, and create it again.
    let id = scim.post("/Users", &sent).expect(201).containing(&stored(&sent)).id();
    find(&scim, "/Users", "userName", &name, "")
        .containing(&json!({ "totalResults": 1, "Resources": [stored(&sent)] }));
    scim.post("/Users", &sent).expect_error(409, "uniqueness", &["userName"]);
    // Tests 3, 4 and 5: a user who exists, a user who does not, and a name in another case.
    find(&scim, "/Users", "userName", &name, "").containing(&json!({ "Resources": [{ "id": id }] }));
    find(&scim, "/Users", "userName", &word(), "").containing(&json!({ "totalResults": 0, "Resources": [] }));
    find(&scim, "/Users", "userName", &name.to_lowercase(), "").containing(&json!({ "Resources": [{ "id": id }] }));
    // Tests 12, 27 and 28.
    delete_twice(&scim, "/Users", &id);
}

/// Test 6: a replacement for each path.
fn replacements(name: &str) -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = vec![
        ("active".into(), json!(true)),
        ("emails[type eq \"work\"].value".into(), json!(format!("new.{name}"))),
        ("emails[type eq \"work\"].primary".into(), json!(true)),
        ("addresses[type eq \"work\"].primary".into(), json!(true)),
        ("roles[primary eq \"True\"].display".into(), json!(word())),
        ("roles[primary eq \"True\"].value".into(), json!(word())),
        ("roles[primary eq \"True\"].type".into(), json!(word())),
    ];
    for simple in
        ["displayName", "title", "preferredLanguage", "userType", "nickName", "locale", "timezone", "profileUrl"]
    {
        all.push((simple.into(), json!(word())));
    }
    for part in ["givenName", "familyName", "formatted", "middleName", "honorificPrefix", "honorificSuffix"] {
        all.push((format!("name.{part}"), json!(word())));
    }
    for part in ["formatted", "streetAddress", "locality", "region", "postalCode", "country"] {
        all.push((format!("addresses[type eq \"work\"].{part}"), json!(word())));
    }
    for kind in ["work", "mobile", "fax"] {
        all.push((format!("phoneNumbers[type eq \"{kind}\"].value"), json!(word())));
    }
    for attribute in ["employeeNumber", "department", "costCenter", "organization", "division"] {
        all.push((format!("{ENTERPRISE}:{attribute}"), json!(word())));
    }
    all.push((format!("{ENTERPRISE}:manager"), json!(word())));
    all
}

/// The value at a path of a user.
fn value_at<'a>(user: &'a Value, path: &str) -> &'a Value {
    if let Some(attribute) = path.strip_prefix(&format!("{ENTERPRISE}:")) {
        let value = &user[ENTERPRISE][attribute];
        return if attribute == "manager" { &value["value"] } else { value };
    }
    if let Some((attribute, rest)) = path.split_once('[') {
        let (filter, sub) = rest.split_once("].").unwrap();
        let literal = filter.split('"').nth(1).unwrap();
        let of_it = |element: &&Value| element["type"] == literal || (literal == "True" && element["primary"] == true);
        return &user[attribute].as_array().unwrap().iter().find(of_it).unwrap()[sub];
    }
    path.split('.').fold(user, |value, name| &value[name])
}

fn one_patch_replaces_every_attribute(target: &Target) {
    let scim = validator(target);
    let name = format!("{}@corp.example", word());
    // One user has every attribute, the other one has only the required ones.
    for sent in [user(&name), json!({ "schemas": [USER], "userName": format!("minimal.{name}") })] {
        let path = format!("/Users/{}", scim.post("/Users", &sent).expect(201).id());
        let replacements = replacements(&name);
        let operations: Value =
            replacements.iter().map(|(path, value)| json!({ "op": "replace", "path": path, "value": value })).collect();
        scim.patch(&path, &operations).expect(200);
        let read = scim.get(&path).expect(200);
        for (place, value) in &replacements {
            read.check(value_at(&read.body, place) == value, &format!("expected {value} at {place}"));
        }
        for (list, length) in [("emails", 1), ("addresses", 1), ("phoneNumbers", 3), ("roles", 1)] {
            read.check(read[list].as_array().unwrap().len() == length, &format!("expected {length} {list}"));
        }
    }
}

fn users_are_patched(target: &Target) {
    let scim = validator(target);
    let path = format!("/Users/{}", new_user(&scim));
    let manager = format!("{ENTERPRISE}:manager");
    let name = format!("{}@corp.example", word());
    let first = word();
    let second = word();
    for (operations, expected) in [
        // Tests 7 and 8.
        (json!([{ "op": "replace", "value": { "userName": name } }]), json!({ "userName": name })),
        (json!([{ "op": "replace", "path": "active", "value": false }]), json!({ "active": false, "userName": name })),
        // Tests 9, 10 and 11: the manager, finally with an empty value.
        (
            json!([{ "op": "add", "path": manager, "value": first }]),
            json!({ ENTERPRISE: { "manager": { "value": first } } }),
        ),
        (
            json!([{ "op": "replace", "path": manager, "value": { "value": second } }]),
            json!({ ENTERPRISE: { "manager": { "value": second } } }),
        ),
        (
            json!([{ "op": "replace", "path": manager, "value": { "value": "" } }]),
            json!({ ENTERPRISE: { "manager": null, "department": "*" } }),
        ),
        // Tests 25 and 26: several operations, on different attributes and on the same attribute.
        (
            json!([{ "op": "replace", "path": "displayName", "value": first }, { "op": "add", "path": "title", "value": second },
                   { "op": "remove", "path": "nickName" }]),
            json!({ "displayName": first, "title": second, "nickName": null }),
        ),
        (
            json!([{ "op": "replace", "path": "displayName", "value": first }, { "op": "remove", "path": "displayName" },
                   { "op": "add", "path": "displayName", "value": second }]),
            json!({ "displayName": second }),
        ),
    ] {
        scim.patch(&path, &operations).expect(200).containing(&expected);
        scim.get(&path).expect(200).containing(&expected);
    }
}

fn groups_are_created_found_and_deleted(target: &Target) {
    let scim = validator(target);
    let name = word();
    let user = new_user(&scim);
    // Tests 18 and 19.
    let sent = group(&name);
    let id = scim.post("/Groups", &sent).expect(201).containing(&sent).id();
    scim.post("/Groups", &sent).expect_error(409, "uniqueness", &["displayName"]);
    let path = format!("/Groups/{id}");
    scim.patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }])).expect(200);
    // Test 13: the response has no members, although the group has one.
    scim.get(format!("{path}?excludedAttributes=members"))
        .expect(200)
        .containing(&json!({ "displayName": name, "members": null }));
    // Tests 14 to 17.
    let with = json!({ "totalResults": 1, "Resources": [{ "id": id, "members": [{ "value": user }] }] });
    let without = json!({ "totalResults": 1, "Resources": [{ "id": id, "members": null }] });
    find(&scim, "/Groups", "displayName", &name, "").containing(&with);
    find(&scim, "/Groups", "displayName", &name, "&excludedAttributes=members").containing(&without);
    let before = scim.get(format!("/Groups?excludedAttributes=members&filter=displayName+eq+%22{name}%22")).expect(200);
    before.containing(&without);
    find(&scim, "/Groups", "displayName", &word(), "").containing(&json!({ "totalResults": 0 }));
    find(&scim, "/Groups", "displayName", &name.to_lowercase(), "").containing(&with);
    // Tests 24, 29 and 30.
    delete_twice(&scim, "/Groups", &id);
    find(&scim, "/Groups", "displayName", &name, "").containing(&json!({ "totalResults": 0 }));
}

fn groups_are_patched(target: &Target) {
    let scim = validator(target);
    let users = [new_user(&scim), new_user(&scim)];
    let path = format!("/Groups/{}", scim.post("/Groups", &group(&word())).expect(201).id());
    // Tests 20 and 21.
    let (external, name) = (word(), word());
    scim.patch(&path, &json!([{ "op": "replace", "value": { "externalId": external } }])).expect(200);
    scim.patch(&path, &json!([{ "op": "replace", "value": { "displayName": name } }])).expect(200);
    scim.get(&path).expect(200).containing(&json!({ "externalId": external, "displayName": name, "members": null }));
    // Tests 22, 23 and 31: one request adds and removes members.
    let replace = |id: &str| json!({ "op": "replace", "path": "members", "value": [{ "value": id }] });
    let remove = |id: &str| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    let add = |id: &str| json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
    for (operations, expected) in [
        (json!([replace(&users[0])]), vec![users[0].clone()]),
        (json!([replace(&users[1])]), vec![users[1].clone()]),
        (json!([remove(&users[1])]), vec![]),
        (json!([add(&users[0]), remove(&users[0])]), vec![]),
        (json!([add(&users[1]), add(&users[0]), remove(&users[1])]), vec![users[0].clone()]),
    ] {
        scim.patch(&path, &operations).expect(200);
        let read = scim.get(&path).expect(200);
        read.check(values(&read["members"]) == expected, &format!("expected {expected:?} after {operations}"));
    }
}
