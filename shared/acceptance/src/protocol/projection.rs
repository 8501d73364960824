//! `attributes` and `excludedAttributes` on every operation that answers with a resource (RFC 7644 §3.9).

use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, PATCH, Request, USER, query};
use crate::faults::may_count;
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
        let listed = scim.get(format!("/Users?{}&{parameter}", query(&[("filter", &filter)])));
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

/// How many calls to DynamoDB a request took.
fn calls(server: &Server, scim: &Client, request: &Request) -> u64 {
    let answer = scim.send(request);
    answer.check(answer.status < 300, "wanted success");
    server.calls()
}

#[test]
fn members_that_are_not_shown_are_not_read() {
    let test = "members_that_are_not_shown_are_not_read";
    let Some(server) = Server::own(test).filter(|_| may_count(test)) else { return };
    let scim = server.client();
    let ids: Vec<String> =
        (0..4).map(|_| scim.post("/Users", &json!({ "userName": unique("m") })).expect(201).id()).collect();
    let members: Value = ids.iter().map(|id| json!({ "value": id })).collect();
    let groups: Vec<String> = (0..3)
        .map(|_| scim.post("/Groups", &json!({ "displayName": unique("G "), "members": members })).expect(201).id())
        .collect();
    let get = |path: String| calls(&server, &scim, &Request::new("GET", path));
    let one = format!("/Groups/{}", groups[0]);
    let whole = get(one.clone());
    // Nor is it asked what is not settled yet.
    for parameters in
        ["excludedAttributes=members", "excludedAttributes=MEMBERS,meta", "attributes=displayName", "attributes=id"]
    {
        assert_eq!(get(format!("{one}?{parameters}")), whole - 2, "a group: {parameters}");
        assert_eq!(get(format!("/Groups?{parameters}")), get("/Groups".to_owned()) - 4, "all groups: {parameters}");
    }
    // Filtered, sorted, by cursor and of both types; and in searches.
    for asked in ["filter=displayName%20pr", "sortBy=displayName", "cursor"] {
        for endpoint in ["/Groups", ""] {
            let all = get(format!("{endpoint}?{asked}&attributes=members"));
            assert_eq!(get(format!("{endpoint}?{asked}&attributes=displayName")), all - 4, "{endpoint} {asked}");
        }
    }
    let search = |body: &Value| calls(&server, &scim, &Request::new("POST", "/Groups/.search").json(body));
    for asked in [json!({}), json!({ "filter": "displayName pr" }), json!({ "sortBy": "displayName", "cursor": "" })] {
        let with = |name: &str, shown: &str| {
            let mut body = asked.clone();
            body[name] = json!([shown]);
            search(&body)
        };
        let all = search(&asked);
        assert_eq!(with("excludedAttributes", "members"), all - 4, "{asked}");
        assert_eq!(with("attributes", "displayName"), all - 4, "{asked}");
        assert_eq!(with("attributes", "members.value"), all, "{asked}");
    }
    for parameters in
        ["attributes=members", "attributes=members.value", "excludedAttributes=displayName,members.display"]
    {
        assert_eq!(get(format!("{one}?{parameters}")), whole, "{parameters}");
    }
    // The answer to a change costs no more than the change.
    let rename = |parameters: &str| {
        let operations = json!([{ "op": "replace", "path": "displayName", "value": unique("Renamed ") }]);
        let request = Request::new("PATCH", format!("{one}{parameters}"));
        calls(&server, &scim, &request.json(&json!({ "schemas": [PATCH], "Operations": operations })))
    };
    assert_eq!(rename("?attributes=displayName"), rename("") - 2);
    assert_eq!(rename("?excludedAttributes=members"), rename("") - 2);
    // The groups of a user: a call for the edges, one for what is not settled yet, and one for the groups' names.
    let user = format!("/Users/{}", ids[0]);
    assert_eq!(get(format!("{user}?excludedAttributes=groups")), get(user.clone()) - 3);
    assert_eq!(get(format!("{user}?attributes=userName")), get(user) - 3);
}

#[test]
fn every_answer_with_a_body_is_projected_and_no_other() {
    let server = Server::start();
    let scim = server.client();
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
        let wanted = shown(parameters);
        let always = json!({ "id": "*", "schemas": "*" });
        let created = scim.post(format!("/Groups?{parameters}"), &sent).expect(201).holding(&wanted).holding(&always);
        let path = format!("/Groups/{}?{parameters}", created.id());
        scim.get(&path).expect(200).holding(&wanted).holding(&always);
        scim.put(&path, &sent).expect(200).holding(&wanted).holding(&always);
        let operations = json!([{ "op": "replace", "path": "externalId", "value": unique("e") }]);
        scim.patch(&path, &operations).expect(200).holding(&wanted).holding(&always);
        let minimal =
            json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "externalId", "value": "y" }] });
        let minimal = Request::new("PATCH", &path).json(&minimal).header("Prefer", "return=minimal");
        scim.send(&minimal).expect(200).holding(&wanted).holding(&always);
        let filter = query(&[("filter", &format!("id eq \"{}\"", created.id()))]);
        let list = scim.get(format!("/Groups?{filter}&{parameters}")).expect(200);
        list.holding(&json!({ "totalResults": 1, "Resources": [wanted] }));
        scim.delete(format!("/Groups/{}", created.id())).expect(204);
    }
}

#[test]
fn a_bad_projection_is_refused_before_anything_is_done() {
    let server = Server::start();
    let scim = server.client();
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
                answer.refused(400, scim_type, &[]);
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
        answer.refused(400, "invalidValue|invalidSyntax", &["attributes"]);
    }
    assert_eq!(scim.get(&path).expect(200).text, before);
    for empty in ["attributes=", "excludedAttributes=", "attributes=,", "attributes=&excludedAttributes="] {
        assert_eq!(scim.get(format!("{path}?{empty}")).expect(200).text, before, "{empty}");
    }
}
