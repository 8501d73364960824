//! Checks of single sentences of RFC 7643 and RFC 7644 that no other check covers. The guide's page
//! `reference/requirements.md` lists them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::{ENTERPRISE, LIST, USER};
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    order_of_attributes_and_repetition_in_schemas_are_ignored,
    schemas_lists_the_schemas_of_the_attributes,
    every_reference_is_the_url_of_its_resource,
    binary_value_is_base64,
    unspecified_primary_is_false,
    filters_apply_to_defaults,
    put_replaces_every_writable_attribute,
    value_filter_changes_every_match,
    message_schemas_are_not_listed,
    discovery_ignores_paging_and_sorting,
    discovery_is_well_formed,
    identifiers_are_assigned_by_their_owner,
    text_is_utf_8,
    other_api_version_returns_404: VersionedUrl,
];

/// RFC 7643 §2.3.8, §3: neither the order of attributes nor that of `schemas` matters, and `schemas` is returned
/// without duplicates.
fn order_of_attributes_and_repetition_in_schemas_are_ignored(target: &Target) {
    let scim = target.client();
    let expected =
        json!({ "title": "T", "name": { "givenName": "G", "familyName": "F" }, ENTERPRISE: { "department": "D" } });
    for (number, schemas) in [[USER, ENTERPRISE, USER], [ENTERPRISE, ENTERPRISE, USER]].iter().enumerate() {
        let name = unique("order");
        let mut fields = [
            format!("\"schemas\":{}", json!(schemas)),
            format!("\"userName\":{}", json!(name)),
            "\"name\":{\"familyName\":\"F\",\"givenName\":\"G\"}".to_owned(),
            format!("\"{ENTERPRISE}\":{{\"department\":\"D\"}}"),
            "\"title\":\"T\"".to_owned(),
        ];
        if number == 1 {
            fields.reverse();
        }
        let body = format!("{{{}}}", fields.join(","));
        let created = scim.send(&Request::new("POST", "/Users").bytes(body)).expect(201).containing(&expected);
        created.check(created["schemas"] == json!([USER, ENTERPRISE]), "expected each schema once");
    }
}

/// RFC 7643 §3: `schemas` lists the schemas of the attributes that the resource has, no others, and changes with
/// them.
fn schemas_lists_the_schemas_of_the_attributes(target: &Target) {
    let scim = target.client();
    let body = json!({ "schemas": [USER, ENTERPRISE, "urn:example:nonsense"], "userName": unique("schemas") });
    let created = scim.post("/Users", &body).expect(201);
    created.check(created["schemas"] == json!([USER]), "expected the core schema only");
    let path = format!("/Users/{}", created.id());
    let add = json!([{ "op": "add", "path": format!("{ENTERPRISE}:department"), "value": "D" }]);
    let added = scim.patch(&path, &add).expect(200);
    added.check(added["schemas"] == json!([USER, ENTERPRISE]), "expected the core schema and the extension");
    let remove = json!([{ "op": "remove", "path": format!("{ENTERPRISE}:department") }]);
    let removed = scim.patch(&path, &remove).expect(200);
    removed.check(
        removed["schemas"] == json!([USER]) && removed[ENTERPRISE].is_null(),
        "expected the extension to be removed",
    );
}

