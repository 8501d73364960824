//! Google Workspace probes for one user, sends every body as `application/json`, and finally suspends or deletes
//! the user.

use serde_json::{Value, json};

use crate::client::{Client, LIST, USER};
use crate::connection::ClientProfile;
use crate::target::{Target, unique};

checks![probe_for_one_user_returns_one, user_is_suspended_and_deleted,];

const GOOGLE: ClientProfile = ClientProfile {
    headers: &[("User-Agent", "Google-Auto-Provisioning"), ("Accept", "*/*"), ("Accept-Encoding", "gzip")],
    content_type: "application/json",
};

fn google(target: &Target) -> Client {
    target.client().with_profile(&GOOGLE)
}

fn user(name: &str) -> Value {
    json!({
        "schemas": [USER], "userName": name, "active": true, "externalId": name, "displayName": "Gee Suite",
        "name": { "givenName": "Gee", "familyName": "Suite" }, "emails": [{ "value": name, "type": "work", "primary": true }],
    })
}

fn probe_for_one_user_returns_one(target: &Target) {
    let scim = google(target);
    scim.post("/Users", &user(&format!("{}@goo.example", unique("g.")))).expect(201);
    scim.post("/Users", &user(&format!("{}@goo.example", unique("g.")))).expect(201);
    let probe = scim.get("/Users?count=1").expect(200);
    let probe = probe.containing(&json!({ "schemas": [LIST], "startIndex": 1, "itemsPerPage": 1 }));
    probe.check(probe.total() >= 2 && probe.resources().len() == 1, "expected one user of several");
}

fn user_is_suspended_and_deleted(target: &Target) {
    let scim = google(target);
    let name = format!("{}@goo.example", unique("g."));
    let by_name = format!("userName eq \"{name}\"");
    assert!(scim.find("/Users", &by_name).is_empty());
    let created = scim.post("/Users", &user(&name)).expect(201).containing(&user(&name));
    let path = format!("/Users/{}", created.id());
    assert_eq!(scim.find("/Users", &by_name), std::slice::from_ref(&created.body));

    let mut suspended = user(&name);
    suspended["active"] = json!(false);
    scim.put(&path, &suspended).expect(200);
    scim.get(&path).expect(200).containing(&suspended);
    assert_eq!(scim.find("/Users", &by_name)[0]["active"], false, "expected the filter to find a suspended user");
    scim.patch(&path, &json!([{ "op": "replace", "path": "active", "value": true }])).expect(200);
    scim.get(&path).expect(200).containing(&user(&name));
    scim.patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }])).expect(200);
    scim.get(&path).expect(200).containing(&json!({ "active": false }));

    scim.delete(&path).expect(204);
    scim.get(&path).expect_error(404, "", &[]);
    assert!(scim.find("/Users", &by_name).is_empty());
}
