//! Bulk operations one by one (RFC 7644 §3.7, §3.7.2, §3.7.3): what each of them reports, and what is wrong with one or with
//! the whole.

use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, GROUP, PATCH, Request, USER};
use crate::expect::{Answer, holds, values};
use crate::faults::afresh;
use crate::server::{Server, unique};

pub(crate) const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

pub(crate) fn send(scim: &Client, operations: &Value) -> Answer {
    scim.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations }))
}

/// The reports, each held against what a report owes.
pub(crate) fn reports(answer: &Answer) -> Vec<Value> {
    let response = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"] });
    answer.check(holds(&answer.body, &response), "wanted a BulkResponse");
    let reports = answer["Operations"].as_array().cloned().unwrap_or_default();
    for report in &reports {
        let status: u16 = report["status"].as_str().and_then(|status| status.parse().ok()).unwrap_or_default();
        let failed = status >= 400;
        answer.check(status >= 200, &format!("wanted a status as a string: {report}"));
        answer
            .check(report.get("response").is_some() == failed, &format!("wanted response for errors alone: {report}"));
        if failed {
            let error = json!({ "schemas": [ERROR], "status": report["status"], "detail": "*" });
            answer.check(holds(&report["response"], &error), &format!("wanted an error: {report}"));
        }
        let located = report["location"].as_str().is_some_and(|url| url.starts_with("http"));
        let wanted = !(failed && (report["method"] == "POST" || report["method"].is_null()));
        answer.check(located == wanted, &format!("wanted a location but of a failed POST: {report}"));
    }
    reports
}

/// The statuses of the reports, with blanks between.
pub(crate) fn statuses(answer: &Answer) -> String {
    let statuses: Vec<String> =
        reports(answer).iter().map(|report| report["status"].as_str().unwrap().to_owned()).collect();
    statuses.join(" ")
}

/// Sends operations and wants these statuses.
pub(crate) fn check(scim: &Client, operations: &Value, expect: &str) -> Vec<Value> {
    let answer = send(scim, operations).expect(200);
    let got = statuses(&answer);
    answer.check(got == expect, &format!("wanted {expect}, not {got}"));
    reports(&answer)
}

/// The path of what a report is about, below the base URL.
pub(crate) fn path(scim: &Client, report: &Value) -> String {
    let location = report["location"].as_str().unwrap_or_default();
    location.strip_prefix(&scim.base).unwrap_or_else(|| panic!("{report} is not below {}", scim.base)).to_owned()
}

pub(crate) fn id(scim: &Client, report: &Value) -> String {
    path(scim, report).rsplit('/').next().unwrap().to_owned()
}

pub(crate) fn user(bulk_id: &str, name: &str) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": { "schemas": [USER], "userName": name } })
}

/// A POST of a group whose members are references.
pub(crate) fn group(bulk_id: &str, name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|one| json!({ "value": format!("bulkId:{one}") })).collect();
    let data = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data })
}

pub(crate) fn delete(path: &str) -> Value {
    json!({ "method": "DELETE", "path": path })
}

fn patch(path: &str, operations: Value) -> Value {
    json!({ "method": "PATCH", "path": path, "data": { "schemas": [PATCH], "Operations": operations } })
}

#[test]
fn a_user_and_a_group_that_has_her() {
    afresh(|| {
        let server = Server::start();
        let scim = server.client();
        let (alice, guides) = (unique("Alice"), unique("Tour Guides "));
        let reports = check(
            &scim,
            &json!([
                { "method": "POST", "path": "/Users", "bulkId": "qwerty", "data": { "schemas": [USER], "userName": alice } },
                { "method": "POST", "path": "/Groups", "bulkId": "ytrewq", "data": { "schemas": [GROUP], "displayName": guides,
                    "members": [{ "type": "User", "value": "bulkId:qwerty" }] } },
            ]),
            "201 201",
        );
        for (report, bulk_id) in reports.iter().zip(["qwerty", "ytrewq"]) {
            let read = scim.get(path(&scim, report)).expect(200);
            let wanted = json!({ "method": "POST", "bulkId": bulk_id, "location": read["meta"]["location"],
            "version": read["meta"]["version"], "status": "201" });
            read.check(*report == wanted, &format!("wanted {wanted}, not {report}"));
        }
        let alice = id(&scim, &reports[0]);
        let location = reports[0]["location"].clone();
        scim.get(path(&scim, &reports[1]))
            .expect(200)
            .holding(&json!({ "members": [{ "value": alice, "$ref": location, "type": "User" }] }));
    });
}