/// RFC 7643 §2.3.7, §3.1: a reference is the URL of its resource, and `meta.location` equals `Content-Location`.
fn every_reference_is_the_url_of_its_resource(target: &Target) {
    let scim = target.client();
    let user = scim.post("/Users", &json!({ "userName": unique("referred") })).expect(201).id();
    let body = json!({ "displayName": unique("Referring "), "members": [{ "value": user }] });
    let group = scim.post("/Groups", &body).expect(201);
    let user_now = scim.get(format!("/Users/{user}")).expect(200);
    let below = |reference: &Value| reference.as_str().unwrap().strip_prefix(scim.base()).unwrap().to_owned();
    for (reference, id) in [
        (&group["members"][0]["$ref"], &user),
        (&user_now["groups"][0]["$ref"], &group.id()),
        (&user_now["meta"]["location"], &user),
        (&scim.get("/ResourceTypes/User").expect(200)["meta"]["location"], &"User".to_owned()),
        (&scim.get(format!("/Schemas/{USER}")).expect(200)["meta"]["location"], &USER.to_owned()),
    ] {
        scim.get(below(reference)).expect(200).containing(&json!({ "id": id }));
    }
    for answer in [user_now, group] {
        let location = answer["meta"]["location"].as_str().unwrap();
        answer.check(answer.header("content-location") == location, "expected Content-Location to be meta.location");
    }
}

/// RFC 7643 §2.3.6, §4.1.2: certificates are base64.
fn binary_value_is_base64(target: &Target) {
    let scim = target.client();
    let user = |value: &str| json!({ "userName": unique("binary"), "x509Certificates": [{ "value": value }] });
    let certificate = "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVMx";
    scim.post("/Users", &user(certificate))
        .expect(201)
        .containing(&json!({ "x509Certificates": [{ "value": certificate }] }));
    for wrong in ["not base64!", "MIID=Qzz", "M"] {
        scim.post("/Users", &user(wrong)).expect_error(400, "invalidValue", &["x509Certificates", "base64"]);
    }
}

/// RFC 7643 §2.4: a value without `primary` is not primary.
fn unspecified_primary_is_false(target: &Target) {
    let scim = target.client();
    let name = unique("unsaid");
    let emails = json!([{ "value": "a@b.example", "type": "work", "primary": true }, { "value": "c@d.example", "type": "home" }]);
    let id = scim.post("/Users", &json!({ "userName": name, "emails": emails })).expect(201).id();
    let of = |filter: &str| scim.find("/Users", &format!("userName eq \"{name}\" and {filter}")).len();
    for (filter, found) in [
        ("emails[primary eq false and type eq \"home\"]", 1),
        ("emails[primary eq false and type eq \"work\"]", 0),
        ("emails[primary ne true and type eq \"home\"]", 1),
        ("emails.primary eq false", 1),
        ("emails[type eq \"home\" and primary pr]", 0),
        ("phoneNumbers.primary eq false", 0),
        ("phoneNumbers[primary eq false]", 0),
    ] {
        assert_eq!(of(filter), found, "{filter}");
    }
    let change = json!([{ "op": "replace", "path": "emails[primary eq false].display", "value": "H" }]);
    let changed = scim.patch(format!("/Users/{id}"), &change).expect(200);
    changed.containing(&json!({ "emails": [{ "type": "work", "display": null }, { "type": "home", "display": "H" }] }));
}

/// RFC 7644 §3.4.2.2: a filter finds a value that the service has set by default.
fn filters_apply_to_defaults(target: &Target) {
    let scim = target.client();
    let name = unique("default");
    scim.post("/Users", &json!({ "userName": name })).expect(201).containing(&json!({ "active": true }));
    for (filter, found) in [("active eq true", 1), ("active pr", 1), ("active eq false", 0), ("not (active pr)", 0)] {
        assert_eq!(scim.find("/Users", &format!("userName eq \"{name}\" and {filter}")).len(), found, "{filter}");
    }
}

