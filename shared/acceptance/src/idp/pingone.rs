//! PingOne and PingFederate find users by `userName eq` or `emails eq`, and send two primary addresses and names
//! that are not ASCII.

use serde_json::{Value, json};

use crate::answer::{Answer, values};
use crate::client::{Client, ENTERPRISE, GROUP, LIST, USER};
use crate::connection::ClientProfile;
use crate::target::{Target, unique};

checks![user_is_found_by_name_or_by_address, user_is_updated_disabled_and_deleted, group_name_may_be_any_text,];

const PING: ClientProfile = ClientProfile {
    headers: &[
        ("Accept", "application/scim+json"),
        ("User-Agent", "Apache-HttpClient/4.5.13 (Java/17.0.9)"),
        ("Accept-Encoding", "gzip,deflate"),
    ],
    content_type: "application/scim+json",
};

fn ping(target: &Target) -> Client {
    target.client().with_profile(&PING)
}

fn user(name: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "userName": name, "active": true,
        "name": { "givenName": "Ping", "familyName": "Øne", "formatted": "Ping Øne" }, "displayName": "Ping Øne",
        "emails": [{ "type": "work", "primary": true, "value": format!("work.{name}") },
                   { "type": "home", "primary": true, "value": format!("home.{name}") }],
        "phoneNumbers": [{ "type": "work", "value": "+15555550100" }, { "type": "mobile", "value": "+15555550101" }],
        ENTERPRISE: { "department": "Sonar" },
    })
}

fn find(scim: &Client, endpoint: &str, filter: &str) -> Answer {
    scim.list(endpoint, &[("filter", filter)]).expect(200).containing(&json!({ "schemas": [LIST] }))
}

fn user_is_found_by_name_or_by_address(target: &Target) {
    let scim = ping(target);
    let name = format!("{}@ping.example", unique("p."));
    find(&scim, "/Users", &format!("userName eq \"{name}\"")).containing(&json!({ "totalResults": 0 }));
    let id = scim.post("/Users", &user(&name)).expect(201).id();
    let path = format!("/Users/{id}");
    // Both addresses claim to be primary; the last one becomes primary (RFC 7643 §2.4 allows only one).
    let read = scim.get(&path).expect(200).containing(&json!({ "emails": [
        { "type": "work", "primary": false, "value": format!("work.{name}") },
        { "type": "home", "primary": true, "value": format!("home.{name}") },
    ] }));
    for filter in [
        format!("userName eq \"{name}\""),
        format!("userName eq \"{}\"", name.to_uppercase()),
        format!("emails eq \"work.{name}\""),
        format!("emails eq \"HOME.{name}\""),
        format!("emails.value eq \"home.{name}\""),
    ] {
        let found = find(&scim, "/Users", &filter).containing(&json!({ "totalResults": 1 }));
        assert_eq!(found.resources(), std::slice::from_ref(&read.body), "{filter}");
    }
    find(&scim, "/Users", &format!("emails eq \"{name}\"")).containing(&json!({ "totalResults": 0 }));
}

fn user_is_updated_disabled_and_deleted(target: &Target) {
    let scim = ping(target);
    let name = format!("{}@ping.example", unique("p."));
    let path = format!("/Users/{}", scim.post("/Users", &user(&name)).expect(201).id());
    let mut update = user(&name);
    update["name"]["givenName"] = json!("Pong");
    update["emails"] = json!([{ "type": "work", "primary": true, "value": format!("new.{name}") }]);
    scim.put(&path, &update).expect(200);
    scim.get(&path).expect(200).containing(&update);
    find(&scim, "/Users", &format!("emails eq \"home.{name}\"")).containing(&json!({ "totalResults": 0 }));
    let two = json!([{ "op": "replace", "path": "emails", "value": user(&name)["emails"] }]);
    scim.patch(&path, &two).expect(200);
    scim.get(&path)
        .expect(200)
        .containing(&json!({ "emails": [{ "primary": false }, { "primary": true, "type": "home" }] }));
    update["active"] = json!(false);
    scim.put(&path, &update).expect(200);
    scim.get(&path).expect(200).containing(&json!({ "active": false, "userName": name }));
    scim.delete(&path).expect(204);
    scim.get(&path).expect_error(404, "", &[]);
}

fn group_name_may_be_any_text(target: &Target) {
    let scim = ping(target);
    let user = scim.post("/Users", &user(&format!("{}@ping.example", unique("p.")))).expect(201).id();
    for name in ["Ингенеры ", "エンジニア ", "Ελληνικά ", "Übermut & Co. \"Süd\" \\ ", "👩‍💻 "]
    {
        let name = unique(name);
        let filter = format!("displayName eq {}", json!(name));
        find(&scim, "/Groups", &filter).containing(&json!({ "totalResults": 0 }));
        let body = json!({ "schemas": [GROUP], "displayName": name, "members": [{ "value": user }] });
        let id = scim.post("/Groups", &body).expect(201).id();
        let found = find(&scim, "/Groups", &filter);
        found.containing(&json!({ "totalResults": 1, "Resources": [{ "id": id, "displayName": name, "members": [{ "value": user }] }] }));
        let path = format!("/Groups/{id}");
        scim.put(&path, &json!({ "schemas": [GROUP], "displayName": name, "members": [] })).expect(200);
        assert!(values(&scim.get(&path).expect(200)["members"]).is_empty());
        scim.delete(&path).expect(204);
    }
}
