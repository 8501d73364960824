//! Checks of single bulk operations (RFC 7644 §3.7, §3.7.2, §3.7.3): the report of each of them, and the errors that
//! concern one operation or the whole request.

use serde_json::{Value, json};

use crate::answer::values;
use crate::client::{ENTERPRISE, GROUP, PATCH, USER};
use crate::protocol::bulk::{BULK, check, delete, group, id, path, reports, send, statuses, user};
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    group_refers_to_new_user,
    user_refers_to_new_manager,
    create_replace_patch_and_delete_in_one_request,
    invalid_operation_fails_alone,
    invalid_message_returns_400_and_changes_nothing,
    references_are_resolved_in_paths_and_data,
    text_that_looks_like_a_reference_is_kept,
    unresolvable_reference_returns_409_and_changes_nothing,
];

fn patch(path: &str, operations: Value) -> Value {
    json!({ "method": "PATCH", "path": path, "data": { "schemas": [PATCH], "Operations": operations } })
}

fn group_refers_to_new_user(target: &Target) {
    let scim = target.client();
    let alice = unique("Alice");
    let guides = unique("Tour Guides ");
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
        let expected = json!({ "method": "POST", "bulkId": bulk_id, "location": read["meta"]["location"],
        "version": read["meta"]["version"], "status": "201" });
        read.check(*report == expected, &format!("expected {expected}, not {report}"));
    }
    let alice = id(&scim, &reports[0]);
    let location = reports[0]["location"].clone();
    scim.get(path(&scim, &reports[1]))
        .expect(200)
        .containing(&json!({ "members": [{ "value": alice, "$ref": location, "type": "User" }] }));
}

fn user_refers_to_new_manager(target: &Target) {
    let scim = target.client();
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
    scim.get(path(&scim, &reports[1])).expect(200).containing(&json!({ ENTERPRISE: manager }));
}

/// The example of RFC 7644 §3.7.3, with the braces that its PATCH lacks.
fn create_replace_patch_and_delete_in_one_request(target: &Target) {
    let scim = target.client();
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
    // Alice has no name, so the service stops at the first operation.
    let answer = scim.post("/Bulk", &body(operations(json!({ "schemas": [USER] })))).expect(200);
    answer.check(statuses(&answer) == "400", "expected the outcome of the first operation alone");
    scim.get(format!("/Users/{gone}")).expect(200).containing(&json!({ "meta": { "version": "W/\"1\"" } }));

    let alice =
        operations(json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:User"], "userName": unique("Alice") }));
    let answer = scim.post("/Bulk", &body(alice)).expect(200);
    answer.check(statuses(&answer) == "201 200 200 204", "expected every operation to succeed");
    let all = reports(&answer);
    let version = |report: &Value| report["version"].clone();
    assert_eq!([version(&all[0]), version(&all[1]), version(&all[2])], ["W/\"1\"", "W/\"2\"", "W/\"2\""]);
    assert!(all[3].get("version").is_none() && all[1].get("bulkId").is_none(), "{all:?}");
    assert_eq!(path(&scim, &all[3]), format!("/Users/{gone}"));
    scim.get(format!("/Users/{dave}")).expect(200).containing(&json!({ "userName": renamed, "nickName": null }));
    scim.get(format!("/Users/{gone}")).expect(404);

    // The same request again has stale versions, and without failOnErrors the service tries every operation.
    let reports = check(&scim, &operations(json!({ "schemas": [USER] })), "400 412 412 404");
    assert_eq!(path(&scim, &reports[1]), format!("/Users/{bob}"));
}

fn invalid_operation_fails_alone(target: &Target) {
    let scim = target.client();
    let existing = scim.post("/Users", &json!({ "userName": unique("existing") })).expect(201).id();
    let name = unique("hush");
    let data = json!({ "userName": name, "password": "hush-hush" });
    for (operation, status) in [
        (json!({ "method": "GET", "path": format!("/Users/{existing}") }), "400"),
        (json!({ "method": "POST", "path": "/Users", "data": data }), "400"),
        (json!({ "method": "POST", "path": "/Users", "bulkId": "a" }), "400"),
        (json!({ "method": "POST", "path": "/Users", "bulkId": "a", "data": [data] }), "400"),
        (json!({ "method": "POST", "path": format!("/Users/{existing}"), "bulkId": "a", "data": data }), "405"),
        (json!({ "method": "PUT", "path": "/Users", "data": data }), "405"),
        (json!({ "method": "PUT", "path": format!("/Users/{existing}?attributes=id"), "data": data }), "400"),
        (json!({ "method": "PUT", "path": format!("/Groups/{existing}"), "data": { "displayName": name } }), "404"),
        (json!({ "method": "PATCH", "path": format!("/Users/{existing}"), "data": { "userName": name } }), "400"),
        (json!({ "method": "PATCH", "path": "/Me", "data": data }), "404"),
        (json!({ "method": "POST", "path": "/Bulk", "bulkId": "a", "data": { "Operations": [] } }), "404"),
        (json!({ "method": "POST", "path": "/Users/.search", "bulkId": "a", "data": {} }), "405"),
        (json!({ "method": "DELETE", "path": "/Schemas/x" }), "404"),
        (json!({ "method": "DELETE", "path": "/Users/../Groups/x" }), "404"),
        (json!({ "method": "DELETE", "path": format!("/Users/{existing}"), "version": 1 }), "400"),
        (json!({ "method": "DELETE", "path": format!("/Users/{existing}"), "version": "1" }), "412"),
    ] {
        let good = unique("good");
        let reports = check(&scim, &json!([operation, user("b", &good)]), &format!("{status} 201"));
        assert_eq!(reports[0]["method"], operation["method"], "{operation}");
        assert!(!reports[0].to_string().contains("hush-"), "{reports:?}");
        scim.get(path(&scim, &reports[1])).expect(200);
    }
    assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
    scim.get(format!("/Users/{existing}")).expect(200).containing(&json!({ "meta": { "version": "W/\"1\"" } }));
    // An operation without a method or a path could not be reported (RFC 7644 §3.7.3), so the service rejects the
    // whole request.
    for operation in [json!({}), json!({ "method": 1, "path": "/Users" }), json!({ "method": "DELETE", "path": "" })] {
        send(&scim, &json!([user("b", &name), operation])).expect_error(400, "invalidSyntax", &["Operations[1]"]);
    }
    assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
    // Unusual but valid operations succeed.
    let reports = check(
        &scim,
        &json!([
            { "Method": "post", "PATH": "Users", "bulkid": "a", "data": data },
            { "method": "delete", "path": format!("/Users/{existing}"), "version": "*", "bulkId": "mine", "data": null },
        ]),
        "201 204",
    );
    assert_eq!((&reports[0]["method"], &reports[1]["bulkId"]), (&json!("POST"), &json!("mine")));
}

fn invalid_message_returns_400_and_changes_nothing(target: &Target) {
    let scim = target.client();
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
        scim.post("/Bulk", &body).expect_error(400, "invalidSyntax", &[]);
    }
    scim.send(&Request::new("POST", "/Bulk").bytes("[]")).expect_error(400, "invalidSyntax", &[]);
    scim.get("/Bulk").expect_error(405, "", &["POST"]);
    assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
    let answer = scim.post("/Bulk", &json!({ "schemas": [BULK], "Operations": [] })).expect(200);
    answer.check(reports(&answer).is_empty(), "expected no operation to be done");
}

