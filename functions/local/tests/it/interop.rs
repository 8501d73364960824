//! The dialect `interop`, as a client sees it: draft-zollner-scim-interop-profile-02 requires what RFC 7644 leaves open.

use acceptance::client::Client;
use acceptance::request::Request;
use acceptance::unique;
use serde_json::{Value, json};

use crate::server::Server;

/// A user with a work address, as its path.
fn user(scim: &Client) -> String {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": unique("interop"), "active": true,
        "emails": [{ "value": "w@a.example", "type": "work", "primary": true }],
    });
    format!("/Users/{}", scim.post("/Users", &user).expect(201).id())
}

/// The discovery of the profile: "interopProfileConformant".
#[test]
fn service_provider_config_says_that_the_profile_is_kept() {
    let conformant =
        |server: &Server| server.client().get("/ServiceProviderConfig").expect(200)["interopProfileConformant"].clone();
    assert_eq!(conformant(&Server::with_dialect("interop")), json!(true));
    assert_eq!(conformant(&Server::with_dialect("strict")), Value::Null);
}

#[test]
fn patches_that_the_profile_forbids_change_nothing() {
    let server = Server::with_dialect("interop");
    let scim = server.client();
    let path = user(&scim);
    let before = scim.get(&path).expect(200);
    let add = |path: &str, value: Value| json!({ "op": "add", "path": path, "value": value });
    for (operation, scim_type, words) in [
        (json!({ "op": "replace", "value": { "active": false } }), "invalidSyntax", "path"),
        (add("emails[type eq \"work\"]", json!({ "display": "W" })), "invalidPath", "sub-attribute"),
        (add("emails", json!({ "value": "n@a.example" })), "invalidSyntax", "array"),
        (add("unknown", json!("x")), "invalidPath", "unknown"),
    ] {
        scim.patch(&path, &json!([operation])).expect_error(400, scim_type, &[words]);
    }
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [add("title", json!("T"))],
    });
    let conditional = Request::new("PATCH", &path).json(&body).header("If-Match", before.header("etag"));
    scim.send(&conditional).expect_error(400, "invalidSyntax", &["if-match"]);
    assert_eq!(scim.get(&path).expect(200).text, before.text);
}

/// "The filter matches more than one element" (Error Handling).
#[test]
fn display_of_several_members_is_not_changed_at_once() {
    let server = Server::with_dialect("interop");
    let scim = server.client();
    let ids = [user(&scim), user(&scim)].map(|path| path.trim_start_matches("/Users/").to_owned());
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": unique("Interop "),
        "members": ids.each_ref().map(|id| json!({ "value": id })),
    });
    let path = format!("/Groups/{}", scim.post("/Groups", &group).expect(201).id());
    let rename =
        |filter: &str| json!([{ "op": "replace", "path": format!("members[{filter}].display"), "value": "X" }]);
    scim.patch(&path, &rename("value pr")).expect_error(400, "invalidFilter", &["several"]);
    let renamed = scim.patch(&path, &rename(&format!("value eq \"{}\"", ids[0]))).expect(200);
    let displays = renamed["members"].as_array().unwrap().iter().filter(|member| member["display"] == "X").count();
    assert_eq!(displays, 1);
}

#[test]
fn resources_with_unknown_attributes_are_rejected() {
    let server = Server::with_dialect("interop");
    let scim = server.client();
    let body = |name: &str| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": unique("interop"), name: "x",
        })
    };
    scim.post("/Users", &body("unknown")).expect_error(400, "invalidSyntax", &["unknown"]);
    scim.post("/Users", &body("title")).expect(201);
}

#[test]
fn deactivation_and_an_address_are_changed_as_the_profile_sends_them() {
    let server = Server::with_dialect("interop");
    let scim = server.client();
    let path = user(&scim);
    let replace = |path: &str, value: Value| json!({ "op": "replace", "path": path, "value": value });
    let operations =
        json!([replace("active", json!(false)), replace("emails[type eq \"work\"].value", json!("n@a.example"))]);
    scim.patch(&path, &operations).expect(200);
    let address = json!([{ "value": "n@a.example", "type": "work", "primary": true }]);
    scim.get(&path).expect(200).containing(&json!({ "active": false, "emails": address }));
}