#[test]
fn a_user_whose_manager_is_new_too() {
    afresh(|| {
        let server = Server::start();
        let scim = server.client();
        let bob = json!({ "schemas": [USER, ENTERPRISE], "userName": unique("Bob"),
        ENTERPRISE: { "employeeNumber": "11250", "manager": { "value": "bulkId:qwerty" } } });
        let reports = check(
            &scim,
            &json!([
                user("qwerty", &unique("Alice")),
                { "method": "POST", "path": "/Users", "bulkId": "ytrewq", "data": bob },
            ]),
            "201 201",
        );
        let manager = json!({ "employeeNumber": "11250", "manager": { "value": id(&scim, &reports[0]) } });
        scim.get(path(&scim, &reports[1])).expect(200).holding(&json!({ ENTERPRISE: manager }));
    });
}

/// The example of RFC 7644 §3.7.3, with the braces that its PATCH lacks.
#[test]
fn a_user_is_added_two_are_changed_and_one_goes() {
    afresh(|| {
        let server = Server::start();
        let scim = server.client();
        let [bob, dave, gone] = ["bob", "dave", "gone"].map(|name| {
            let body = json!({ "userName": unique(name), "nickName": "nick" });
            scim.post("/Users", &body).expect(201).id()
        });
        let renamed = unique("Dave");
        let operations = |create: Value| {
            json!([
                { "method": "POST", "path": "/Users", "bulkId": "qwerty", "data": create },
                { "method": "PUT", "path": format!("/Users/{bob}"), "version": "W/\"1\"",
                    "data": { "schemas": [USER], "id": bob, "userName": unique("Bob") } },
                { "method": "PATCH", "path": format!("/Users/{dave}"), "version": "W/\"1\"", "data": { "Operations": [
                    { "op": "remove", "path": "nickName" }, { "op": "add", "path": "userName", "value": renamed } ] } },
                { "method": "DELETE", "path": format!("/Users/{gone}"), "version": "W/\"1\"" },
            ])
        };
        let body = |operations: Value| json!({ "schemas": [BULK], "failOnErrors": 1, "Operations": operations });
        // Alice has no name: the service stops, and nothing else was done.
        let answer = scim.post("/Bulk", &body(operations(json!({ "schemas": [USER] })))).expect(200);
        answer.check(statuses(&answer) == "400", "wanted the first outcome alone");
        scim.get(format!("/Users/{gone}")).expect(200).holding(&json!({ "meta": { "version": "W/\"1\"" } }));

        let alice = operations(
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:User"], "userName": unique("Alice") }),
        );
        let answer = scim.post("/Bulk", &body(alice)).expect(200);
        answer.check(statuses(&answer) == "201 200 200 204", "wanted all of them done");
        let all = reports(&answer);
        let version = |report: &Value| report["version"].clone();
        assert_eq!([version(&all[0]), version(&all[1]), version(&all[2])], ["W/\"1\"", "W/\"2\"", "W/\"2\""]);
        assert!(all[3].get("version").is_none() && all[1].get("bulkId").is_none(), "{all:?}");
        assert_eq!(path(&scim, &all[3]), format!("/Users/{gone}"));
        scim.get(format!("/Users/{dave}")).expect(200).holding(&json!({ "userName": renamed, "nickName": null }));
        scim.get(format!("/Users/{gone}")).expect(404);

        // The same again: nobody has those versions any more, and without failOnErrors all of them are tried.
        let reports = check(&scim, &operations(json!({ "schemas": [USER] })), "400 412 412 404");
        assert_eq!(path(&scim, &reports[1]), format!("/Users/{bob}"));
    });
}

