//! authentik reads `bulk.maxOperations` of /ServiceProviderConfig, sends no `schemas`, filters without quotation
//! marks, updates by PUT, and creates a user again when the PUT returns 404. Rippling repeats a POST after a
//! timeout.

use serde_json::{Value, json};

use crate::answer::values;
use crate::client::Client;
use crate::connection::ClientProfile;
use crate::target::{Target, unique};

checks![
    service_provider_config_has_features_and_limits,
    put_after_delete_returns_404_and_post_creates_again,
    filter_value_without_quotation_marks_is_a_string,
    group_without_schemas_is_synchronised,
    repeated_post_returns_409_and_creates_nothing,
];

const AUTHENTIK: ClientProfile = ClientProfile {
    headers: &[("Accept", "*/*"), ("User-Agent", "goauthentik.io/2025.10.0"), ("Accept-Encoding", "gzip, deflate")],
    content_type: "application/scim+json",
};

fn authentik(target: &Target) -> Client {
    target.client().with_profile(&AUTHENTIK)
}

fn user(name: &str) -> Value {
    json!({
        "userName": name, "externalId": name, "active": true, "displayName": "Auth Entik", "locale": null,
        "name": { "formatted": "Auth Entik", "givenName": "Auth", "familyName": "Entik" }, "photos": [],
        "emails": [{ "value": format!("{name}@auth.example"), "type": "other", "primary": true }],
    })
}

fn service_provider_config_has_features_and_limits(target: &Target) {
    let config = authentik(target).get("/ServiceProviderConfig").expect(200);
    config.check(config["patch"]["supported"] == true, "expected patch.supported");
    config.check(config["bulk"]["supported"].is_boolean(), "expected bulk.supported");
    for (feature, limit) in [("bulk", "maxOperations"), ("bulk", "maxPayloadSize"), ("filter", "maxResults")] {
        config.check(config[feature][limit].is_u64(), &format!("expected {feature}.{limit} as an integer"));
    }
}

fn put_after_delete_returns_404_and_post_creates_again(target: &Target) {
    let scim = authentik(target);
    let name = unique("ak-");
    let created = scim.post("/Users", &user(&name)).expect(201);
    created.check(created["schemas"].is_array(), "expected schemas, though none was sent");
    let path = format!("/Users/{}", created.id());
    let mut changed = user(&name);
    changed["displayName"] = json!("Changed");
    scim.put(&path, &changed).expect(200);
    scim.get(&path)
        .expect(200)
        .containing(&json!({ "displayName": "Changed", "userName": name, "locale": null, "photos": null }));
    scim.delete(&path).expect(204);
    scim.put(&path, &changed).expect_error(404, "", &[]);
    let again = scim.post("/Users", &changed).expect(201).id();
    scim.get(format!("/Users/{again}")).expect(200).containing(&json!({ "displayName": "Changed" }));
}

/// The documentation of Entra ID also shows such a filter.
fn filter_value_without_quotation_marks_is_a_string(target: &Target) {
    let scim = authentik(target);
    let (name, other) = (unique("ak-"), unique("ak-"));
    let id = scim.post("/Users", &user(&name)).expect(201).id();
    scim.post("/Users", &user(&other)).expect(201);
    let group = scim.post("/Groups", &json!({ "displayName": name })).expect(201).id();
    for (endpoint, filter, expected) in [
        ("/Users", format!("userName eq {name}"), Some(&id)),
        ("/Users", format!("externalId eq {name}"), Some(&id)),
        ("/Users", format!("userName eq {name}x"), None),
        ("/Groups", format!("displayName eq {name}"), Some(&group)),
    ] {
        let found: Vec<_> =
            scim.find(endpoint, &filter).iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(found.first(), expected, "{filter}");
        assert!(found.len() < 2, "{filter}");
    }
}

fn group_without_schemas_is_synchronised(target: &Target) {
    let scim = authentik(target);
    let user = scim.post("/Users", &user(&unique("ak-"))).expect(201).id();
    let name = unique("ak-group-");
    let id = scim.post("/Groups", &json!({ "displayName": name, "externalId": name })).expect(201).id();
    let path = format!("/Groups/{id}");
    scim.patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }])).expect(200);
    assert_eq!(values(&scim.get(&path).expect(200)["members"]), [user.as_str()]);
    scim.put(&path, &json!({ "displayName": format!("{name}-2"), "externalId": name })).expect(200);
    let read = scim.get(&path).expect(200).containing(&json!({ "displayName": format!("{name}-2") }));
    assert_eq!(values(&read["members"]), [user], "expected a PUT without members to keep them");
}

/// Rippling repeats a POST whose response was lost; the error of the repeat explains what happened.
fn repeated_post_returns_409_and_creates_nothing(target: &Target) {
    let scim = target.client();
    let name = unique("rip-");
    for (endpoint, attribute, body) in
        [("/Users", "userName", user(&name)), ("/Groups", "displayName", json!({ "displayName": name }))]
    {
        let first = scim.post(endpoint, &body).expect(201);
        for _ in 0..2 {
            scim.post(endpoint, &body).expect_error(409, "uniqueness", &[attribute]);
        }
        let found = scim.find(endpoint, &format!("{attribute} eq \"{name}\""));
        assert_eq!(found, [first.body], "expected one resource, as the first POST created it");
    }
}