/// RFC 7644 §3.5.1: PUT ignores read-only attributes and replaces all others.
fn put_replaces_every_writable_attribute(target: &Target) {
    let scim = target.client();
    let name = unique("replaced");
    let body = json!({
        "userName": name, "title": "T", "nickName": "N", "emails": [{ "value": "a@b.example" }], "name": { "givenName": "G" },
        ENTERPRISE: { "department": "D", "division": "V" },
    });
    let created = scim.post("/Users", &body).expect(201);
    let path = format!("/Users/{}", created.id());
    let put = json!({
        "id": "another", "userName": name, "title": "U", "name": { "familyName": "F" }, "groups": [{ "value": "g" }],
        "meta": { "created": "1999-01-01T00:00:00Z", "version": "W/\"77\"", "location": "https://elsewhere.example" },
        "schemas": [USER], ENTERPRISE: { "department": "E" },
    });
    scim.put(&path, &put).expect(200);
    let read = scim.get(&path).expect(200).containing(&json!({
        "id": created.id(), "userName": name, "title": "U", "nickName": null, "emails": null, "groups": null,
        "name": { "familyName": "F", "givenName": null }, ENTERPRISE: { "department": "E", "division": null },
        "meta": { "created": created["meta"]["created"], "location": created["meta"]["location"] },
    }));
    read.check(read["meta"]["version"] != "W/\"77\"", "expected a version that the service assigns");
}

/// RFC 7644 §3.5.2.3: a replacement by a value filter changes every element that matches, and a removal removes
/// every one.
fn value_filter_changes_every_match(target: &Target) {
    let scim = target.client();
    let emails = json!([{ "value": "a@x.example", "type": "work" }, { "value": "b@x.example", "type": "home" },
                        { "value": "c@y.example", "type": "other" }]);
    let path = format!(
        "/Users/{}",
        scim.post("/Users", &json!({ "userName": unique("all"), "emails": emails })).expect(201).id()
    );
    let replace = json!([{ "op": "replace", "path": "emails[value ew \"@x.example\"].display", "value": "X" }]);
    scim.patch(&path, &replace)
        .expect(200)
        .containing(&json!({ "emails": [{ "display": "X" }, { "display": "X" }, { "display": null }] }));
    let remove = json!([{ "op": "remove", "path": "emails[display eq \"X\"]" }]);
    let left = scim.patch(&path, &remove).expect(200);
    left.containing(&json!({ "emails": [{ "value": "c@y.example" }] }));
}

/// RFC 7644 §3.1: the schemas of messages are not schemas of resources.
fn message_schemas_are_not_listed(target: &Target) {
    let scim = target.client();
    let all = scim.get("/Schemas").expect(200);
    for schema in all.resources() {
        all.check(!schema["id"].as_str().unwrap().contains(":scim:api:"), "expected no schema of a message");
    }
    for message in ["ListResponse", "PatchOp", "Error", "BulkRequest", "SearchRequest"] {
        scim.get(format!("/Schemas/urn:ietf:params:scim:api:messages:2.0:{message}")).expect_error(404, "", &[]);
    }
}

/// RFC 7644 §4: the discovery endpoints ignore parameters of paging and sorting.
fn discovery_ignores_paging_and_sorting(target: &Target) {
    let scim = target.client();
    for endpoint in ["/Schemas", "/ResourceTypes"] {
        let all = scim.get(endpoint).expect(200).containing(&json!({ "schemas": [LIST] }));
        let parameters = "startIndex=2&count=1&sortBy=name&sortOrder=descending";
        assert_eq!(scim.get(format!("{endpoint}?{parameters}")).expect(200).body, all.body);
    }
    let config = scim.get("/ServiceProviderConfig").expect(200).body;
    assert_eq!(scim.get("/ServiceProviderConfig?startIndex=5&count=0&sortBy=patch").expect(200).body, config);
}

/// RFC 7643 §2.1, §6, §7: names of attributes are well-formed and unique, characteristics are complete, and
/// resource types and schemas refer to each other by id.
fn discovery_is_well_formed(target: &Target) {
    let scim = target.client();
    let schemas = scim.get("/Schemas").expect(200);
    let ids: BTreeSet<&str> = schemas.resources().iter().map(|schema| schema["id"].as_str().unwrap()).collect();
    for schema in schemas.resources() {
        for said in ["name", "description"] {
            schemas.check(schema[said].as_str().is_some_and(|text| !text.is_empty()), &format!("expected {said}"));
        }
        check_attributes(&schema["attributes"], 0);
    }
    for kind in scim.get("/ResourceTypes").expect(200).resources() {
        for said in ["name", "endpoint", "description"] {
            assert!(kind[said].as_str().is_some_and(|text| !text.is_empty()), "{said} of {kind}");
        }
        assert!(ids.contains(kind["schema"].as_str().unwrap()), "{kind}");
        for extension in kind["schemaExtensions"].as_array().into_iter().flatten() {
            assert!(
                ids.contains(extension["schema"].as_str().unwrap()) && extension["required"].is_boolean(),
                "{kind}"
            );
        }
    }
}