#[test]
fn an_operation_that_is_wrong_fails_by_itself() {
    afresh(|| {
        let server = Server::start();
        let scim = server.client();
        let there = scim.post("/Users", &json!({ "userName": unique("there") })).expect(201).id();
        let name = unique("hush");
        let data = json!({ "userName": name, "password": "hush-hush" });
        for (operation, status) in [
            (json!({ "method": "GET", "path": format!("/Users/{there}") }), "400"),
            (json!({ "method": "POST", "path": "/Users", "data": data }), "400"),
            (json!({ "method": "POST", "path": "/Users", "bulkId": "a" }), "400"),
            (json!({ "method": "POST", "path": "/Users", "bulkId": "a", "data": [data] }), "400"),
            (json!({ "method": "POST", "path": format!("/Users/{there}"), "bulkId": "a", "data": data }), "405"),
            (json!({ "method": "PUT", "path": "/Users", "data": data }), "405"),
            (json!({ "method": "PUT", "path": format!("/Users/{there}?attributes=id"), "data": data }), "400"),
            (json!({ "method": "PUT", "path": format!("/Groups/{there}"), "data": { "displayName": name } }), "404"),
            (json!({ "method": "PATCH", "path": format!("/Users/{there}"), "data": { "userName": name } }), "400"),
            (json!({ "method": "PATCH", "path": "/Me", "data": data }), "404"),
            (json!({ "method": "POST", "path": "/Bulk", "bulkId": "a", "data": { "Operations": [] } }), "404"),
            (json!({ "method": "POST", "path": "/Users/.search", "bulkId": "a", "data": {} }), "405"),
            (json!({ "method": "DELETE", "path": "/Schemas/x" }), "404"),
            (json!({ "method": "DELETE", "path": "/Users/../Groups/x" }), "404"),
            (json!({ "method": "DELETE", "path": format!("/Users/{there}"), "version": 1 }), "400"),
            (json!({ "method": "DELETE", "path": format!("/Users/{there}"), "version": "1" }), "412"),
        ] {
            let good = unique("good");
            let reports = check(&scim, &json!([operation, user("b", &good)]), &format!("{status} 201"));
            assert_eq!(reports[0]["method"], operation["method"], "{operation}");
            assert!(!reports[0].to_string().contains("hush-"), "{reports:?}");
            scim.get(path(&scim, &reports[1])).expect(200);
        }
        assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
        scim.get(format!("/Users/{there}")).expect(200).holding(&json!({ "meta": { "version": "W/\"1\"" } }));
        // What has no method or no path could not be reported (RFC 7644 §3.7.3), so that the whole request is refused.
        for operation in
            [json!({}), json!({ "method": 1, "path": "/Users" }), json!({ "method": "DELETE", "path": "" })]
        {
            send(&scim, &json!([user("b", &name), operation])).refused(400, "invalidSyntax", &["Operations[1]"]);
        }
        assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
        // What only looks unusual is done.
        let reports = check(
            &scim,
            &json!([
                { "Method": "post", "PATH": "Users", "bulkid": "a", "data": data },
                { "method": "delete", "path": format!("/Users/{there}"), "version": "*", "bulkId": "mine", "data": null },
            ]),
            "201 204",
        );
        assert_eq!((&reports[0]["method"], &reports[1]["bulkId"]), (&json!("POST"), &json!("mine")));
    });
}

#[test]
fn a_message_that_is_wrong_does_nothing() {
    afresh(|| {
        let server = Server::start();
        let scim = server.client();
        let name = unique("never");
        let operations = json!([user("a", &name)]);
        for body in [
            json!({ "schemas": [BULK] }),
            json!({ "schemas": [BULK], "Operations": operations[0] }),
            json!({ "schemas": [PATCH], "Operations": operations }),
            json!({ "schemas": [BULK], "Operations": [operations[0], "x"] }),
            json!({ "schemas": [BULK], "failOnErrors": "1", "Operations": operations }),
            json!({ "schemas": [BULK], "failOnErrors": -1, "Operations": operations }),
        ] {
            scim.post("/Bulk", &body).refused(400, "invalidSyntax", &[]);
        }
        scim.send(&Request::new("POST", "/Bulk").bytes("[]")).refused(400, "invalidSyntax", &[]);
        scim.get("/Bulk").refused(405, "", &["POST"]);
        assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
        let answer = scim.post("/Bulk", &json!({ "schemas": [BULK], "Operations": [] })).expect(200);
        answer.check(reports(&answer).is_empty(), "wanted nothing done");
    });
}

