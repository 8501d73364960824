//! `attributes` and `excludedAttributes` on every operation that answers with a resource (RFC 7644 §3.9).

use serde_json::{Value, json};

use crate::client::{ENTERPRISE, USER};
use crate::server::{Server, unique};

fn user(name: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "userName": name, "displayName": "D", "title": "T",
        "name": { "givenName": "G", "familyName": "F" },
        "emails": [{ "value": "a@b.example", "type": "work" }],
        ENTERPRISE: { "department": "De", "division": "Di" },
    })
}

#[test]
fn only_what_was_asked_for_comes_back() {
    let server = Server::start();
    let scim = server.client();
    let name = unique("shown");
    let id = scim.post("/Users", &user(&name)).expect(201).id();
    // Parameter, and the attributes beside the ones that are always returned (id and schemas).
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
    for (parameter, wanted) in rows {
        let answer =
            scim.get(format!("/Users/{id}?{parameter}")).expect(200).holding(&json!({ "id": id, "schemas": "*" }));
        let mut rest = answer.body.clone();
        for always in ["id", "schemas"] {
            rest.as_object_mut().unwrap().remove(always);
        }
        answer.check(rest == wanted, &format!("wanted {wanted} and id and schemas"));
        let filter = format!("id eq \"{id}\"");
        let listed = scim.get(format!("/Users?{}&{parameter}", crate::client::query(&[("filter", &filter)])));
        assert_eq!(listed.expect(200)["Resources"], json!([answer.body]), "{parameter} in a list");
    }
}

#[test]
fn what_was_excluded_stays_away() {
    let server = Server::start();
    let scim = server.client();
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
        let mut wanted = full.body.clone();
        for pointer in gone {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            wanted.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        }
        answer.check(answer.body == wanted, &format!("wanted all but {gone:?}"));
    }
}

#[test]
fn writes_answer_with_the_projection() {
    let server = Server::start();
    let scim = server.client();
    let name = unique("written");
    let wanted = json!({ "id": "*", "title": "T", "userName": null, "name": null, "emails": null, "meta": null });
    let created = scim.post("/Users?attributes=title", &user(&name)).expect(201).holding(&wanted);
    let path = format!("/Users/{}", created.id());
    created.check(created.header("location") == format!("{}{path}", scim.base), "wanted Location all the same");
    scim.put(format!("{path}?attributes=title"), &user(&name)).expect(200).holding(&wanted);
    let operations = json!([{ "op": "add", "path": "nickName", "value": "N" }]);
    scim.patch(format!("{path}?attributes=title"), &operations).expect(200).holding(&wanted);
    scim.get(&path).expect(200).holding(&json!({ "userName": name, "nickName": "N", "emails": [{ "type": "work" }] }));
}
