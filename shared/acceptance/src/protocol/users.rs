//! Users as resources: what is stored, what comes back, what is ignored (RFC 7643 §2, §3, §4.1; RFC 7644 §3.3 to §3.6).

use serde_json::{Value, json};

use crate::client::{ENTERPRISE, USER};
use crate::server::{Server, unique};

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
        "entitlements": [{ "value": "dock" }], "roles": [{ "value": "{\"id\":\"1\"}", "primary": true }],
        "x509Certificates": [{ "value": "MIIB" }],
        ENTERPRISE: { "employeeNumber": "0042", "costCenter": "C", "organization": "O", "division": "Di",
                      "department": "De", "manager": { "value": "unheard-of" } },
    })
}

#[test]
fn every_attribute_comes_back_as_it_was_sent() {
    let server = Server::start();
    let scim = server.client();
    let sent = everything(&unique("Zoë.É"));
    let created = scim.post("/Users", &sent).expect(201).holding(&sent);
    let path = format!("/Users/{}", created.id());
    assert_eq!(scim.get(&path).expect(200).body, created.body);
    let put = scim.put(&path, &created.body).expect(200);
    assert_eq!(put.body, created.body, "what GET gave, PUT back, changes nothing");
}

#[test]
fn names_are_read_in_any_case_and_returned_in_the_schemas() {
    let server = Server::start();
    let scim = server.client();
    let name = unique("Shout");
    let sent = json!({
        "SCHEMAS": [USER.to_uppercase()], "USERNAME": name, "Name": { "GIVENNAME": "G" }, "DisplayName": "D",
        "EMAILS": [{ "VALUE": "a@b.example", "Type": "Work", "PRIMARY": true }],
        ENTERPRISE.to_uppercase(): { "Department": "Ships", "Manager": { "Value": "m" } },
    });
    let created = scim.post("/Users", &sent).expect(201).holding(&json!({
        "userName": name, "name": { "givenName": "G" }, "displayName": "D",
        "emails": [{ "value": "a@b.example", "type": "Work", "primary": true }],
        ENTERPRISE: { "department": "Ships", "manager": { "value": "m" } },
        "SCHEMAS": null, "USERNAME": null, "DisplayName": null, "EMAILS": null,
    }));
    created.check(created["schemas"].as_array().unwrap().contains(&json!(USER)), "wanted the URN as registered");
}

#[test]
fn what_is_unknown_or_read_only_or_empty_is_ignored() {
    let server = Server::start();
    let scim = server.client();
    let name = unique("lenient");
    let sent = json!({
        "schemas": [USER, "urn:scim:schemas:core:1.0", "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "id": null, "userName": name, "externalId": null, "shoeSize": 43, "urn:example:made:up:1.0:User": { "x": [1] },
        "name": { "givenName": "G", "familyName": null, "maiden": "?" }, "groups": [{ "value": "g" }], "roles": [],
        "nickName": "", "title": null, "meta": { "resourceType": "User", "created": "1999-01-01T00:00:00Z" },
    });
    let created = scim.post("/Users", &sent).expect(201).holding(&json!({
        "id": "*", "userName": name, "shoeSize": null, "urn:example:made:up:1.0:User": null, "groups": null, "roles": null,
        "nickName": null, "title": null, "externalId": null, "active": true,
        "name": { "givenName": "G", "familyName": null, "maiden": null },
    }));
    let year = created["meta"]["created"].as_str().unwrap_or_default();
    created.check(!year.starts_with("1999"), "wanted meta from the server");
    let minimal = scim.post("/Users", &json!({ "userName": unique("minimal") })).expect(201);
    minimal.holding(&json!({ "schemas": [USER], "active": true, "name": null, "emails": null }));
}

#[test]
fn a_boolean_may_be_sent_as_a_word() {
    let server = Server::start();
    let scim = server.client();
    for (sent, stored) in [("True", true), ("False", false), ("true", true), ("false", false)] {
        let user = json!({ "userName": unique("word"), "active": sent });
        scim.post("/Users", &user).expect(201).holding(&json!({ "active": stored }));
    }
}

#[test]
fn a_password_is_never_seen_again() {
    let server = Server::start();
    let scim = server.client();
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
        answer.check(answer.status < 300, "wanted success");
        answer.check(!answer.text.contains("hunter2") && !answer.text.contains("\"password\""), "the password shows");
    }
}

#[test]
fn meta_tells_where_and_when() {
    let server = Server::start();
    let scim = server.client();
    let name = unique("meta");
    let created = scim.post("/Users", &json!({ "userName": name })).expect(201);
    let path = format!("/Users/{}", created.id());
    let location = format!("{}{path}", scim.base);
    let meta = created["meta"].clone();
    created.check(created.header("location") == location, "wanted Location");
    let created = created.holding(&json!({ "meta": { "resourceType": "User", "location": location, "version": "*" } }));
    created.check(meta["created"] == meta["lastModified"], "wanted lastModified equal to created");
    for time in ["created", "lastModified"] {
        let text = meta[time].as_str().unwrap_or_default();
        created.check(text.len() >= 20 && text.contains('T') && text.ends_with('Z'), "wanted an xsd:dateTime in UTC");
    }
    let again = scim.put(&path, &json!({ "userName": name })).expect(200);
    assert_eq!(again["meta"], meta, "a PUT of the same changes nothing");
    std::thread::sleep(std::time::Duration::from_millis(5));
    let changed = scim.put(&path, &json!({ "userName": name, "title": "T" })).expect(200);
    let now = &changed["meta"];
    changed.check(now["created"] == meta["created"], "wanted created kept");
    changed.check(now["version"] != meta["version"], "wanted another version");
    changed.check(now["lastModified"].as_str() > meta["lastModified"].as_str(), "wanted a later lastModified");
    assert_eq!(scim.get(&path).expect(200).body, changed.body);
}

#[test]
fn a_deleted_user_is_gone_and_the_name_is_free() {
    let server = Server::start();
    let scim = server.client();
    let name = unique("mortal");
    let id = scim.post("/Users", &json!({ "userName": name })).expect(201).id();
    let path = format!("/Users/{id}");
    scim.delete(&path).expect(204);
    scim.delete(&path).refused(404, "", &[]);
    scim.get(&path).refused(404, "", &[]);
    for filter in [format!("userName eq \"{name}\""), format!("id eq \"{id}\""), format!("userName sw \"{name}\"")] {
        assert!(scim.find("/Users", &filter).is_empty(), "{filter}");
    }
    let next = scim.post("/Users", &json!({ "userName": name })).expect(201).id();
    assert_ne!(next, id, "an id is never used again");
}

#[test]
fn a_very_long_name_is_kept_or_refused() {
    let server = Server::start();
    let scim = server.client();
    for length in [200, 1_000, 1_100, 2_100, 100_000] {
        let name = format!("{}{}", unique("long"), "é".repeat(length));
        for (endpoint, attribute) in [("/Users", "userName"), ("/Groups", "displayName")] {
            let answer = scim.post(endpoint, &json!({ attribute: name }));
            if answer.status == 201 {
                answer.expect(201).holding(&json!({ attribute: name }));
            } else {
                let answer = answer.refused(400, "invalidValue", &[attribute]);
                answer.check(length > 200, "wanted an ordinary name to be kept");
            }
        }
    }
    let filter = format!("userName eq \"{}\"", "a".repeat(3_000));
    assert!(scim.find("/Users", &filter).is_empty());
}