#[test]
fn references_are_resolved_wherever_they_stand() {
    afresh(|| {
        let server = Server::start();
        let scim = server.client();
        let old = scim.post("/Groups", &json!({ "displayName": unique("old ") })).expect(201).id();
        let reports = check(
            &scim,
            &json!([
                patch(&format!("/Groups/{old}"), json!([{ "op": "add", "path": "members", "value": [
                    { "value": "bulkId:a", "$ref": "../Users/bulkId:a" }, { "value": "bulkId:b" }] }])),
                { "method": "PUT", "path": "/Groups/bulkId:g", "version": "W/\"1\"",
                    "data": { "displayName": unique("put "), "members": [{ "value": "bulkId:a" }] } },
                user("a", &unique("a")),
                user("b", &unique("b")),
                group("g", &unique("g "), &[]),
                patch(&format!("/Groups/{old}"), json!([{ "op": "remove", "path": "members[value eq \"bulkId:b\"]" }])),
                { "method": "DELETE", "path": "/Users/bulkId:c" },
                user("c", &unique("c")),
            ]),
            "200 200 201 201 201 200 204 201",
        );
        let [a, g] = [2, 4].map(|at: usize| id(&scim, &reports[at]));
        for group in [&old, &g] {
            let read = scim.get(format!("/Groups/{group}")).expect(200);
            read.check(values(&read["members"]) == [a.clone()], "wanted one member");
        }
        assert_eq!(path(&scim, &reports[1]), format!("/Groups/{g}"));
        assert_eq!(path(&scim, &reports[6]), path(&scim, &reports[7]), "the user who came and went");
        scim.get(path(&scim, &reports[7])).expect(404);
    });
}

#[test]
fn a_text_that_looks_like_a_reference_is_kept() {
    afresh(|| {
        let server = Server::start();
        let scim = server.client();
        let body = |name: &str| json!({ "userName": name, "displayName": "bulkId:a", "nickName": "bulkId:nobody" });
        let operations = json!([
            { "method": "POST", "path": "/Users", "bulkId": "a", "data": body(&unique("kept")) },
            { "method": "POST", "path": "/Users", "bulkId": "b", "data": body(&unique("kept")) },
            patch("/Users/bulkId:b", json!([{ "op": "add", "path": "title", "value": "bulkId:a" }])),
        ]);
        let reports = check(&scim, &operations, "201 201 200");
        let kept = json!({ "displayName": "bulkId:a", "nickName": "bulkId:nobody", "title": "bulkId:a" });
        scim.get(path(&scim, &reports[1])).expect(200).holding(&kept);
    });
}

#[test]
fn a_reference_to_nobody_is_a_conflict_and_nothing_is_left_out() {
    afresh(|| {
        let server = Server::start();
        let scim = server.client();
        let kept = scim.post("/Groups", &json!({ "displayName": unique("kept ") })).expect(201).id();
        let names = ["undefined ", "failed ", "second ", "twice ", "deleted "].map(unique);
        let duplicate = unique("duplicate");
        let reports = check(
            &scim,
            &json!([
                group("g1", &names[0], &["nobody"]),
                group("g2", &names[1], &["a", "b"]),
                user("a", ""),
                user("b", &unique("b")),
                group("g3", &names[2], &["g2"]),
                patch(
                    "/Groups/bulkId:g2",
                    json!([{ "op": "add", "path": "members", "value": [{ "value": "bulkId:b" }] }])
                ),
                patch(&format!("/Groups/{kept}"), json!([{ "op": "add", "path": "members", "value": ["bulkId:a"] }])),
                patch(
                    &format!("/Groups/{kept}"),
                    json!([{ "op": "remove", "path": "members[value eq \"bulkId:x\"]" }])
                ),
                user("d", &duplicate),
                user("d", &unique("d")),
                group("g4", &names[3], &["d"]),
                delete("/Users/bulkId:b"),
                group("g5", &names[4], &["b"]),
                delete("/Users/bulkId:b"),
            ]),
            "409 409 400 201 409 409 409 409 400 400 409 204 409 409",
        );
        for (report, says) in
            [(0, "data.members[0].value"), (1, "data.members[0].value"), (5, "path"), (7, "Operations[0].path")]
        {
            let detail = reports[report]["response"]["detail"].as_str().unwrap();
            assert!(detail.contains(says), "{says} is not in {detail}");
        }
        for name in &names {
            assert!(scim.find("/Groups", &format!("displayName eq \"{name}\"")).is_empty(), "{name}");
        }
        assert!(scim.find("/Users", &format!("userName eq \"{duplicate}\"")).is_empty());
        scim.get(format!("/Groups/{kept}"))
            .expect(200)
            .holding(&json!({ "members": null, "meta": { "version": "W/\"1\"" } }));
    });
}
