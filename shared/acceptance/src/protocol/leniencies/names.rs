//! Checks of names that would lose what the client meant if the service ignored them: parameters, paths in place of
//! names, and read-only attributes.

use serde_json::json;

use super::readings::{rejected, user};
use crate::client::ENTERPRISE;
use crate::protocol::groups::group;
use crate::target::{Target, unique};

checks![
    misspelt_position_returns_no_list,
    path_as_name_in_a_whole_resource_is_rejected,
    patch_of_read_only_attributes_alone_is_rejected,
];

/// The response would be the first page again, and the client would miss all others.
fn misspelt_position_returns_no_list(target: &Target) {
    let scim = target.client();
    for name in ["start_index", "startIdex", "start-index", "nextCursor", "offset", "page", "curser"] {
        for endpoint in ["/Users", "/Groups", ""] {
            scim.get(format!("{endpoint}?{name}=2")).expect_error(400, "invalidSyntax", &[name, "startIndex"]);
        }
        let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], name: 2 });
        scim.post("/Users/.search", &search).expect_error(400, "invalidSyntax", &[name, "startIndex"]);
    }
}

/// PATCH understands such names. In a whole resource, their values would be lost, and a PUT would remove what was there.
fn path_as_name_in_a_whole_resource_is_rejected(target: &Target) {
    let scim = target.client();
    let name = unique("path");
    let body = json!({ "userName": name, "emails": [{ "value": "w@a.example", "type": "work" }],
        ENTERPRISE: { "department": "D", "manager": { "value": "m1" } } });
    let path = format!("/Users/{}", scim.post("/Users", &body).expect(201).id());
    let before = scim.get(&path).expect(200).text;
    for (attribute, value) in [
        ("manager.value", json!("m2")),
        ("emails[type eq \"work\"].value", json!("n@a.example")),
        ("name.givenName", json!("A")),
        (ENTERPRISE, json!({ "manager.value": "m2" })),
        (ENTERPRISE, json!({ format!("{ENTERPRISE}:department"): "E" })),
        ("name", json!({ "name.givenName": "A", "familyName": "B" })),
    ] {
        let body = json!({ "userName": name, attribute: value });
        scim.put(&path, &body).expect_error(400, "invalidValue", &["path"]);
        let other = json!({ "userName": unique("path"), attribute: value });
        scim.post("/Users", &other).expect_error(400, "invalidValue", &["path"]);
        assert_eq!(scim.get(&path).expect(200).text, before, "{attribute}");
    }
}

/// The change that the client wants is the one that would be ignored.
fn patch_of_read_only_attributes_alone_is_rejected(target: &Target) {
    let scim = target.client();
    let user = user(&scim);
    let group = group(&scim, &[]);
    let joins = json!({ "op": "add", "value": { "groups": [{ "value": group }] } });
    let boss = json!({ "op": "replace", "path": "manager", "value": { "displayName": "Boss" } });
    rejected(&scim, &user, "mutability", vec![joins, boss]);
}
