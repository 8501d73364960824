//! Checks of `attributes` and `excludedAttributes` on every operation that returns a resource (RFC 7644 §3.9).

use serde_json::{Value, json};

use crate::client::{ENTERPRISE, PATCH, USER};
use crate::request::{Request, query};
use crate::target::{Target, unique};

checks![
    attributes_limits_the_answer,
    excluded_attributes_are_left_out,
    writes_return_the_projection,
    projection_applies_to_every_answer_with_a_resource,
    invalid_projection_returns_400_and_changes_nothing,
];

fn user(name: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "userName": name, "displayName": "D", "title": "T",
        "name": { "givenName": "G", "familyName": "F" },
        "emails": [{ "value": "a@b.example", "type": "work" }],
        ENTERPRISE: { "department": "De", "division": "Di" },
    })
}

fn attributes_limits_the_answer(target: &Target) {
    let scim = target.client();
    let name = unique("shown");
    let id = scim.post("/Users", &user(&name)).expect(201).id();
    // The parameter, and the attributes that it returns in addition to id and schemas.
    let rows = [
        ("attributes=userName", json!({ "userName": name })),
        ("attributes=USERNAME,title", json!({ "userName": name, "title": "T" })),
        ("attributes=name.givenName", json!({ "name": { "givenName": "G" } })),
        ("attributes=name", json!({ "name": { "givenName": "G", "familyName": "F" } })),
        ("attributes=emails.value", json!({ "emails": [{ "value": "a@b.example" }] })),
        ("attributes=nickName", json!({})),
        ("attributes=noSuchAttribute,title", json!({ "title": "T" })),
        ("attributes=id", json!({})),
        (
            "attributes=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            json!({ ENTERPRISE: { "department": "De" } }),
        ),
        ("attributes=urn:ietf:params:scim:schemas:core:2.0:User:title", json!({ "title": "T" })),
        (
            "attributes=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            json!({ ENTERPRISE: { "department": "De", "division": "Di" } }),
        ),
    ];
    for (parameter, expected) in rows {
        let answer =
            scim.get(format!("/Users/{id}?{parameter}")).expect(200).containing(&json!({ "id": id, "schemas": "*" }));
        let mut rest = answer.body.clone();
        for always in ["id", "schemas"] {
            rest.as_object_mut().unwrap().remove(always);
        }
        answer.check(rest == expected, &format!("expected {expected} and id and schemas"));
        let filter = format!("id eq \"{id}\"");
        let listed = scim.get(format!("/Users?{}&{parameter}", query(&[("filter", &filter)])));
        assert_eq!(listed.expect(200)["Resources"], json!([answer.body]), "{parameter} in a list");
    }
}

fn excluded_attributes_are_left_out(target: &Target) {
    let scim = target.client();
    let name = unique("hidden");
    let full = scim.post("/Users", &user(&name)).expect(201);
    let rows: [(&str, &[&str]); 6] = [
        ("emails,title", &["/emails", "/title"]),
        ("EMAILS", &["/emails"]),
        ("name.familyName", &["/name/familyName"]),
        ("id,schemas,noSuchAttribute", &[]),
        ("meta,userName", &["/meta", "/userName"]),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
            &["/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/division"],
        ),
    ];
    for (excluded, gone) in rows {
        let answer = scim.get(format!("/Users/{}?excludedAttributes={excluded}", full.id())).expect(200);
        let mut expected = full.body.clone();
        for pointer in gone {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            expected.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        }
        answer.check(answer.body == expected, &format!("expected all but {gone:?}"));
    }
}

fn writes_return_the_projection(target: &Target) {
    let scim = target.client();
    let name = unique("written");
    let expected = json!({ "id": "*", "title": "T", "userName": null, "name": null, "emails": null, "meta": null });
    let created = scim.post("/Users?attributes=title", &user(&name)).expect(201).containing(&expected);
    let path = format!("/Users/{}", created.id());
    created.check(
        created.header("location") == format!("{}{path}", scim.base()),
        "expected Location despite the projection",
    );
    scim.put(format!("{path}?attributes=title"), &user(&name)).expect(200).containing(&expected);
    let operations = json!([{ "op": "add", "path": "nickName", "value": "N" }]);
    scim.patch(format!("{path}?attributes=title"), &operations).expect(200).containing(&expected);
    scim.get(&path)
        .expect(200)
        .containing(&json!({ "userName": name, "nickName": "N", "emails": [{ "type": "work" }] }));
}

