//! Checks of users: what the service stores, returns and ignores (RFC 7643 §2, §3, §4.1; RFC 7644 §3.3 to §3.6).

use serde_json::{Value, json};

use crate::client::{ENTERPRISE, GROUP, USER};
use crate::target::{Target, unique};

checks![
    every_attribute_is_returned_as_sent,
    attribute_names_are_case_insensitive,
    unknown_read_only_and_empty_attributes_are_ignored,
    boolean_may_be_a_string,
    password_is_never_returned,
    meta_has_location_and_times,
    deleted_user_returns_404_and_frees_the_name,
    very_long_name_is_kept_or_rejected,
    changed_user_is_returned_with_its_groups,
];

fn everything(name: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": "E-1 \u{1f600}", "userName": name, "displayName": "Dr. Zoë  Ångström", "nickName": "Zo",
        "name": { "formatted": "Dr. Zoë Ångström", "familyName": "Ångström", "givenName": "Zoë", "middleName": "Q",
                  "honorificPrefix": "Dr.", "honorificSuffix": "III" },
        "profileUrl": "not a URL", "title": "Captain", "userType": "Employee", "preferredLanguage": "RJWNTUNNOHNZ",
        "locale": "xx-nowhere", "timezone": "Moon/Tycho", "active": true,
        "emails": [{ "value": "Zoe@Example.com", "display": "Zoë", "type": "work", "primary": true },
                   { "value": "zoe@home.example", "type": "home" }],
        "phoneNumbers": [{ "value": "tel:+1-555-0100", "type": "mobile" }],
        "ims": [{ "value": "zoe", "type": "xmpp" }],
        "photos": [{ "value": "https://photos.example/zoe", "type": "photo" }],
        "addresses": [{ "formatted": "1 Way\nTown", "streetAddress": "1 Way", "locality": "Town", "region": "R",
                        "postalCode": "00100", "country": "Swaziland", "type": "work" }],
        "entitlements": [{ "value": "dock" }], "roles": [{ "value": "{id: 1}", "primary": true }],
        "x509Certificates": [{ "value": "MIIB" }],
        ENTERPRISE: { "employeeNumber": "0042", "costCenter": "C", "organization": "O", "division": "Di",
                      "department": "De", "manager": { "value": "unheard-of" } },
    })
}

fn every_attribute_is_returned_as_sent(target: &Target) {
    let scim = target.client();
    let sent = everything(&unique("Zoë.É"));
    let created = scim.post("/Users", &sent).expect(201).containing(&sent);
    let path = format!("/Users/{}", created.id());
    assert_eq!(scim.get(&path).expect(200).body, created.body);
    let put = scim.put(&path, &created.body).expect(200);
    assert_eq!(put.body, created.body, "expected a PUT of the answer to GET to change nothing");
}

fn attribute_names_are_case_insensitive(target: &Target) {
    let scim = target.client();
    let name = unique("Shout");
    let sent = json!({
        "SCHEMAS": [USER.to_uppercase()], "USERNAME": name, "Name": { "GIVENNAME": "G" }, "DisplayName": "D",
        "EMAILS": [{ "VALUE": "a@b.example", "Type": "Work", "PRIMARY": true }],
        ENTERPRISE.to_uppercase(): { "Department": "Ships", "Manager": { "Value": "m" } },
    });
    let created = scim.post("/Users", &sent).expect(201).containing(&json!({
        "userName": name, "name": { "givenName": "G" }, "displayName": "D",
        "emails": [{ "value": "a@b.example", "type": "Work", "primary": true }],
        ENTERPRISE: { "department": "Ships", "manager": { "value": "m" } },
        "SCHEMAS": null, "USERNAME": null, "DisplayName": null, "EMAILS": null,
    }));
    created.check(created["schemas"].as_array().unwrap().contains(&json!(USER)), "expected the URN as registered");
}

