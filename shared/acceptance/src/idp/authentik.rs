//! authentik as a client: it reads `bulk.maxOperations` of /ServiceProviderConfig, sends no `schemas`, filters without quotation
//! marks, updates by PUT, and makes a user again when that is answered with 404. And Rippling, which repeats a POST after a timeout.

use serde_json::{Value, json};

use crate::client::{Client, Manners};
use crate::expect::values;
use crate::server::{Server, unique};

const AUTHENTIK: Manners = Manners {
    headers: &[("Accept", "*/*"), ("User-Agent", "goauthentik.io/2025.10.0"), ("Accept-Encoding", "gzip, deflate")],
    content_type: "application/scim+json",
};

fn authentik(server: &Server) -> Client {
    server.client().with_manners(&AUTHENTIK)
}

fn user(name: &str) -> Value {
    json!({
        "userName": name, "externalId": name, "active": true, "displayName": "Auth Entik", "locale": null,
        "name": { "formatted": "Auth Entik", "givenName": "Auth", "familyName": "Entik" }, "photos": [],
        "emails": [{ "value": format!("{name}@auth.example"), "type": "other", "primary": true }],
    })
}

#[test]
fn the_configuration_has_all_that_clients_read() {
    let server = Server::start();
    let config = authentik(&server).get("/ServiceProviderConfig").expect(200);
    config.check(config["patch"]["supported"] == true, "wanted patch.supported");
    config.check(config["bulk"]["supported"].is_boolean(), "wanted bulk.supported");
    for (feature, limit) in [("bulk", "maxOperations"), ("bulk", "maxPayloadSize"), ("filter", "maxResults")] {
        config.check(config[feature][limit].is_u64(), &format!("wanted {feature}.{limit} as an integer"));
    }
}

#[test]
fn a_user_is_made_again_after_a_404() {
    let server = Server::start();
    let scim = authentik(&server);
    let name = unique("ak-");
    let created = scim.post("/Users", &user(&name)).expect(201);
    created.check(created["schemas"].is_array(), "wanted schemas, though none was sent");
    let path = format!("/Users/{}", created.id());
    let mut changed = user(&name);
    changed["displayName"] = json!("Changed");
    scim.put(&path, &changed).expect(200);
    scim.get(&path)
        .expect(200)
        .holding(&json!({ "displayName": "Changed", "userName": name, "locale": null, "photos": null }));
    scim.delete(&path).expect(204);
    scim.put(&path, &changed).refused(404, "", &[]);
    let again = scim.post("/Users", &changed).expect(201).id();
    scim.get(format!("/Users/{again}")).expect(200).holding(&json!({ "displayName": "Changed" }));
}

/// Entra ID's documentation has a filter like this, too.
#[test]
fn a_value_may_lack_its_quotation_marks() {
    let server = Server::start();
    let scim = authentik(&server);
    let (name, other) = (unique("ak-"), unique("ak-"));
    let id = scim.post("/Users", &user(&name)).expect(201).id();
    scim.post("/Users", &user(&other)).expect(201);
    let group = scim.post("/Groups", &json!({ "displayName": name })).expect(201).id();
    for (endpoint, filter, wanted) in [
        ("/Users", format!("userName eq {name}"), Some(&id)),
        ("/Users", format!("externalId eq {name}"), Some(&id)),
        ("/Users", format!("userName eq {name}x"), None),
        ("/Groups", format!("displayName eq {name}"), Some(&group)),
    ] {
        let found: Vec<_> =
            scim.find(endpoint, &filter).iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(found.first(), wanted, "{filter}");
        assert!(found.len() < 2, "{filter}");
    }
}

#[test]
fn a_group_is_synchronised_without_schemas() {
    let server = Server::start();
    let scim = authentik(&server);
    let user = scim.post("/Users", &user(&unique("ak-"))).expect(201).id();
    let name = unique("ak-group-");
    let id = scim.post("/Groups", &json!({ "displayName": name, "externalId": name })).expect(201).id();
    let path = format!("/Groups/{id}");
    scim.patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }])).expect(200);
    assert_eq!(values(&scim.get(&path).expect(200)["members"]), [user.as_str()]);
    scim.put(&path, &json!({ "displayName": format!("{name}-2"), "externalId": name })).expect(200);
    let read = scim.get(&path).expect(200).holding(&json!({ "displayName": format!("{name}-2") }));
    assert_eq!(values(&read["members"]), [user], "a PUT without members keeps them");
}

/// Rippling: the first answer was lost on the way; the second says what it is.
#[test]
fn a_repeated_post_is_a_clean_conflict() {
    let server = Server::start();
    let scim = server.client();
    let name = unique("rip-");
    for (endpoint, attribute, body) in
        [("/Users", "userName", user(&name)), ("/Groups", "displayName", json!({ "displayName": name }))]
    {
        let first = scim.post(endpoint, &body).expect(201);
        for _ in 0..2 {
            scim.post(endpoint, &body).refused(409, "uniqueness", &[attribute]);
        }
        let found = scim.find(endpoint, &format!("{attribute} eq \"{name}\""));
        assert_eq!(found, [first.body], "one, as the first POST made it");
    }
}