fn check_attributes(attributes: &Value, depth: usize) {
    let mut names = BTreeSet::new();
    for attribute in attributes.as_array().unwrap() {
        let name = attribute["name"].as_str().unwrap();
        let well_formed = name == "$ref"
            || (name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
        assert!(well_formed && names.insert(name.to_ascii_lowercase()), "{name}");
        assert!(attribute["multiValued"].is_boolean() && attribute["required"].is_boolean(), "{name}");
        for characteristic in ["type", "mutability", "returned", "uniqueness", "description"] {
            assert!(attribute[characteristic].is_string(), "{characteristic} of {name}");
        }
        let is_complex = attribute["type"] == "complex";
        assert_eq!(is_complex, attribute["subAttributes"].is_array(), "{name}");
        assert!(attribute["type"] != "string" || attribute["caseExact"].is_boolean(), "{name}");
        if is_complex {
            assert_eq!(depth, 0, "RFC 7643 §2.3.8: {name}");
            check_attributes(&attribute["subAttributes"], depth + 1);
        }
    }
}

/// RFC 7643 §3.1: the client assigns `externalId`, and the service assigns `id`, which is unique over users and
/// groups.
fn identifiers_are_assigned_by_their_owner(target: &Target) {
    let scim = target.client();
    let mut ids = BTreeSet::new();
    for (endpoint, attribute) in [("/Users", "userName"), ("/Groups", "displayName")] {
        for _ in 0..4 {
            let body = json!({ "id": "bulkId:mine", "externalId": "one-external-id", attribute: unique("identified") });
            let created =
                scim.post(endpoint, &body).expect(201).containing(&json!({ "externalId": "one-external-id" }));
            created.check(!created.id().contains("bulkId"), "expected an id that the service assigns");
            assert!(ids.insert(created.id()), "expected an id that no other resource has");
        }
        let without = scim.post(endpoint, &json!({ attribute: unique("identified") })).expect(201);
        without.check(without.body.get("externalId").is_none(), "expected no externalId");
    }
}

/// RFC 7644 §3.8: text is UTF-8, and is returned as it was sent.
fn text_is_utf_8(target: &Target) {
    let scim = target.client();
    for (number, title) in
        ["Grüße", "Ελλάδα", "日本語", "👩\u{200d}💻", "e\u{301}", "\u{1d11e} & \"quoted\" \\ /"].iter().enumerate()
    {
        let escaped = format!("{{\"userName\":\"{}\",\"title\":{}}}", unique("utf"), json!(title));
        let created = scim.send(&Request::new("POST", "/Users").bytes(escaped)).expect(201);
        created.check(created["title"] == **title, &format!("expected title {number} as it was sent"));
        scim.get(format!("/Users/{}", created.id())).expect(200).containing(&json!({ "title": title }));
    }
}

/// RFC 7644 §3.13: the service rejects a version that it does not support.
fn other_api_version_returns_404(target: &Target) {
    let client = target.client();
    let base = client.base();
    for version in ["v1", "v3", "V2", "v2.0"] {
        let other = format!("{}{version}", base.strip_suffix("v2").unwrap());
        let scim = Target::new(&other, &target.token).client();
        scim.get("/Users").expect_error(404, "", &[]);
        scim.post("/Users", &json!({ "userName": unique("nowhere") })).expect_error(404, "", &[]);
    }
}