fn references_are_resolved_in_paths_and_data(target: &Target) {
    let scim = target.client();
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
        read.check(values(&read["members"]) == [a.clone()], "expected one member");
    }
    assert_eq!(path(&scim, &reports[1]), format!("/Groups/{g}"));
    assert_eq!(path(&scim, &reports[6]), path(&scim, &reports[7]), "expected both to report the deleted user");
    scim.get(path(&scim, &reports[7])).expect(404);
}

fn text_that_looks_like_a_reference_is_kept(target: &Target) {
    let scim = target.client();
    let body = |name: &str| json!({ "userName": name, "displayName": "bulkId:a", "nickName": "bulkId:nobody" });
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "a", "data": body(&unique("kept")) },
        { "method": "POST", "path": "/Users", "bulkId": "b", "data": body(&unique("kept")) },
        patch("/Users/bulkId:b", json!([{ "op": "add", "path": "title", "value": "bulkId:a" }])),
    ]);
    let reports = check(&scim, &operations, "201 201 200");
    let kept = json!({ "displayName": "bulkId:a", "nickName": "bulkId:nobody", "title": "bulkId:a" });
    scim.get(path(&scim, &reports[1])).expect(200).containing(&kept);
}

fn unresolvable_reference_returns_409_and_changes_nothing(target: &Target) {
    let scim = target.client();
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
            patch("/Groups/bulkId:g2", json!([{ "op": "add", "path": "members", "value": [{ "value": "bulkId:b" }] }])),
            patch(&format!("/Groups/{kept}"), json!([{ "op": "add", "path": "members", "value": ["bulkId:a"] }])),
            patch(&format!("/Groups/{kept}"), json!([{ "op": "remove", "path": "members[value eq \"bulkId:x\"]" }])),
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
        assert!(detail.contains(says), "expected {says} in {detail}");
    }
    for name in &names {
        assert!(scim.find("/Groups", &format!("displayName eq \"{name}\"")).is_empty(), "{name}");
    }
    assert!(scim.find("/Users", &format!("userName eq \"{duplicate}\"")).is_empty());
    scim.get(format!("/Groups/{kept}"))
        .expect(200)
        .containing(&json!({ "members": null, "meta": { "version": "W/\"1\"" } }));
}