fn projection_applies_to_every_answer_with_a_resource(target: &Target) {
    let scim = target.client();
    let name = unique("projected");
    let member = scim.post("/Users", &json!({ "userName": unique("member") })).expect(201).id();
    let members = json!([{ "value": member, "display": "M" }]);
    let sent = json!({ "displayName": name, "externalId": "x", "members": members });
    let shown = |parameters: &str| match parameters {
        "attributes=members.value" => {
            json!({ "displayName": null, "externalId": null, "meta": null, "members": [{ "value": member, "display": null, "$ref": null, "type": null }] })
        }
        "excludedAttributes=members,externalId" => {
            json!({ "displayName": "*", "externalId": null, "meta": { "version": "*" }, "members": null })
        }
        _ => json!({ "displayName": null, "externalId": null, "meta": null, "members": null }),
    };
    for parameters in
        ["attributes=members.value", "excludedAttributes=members,externalId", "attributes=id", "attributes=noSuch"]
    {
        let expected = shown(parameters);
        let always = json!({ "id": "*", "schemas": "*" });
        let created =
            scim.post(format!("/Groups?{parameters}"), &sent).expect(201).containing(&expected).containing(&always);
        let path = format!("/Groups/{}?{parameters}", created.id());
        scim.get(&path).expect(200).containing(&expected).containing(&always);
        scim.put(&path, &sent).expect(200).containing(&expected).containing(&always);
        let operations = json!([{ "op": "replace", "path": "externalId", "value": unique("e") }]);
        scim.patch(&path, &operations).expect(200).containing(&expected).containing(&always);
        let minimal =
            json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "externalId", "value": "y" }] });
        let minimal = Request::new("PATCH", &path).json(&minimal).header("Prefer", "return=minimal");
        scim.send(&minimal).expect(200).containing(&expected).containing(&always);
        let filter = query(&[("filter", &format!("id eq \"{}\"", created.id()))]);
        let list = scim.get(format!("/Groups?{filter}&{parameters}")).expect(200);
        list.containing(&json!({ "totalResults": 1, "Resources": [expected] }));
        scim.delete(format!("/Groups/{}", created.id())).expect(204);
    }
}

fn invalid_projection_returns_400_and_changes_nothing(target: &Target) {
    let scim = target.client();
    let path = format!("/Users/{}", scim.post("/Users", &user(&unique("kept"))).expect(201).id());
    let before = scim.get(&path).expect(200).text;
    for (name, scim_type) in [("attributes", "invalidPath"), ("excludedAttributes", "invalidPath")] {
        for bad in [
            "a..b",
            ".userName",
            "name.",
            "name.givenName.x",
            "emails[",
            "emails[type eq \"work\"]",
            "user Name",
            "1st",
            "é",
            "*",
            "userName;title",
            "userName,emails[type eq \"work\"].value",
            "urn:",
            "urn::User:title",
        ] {
            let parameters = query(&[(name, bad)]);
            let fresh = unique("never");
            for answer in [
                scim.get(format!("{path}?{parameters}")),
                scim.get(format!("/Users?{parameters}")),
                scim.post(format!("/Users?{parameters}"), &json!({ "userName": fresh })),
                scim.put(format!("{path}?{parameters}"), &json!({ "userName": fresh })),
                scim.patch(
                    format!("{path}?{parameters}"),
                    &json!([{ "op": "replace", "path": "title", "value": "x" }]),
                ),
            ] {
                answer.expect_error(400, scim_type, &[]);
            }
            assert!(scim.find("/Users", &format!("userName eq \"{fresh}\"")).is_empty(), "{bad}");
        }
    }
    let both = "attributes=userName&excludedAttributes=title";
    for answer in [
        scim.get(format!("{path}?{both}")),
        scim.get(format!("/Users?{both}")),
        scim.put(format!("{path}?{both}"), &json!({ "userName": unique("never") })),
        scim.get(format!("{path}?attributes=userName&attributes=title")),
    ] {
        answer.expect_error(400, "invalidValue|invalidSyntax", &["attributes"]);
    }
    assert_eq!(scim.get(&path).expect(200).text, before);
    for empty in ["attributes=", "excludedAttributes=", "attributes=,", "attributes=&excludedAttributes="] {
        assert_eq!(scim.get(format!("{path}?{empty}")).expect(200).text, before, "{empty}");
    }
}