fn unknown_read_only_and_empty_attributes_are_ignored(target: &Target) {
    let scim = target.client();
    let name = unique("lenient");
    let sent = json!({
        "schemas": [USER, "urn:scim:schemas:core:1.0", "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "id": null, "userName": name, "externalId": null, "shoeSize": 43, "urn:example:made:up:1.0:User": { "x": [1] },
        "name": { "givenName": "G", "familyName": null, "maiden": "?" }, "groups": [{ "value": "g" }], "roles": [],
        "nickName": "", "title": null, "meta": { "resourceType": "User", "created": "1999-01-01T00:00:00Z" },
    });
    let created = scim.post("/Users", &sent).expect(201).containing(&json!({
        "id": "*", "userName": name, "shoeSize": null, "urn:example:made:up:1.0:User": null, "groups": null, "roles": null,
        "nickName": null, "title": null, "externalId": null, "active": true,
        "name": { "givenName": "G", "familyName": null, "maiden": null },
    }));
    let year = created["meta"]["created"].as_str().unwrap_or_default();
    created.check(!year.starts_with("1999"), "expected meta from the server");
    let minimal = scim.post("/Users", &json!({ "userName": unique("minimal") })).expect(201);
    minimal.containing(&json!({ "schemas": [USER], "active": true, "name": null, "emails": null }));
}

fn boolean_may_be_a_string(target: &Target) {
    let scim = target.client();
    for (sent, stored) in [("True", true), ("False", false), ("true", true), ("false", false)] {
        let user = json!({ "userName": unique("word"), "active": sent });
        scim.post("/Users", &user).expect(201).containing(&json!({ "active": stored }));
    }
}

fn password_is_never_returned(target: &Target) {
    let scim = target.client();
    let name = unique("secret");
    let user = json!({ "userName": name, "password": "hunter2hunter2" });
    let created = scim.post("/Users?attributes=userName,password", &user).expect(201);
    let path = format!("/Users/{}", created.id());
    let operations = json!([{ "op": "replace", "path": "password", "value": "hunter2hunter2" }]);
    let filter = format!("userName eq \"{name}\"");
    for answer in [
        created,
        scim.put(&path, &user),
        scim.patch(&path, &operations),
        scim.get(&path),
        scim.get(format!("{path}?attributes=password")),
        scim.list("/Users", &[("filter", &filter), ("attributes", "password,userName")]),
    ] {
        answer.check(answer.status < 300, "expected success");
        answer.check(!answer.text.contains("hunter2") && !answer.text.contains("\"password\""), "expected no password");
    }
}

fn meta_has_location_and_times(target: &Target) {
    let scim = target.client();
    let name = unique("meta");
    let created = scim.post("/Users", &json!({ "userName": name })).expect(201);
    let path = format!("/Users/{}", created.id());
    let location = format!("{}{path}", scim.base());
    let meta = created["meta"].clone();
    created.check(created.header("location") == location, "expected Location");
    let created =
        created.containing(&json!({ "meta": { "resourceType": "User", "location": location, "version": "*" } }));
    created.check(meta["created"] == meta["lastModified"], "expected lastModified equal to created");
    for time in ["created", "lastModified"] {
        let text = meta[time].as_str().unwrap_or_default();
        created.check(text.len() >= 20 && text.contains('T') && text.ends_with('Z'), "expected an xsd:dateTime in UTC");
    }
    let again = scim.put(&path, &json!({ "userName": name })).expect(200);
    assert_eq!(again["meta"], meta, "expected a PUT of the same attributes to change nothing");
    std::thread::sleep(std::time::Duration::from_millis(5));
    let changed = scim.put(&path, &json!({ "userName": name, "title": "T" })).expect(200);
    let now = &changed["meta"];
    changed.check(now["created"] == meta["created"], "expected created to be unchanged");
    changed.check(now["version"] != meta["version"], "expected another version");
    changed.check(now["lastModified"].as_str() > meta["lastModified"].as_str(), "expected a later lastModified");
    assert_eq!(scim.get(&path).expect(200).body, changed.body);
}

fn deleted_user_returns_404_and_frees_the_name(target: &Target) {
    let scim = target.client();
    let name = unique("mortal");
    let id = scim.post("/Users", &json!({ "userName": name })).expect(201).id();
    let path = format!("/Users/{id}");
    scim.delete(&path).expect(204);
    scim.delete(&path).expect_error(404, "", &[]);
    scim.get(&path).expect_error(404, "", &[]);
    for filter in [format!("userName eq \"{name}\""), format!("id eq \"{id}\""), format!("userName sw \"{name}\"")] {
        assert!(scim.find("/Users", &filter).is_empty(), "{filter}");
    }
    let next = scim.post("/Users", &json!({ "userName": name })).expect(201).id();
    assert_ne!(next, id, "expected an id that was never used");
}

fn very_long_name_is_kept_or_rejected(target: &Target) {
    let scim = target.client();
    for length in [200, 1_000, 1_100, 2_100, 100_000] {
        let name = format!("{}{}", unique("long"), "é".repeat(length));
        for (endpoint, attribute) in [("/Users", "userName"), ("/Groups", "displayName")] {
            let answer = scim.post(endpoint, &json!({ attribute: name }));
            if answer.status == 201 {
                answer.expect(201).containing(&json!({ attribute: name }));
            } else {
                let answer = answer.expect_error(400, "invalidValue", &[attribute]);
                answer.check(length > 200, "expected an ordinary name to be kept");
            }
        }
    }
    let filter = format!("userName eq \"{}\"", "a".repeat(3_000));
    assert!(scim.find("/Users", &filter).is_empty());
}

/// RFC 7643 §4.1.2: `groups` is read-only and belongs to every representation of a user.
fn changed_user_is_returned_with_its_groups(target: &Target) {
    let scim = target.client();
    let name = unique("member");
    let user = scim.post("/Users", &json!({ "schemas": [USER], "userName": name })).expect(201).id();
    let group_name = unique("Group");
    let group = json!({ "schemas": [GROUP], "displayName": group_name, "members": [{ "value": user }] });
    let group = scim.post("/Groups", &group).expect(201).id();
    let groups = json!({ "groups": [{ "value": group, "display": group_name }] });
    let path = format!("/Users/{user}");
    scim.patch(&path, &json!([{ "op": "replace", "path": "title", "value": "x" }])).expect(200).containing(&groups);
    scim.put(&path, &json!({ "schemas": [USER], "userName": name, "title": "y" })).expect(200).containing(&groups);
}
