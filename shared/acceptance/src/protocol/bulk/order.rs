//! Checks that many operations have the effect that they would have one after the other (RFC 7644 §3.7), and that
//! cycles are resolved completely or rejected (§3.7.1).

use serde_json::{Value, json};

use crate::answer::values;
use crate::client::{Client, ENTERPRISE};
use crate::protocol::bulk::{BULK, check, delete, group, id, path, reports, statuses, user};
use crate::target::{Target, unique};

checks![
    names_move_between_users_in_order,
    changes_of_one_resource_apply_in_order,
    last_change_of_a_group_wins,
    new_resources_are_listed_in_request_order,
    fail_on_errors_stops_the_request,
    groups_in_a_cycle_contain_each_other,
    managers_may_form_a_cycle,
    failed_cycle_creates_nothing,
];

fn put(id: &str, name: &str) -> Value {
    json!({ "method": "PUT", "path": format!("/Users/{id}"), "data": { "userName": name } })
}

fn rename(id: &str, name: &str) -> Value {
    let operations = json!([{ "op": "replace", "path": "userName", "value": name }]);
    json!({ "method": "PATCH", "path": format!("/Users/{id}"), "data": { "Operations": operations } })
}

fn found(scim: &Client, endpoint: &str, attribute: &str, name: &str) -> Vec<Value> {
    scim.find(endpoint, &format!("{attribute} eq \"{name}\""))
}

fn names_move_between_users_in_order(target: &Target) {
    let scim = target.client();
    let name = |name: &str| unique(name);
    let a = name("a");
    let b = name("b");
    let c = name("c");
    let d = name("d");
    let [one, two] = [&a, &b].map(|name| scim.post("/Users", &json!({ "userName": name })).expect(201).id());
    // User `one` cannot take the name of user `two` before `two` gives it up.
    check(&scim, &json!([put(&one, &b), put(&two, &c), put(&one, &b), user("x", &a)]), "409 200 200 201");
    let all = check(&scim, &json!([rename(&one, &d), user("y", &b), user("z", &b.to_uppercase())]), "200 201 409");
    check(
        &scim,
        &json!([delete(&path(&scim, &all[1])), user("y", &b), put(&two, &b), put(&two, &d)]),
        "204 201 409 409",
    );
    for (name, owner) in [(&c, &two), (&d, &one)] {
        assert_eq!(found(&scim, "/Users", "userName", name)[0]["id"], **owner);
    }
}

fn changes_of_one_resource_apply_in_order(target: &Target) {
    let scim = target.client();
    let user = scim.post("/Users", &json!({ "userName": unique("often") })).expect(201).id();
    let change = |number: usize| {
        let operations = json!([{ "op": "replace", "path": "title", "value": number.to_string() }]);
        json!({ "method": "PATCH", "path": format!("/Users/{user}"), "version": format!("W/\"{}\"", number + 1),
        "data": { "Operations": operations } })
    };
    check(&scim, &(0..30).map(change).collect(), &["200"; 30].join(" "));
    let version = json!({ "title": "29", "meta": { "version": "W/\"31\"" } });
    scim.get(format!("/Users/{user}")).expect(200).containing(&version);
}

/// An operation that waits for a new resource keeps its place before later operations on the same resource.
fn last_change_of_a_group_wins(target: &Target) {
    let scim = target.client();
    let group = scim.post("/Groups", &json!({ "displayName": unique("worded ") })).expect(201).id();
    let members = |members: Value| {
        let operations = json!([{ "op": "replace", "path": "members", "value": members }]);
        json!({ "method": "PATCH", "path": format!("/Groups/{group}"), "data": { "Operations": operations } })
    };
    let operations = json!([members(json!([{ "value": "bulkId:u" }])), members(json!([])), user("u", &unique("u"))]);
    check(&scim, &operations, "200 200 201");
    let read = scim.get(format!("/Groups/{group}")).expect(200);
    read.check(read["members"].is_null() && read["meta"]["version"] == "W/\"3\"", "expected both changes, in order");
}

fn new_resources_are_listed_in_request_order(target: &Target) {
    let scim = target.client();
    let tag = unique("listed");
    let names: Vec<String> = (0..150).map(|number| format!("{tag}-{}", number * 7919 % 1000)).collect();
    check(&scim, &names.iter().map(|name| user(name, name)).collect(), &["201"; 150].join(" "));
    let found = scim.find("/Users", &format!("userName co \"{tag}\""));
    let listed: Vec<&str> = found.iter().map(|user| user["userName"].as_str().unwrap()).collect();
    assert_eq!(listed, names);
}

fn fail_on_errors_stops_the_request(target: &Target) {
    let scim = target.client();
    let tag = unique("stop");
    let operations: Vec<Value> = (0..40)
        .map(|number| {
            user(&number.to_string(), &if number % 5 == 4 { String::new() } else { format!("{tag}-{number}") })
        })
        .collect();
    for (limit, processed) in
        [(json!(1), 5), (json!(3), 15), (json!(8), 40), (json!(9), 40), (json!(0), 40), (Value::Null, 40)]
    {
        let body = json!({ "schemas": [BULK], "failOnErrors": limit, "Operations": operations });
        let answer = scim.post("/Bulk", &body).expect(200);
        let reports = reports(&answer);
        answer.check(reports.len() == processed, &format!("expected {processed} outcomes"));
        let found = scim.find("/Users", &format!("userName sw \"{tag}\""));
        let made = processed - processed / 5;
        answer.check(found.len() == made, &format!("expected {made} users, not {}", found.len()));
        let ids = found.iter().map(|user| delete(&format!("/Users/{}", user["id"].as_str().unwrap()))).collect();
        check(&scim, &ids, &vec!["204"; made].join(" "));
    }
}

fn groups_in_a_cycle_contain_each_other(target: &Target) {
    let scim = target.client();
    let name = |number: usize| unique(&format!("Group {number} "));
    let member = unique("member");
    for (operations, cycle) in [
        (
            json!([group("qwerty", &name(0), &["ytrewq"]), group("ytrewq", &name(1), &["qwerty"])]),
            &[(0, 1), (1, 0)][..],
        ),
        (
            json!([group("a", &name(0), &["b"]), group("b", &name(1), &["c"]), group("c", &name(2), &["a"])]),
            &[(0, 1), (1, 2), (2, 0)],
        ),
        (
            json!([
                group("a", &name(0), &["b"]),
                group("x", &name(1), &["a"]),
                user("u", &member),
                group("b", &name(2), &["a", "u"]),
                group("y", &name(3), &["x", "b"]),
            ]),
            &[(0, 3), (1, 0), (3, 0), (3, 2), (4, 1), (4, 3)],
        ),
    ] {
        let count = operations.as_array().unwrap().len();
        let reports = check(&scim, &operations, &vec!["201"; count].join(" "));
        let ids: Vec<String> = reports.iter().map(|report| id(&scim, report)).collect();
        for (report, at) in reports.iter().zip(0..).filter(|(report, _)| path(&scim, report).starts_with("/Groups")) {
            let mut expected: Vec<String> =
                cycle.iter().filter(|(group, _)| *group == at).map(|(_, member)| ids[*member].clone()).collect();
            expected.sort();
            let read = scim.get(path(&scim, report)).expect(200);
            read.check(values(&read["members"]) == expected, "expected the members of the request");
            read.check(read["meta"]["version"] == report["version"], "expected the version that was reported");
        }
    }
}

fn managers_may_form_a_cycle(target: &Target) {
    let scim = target.client();
    let managed = |bulk_id: &str, by: &str| {
        let data =
            json!({ "userName": unique(bulk_id), ENTERPRISE: { "manager": { "value": format!("bulkId:{by}") } } });
        json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data })
    };
    let operations = json!([managed("a", "b"), managed("b", "a"), managed("c", "c"), managed("d", "a")]);
    let reports = check(&scim, &operations, "201 201 201 201");
    let ids: Vec<String> = reports.iter().map(|report| id(&scim, report)).collect();
    for (report, manager) in reports.iter().zip([1, 0, 2, 0]) {
        let manager = json!({ ENTERPRISE: { "manager": { "value": ids[manager] } } });
        scim.get(path(&scim, report)).expect(200).containing(&manager);
    }
}

fn failed_cycle_creates_nothing(target: &Target) {
    let scim = target.client();
    let taken = unique("taken ");
    scim.post("/Groups", &json!({ "displayName": taken })).expect(201);
    let names = ["a ", "b ", "c "].map(unique);
    let [a, b, c] = &names;
    for (operations, expect) in [
        (json!([group("a", a, &["a"])]), "400".to_owned()),
        (json!([group("a", a, &["b"]), group("b", &taken, &["a"])]), "409 409".to_owned()),
        (json!([group("a", a, &["b"]), group("b", a, &["a"])]), "409 409".to_owned()),
        (json!([group("a", a, &["b"]), group("b", b, &["a", "nobody"])]), "409 409".to_owned()),
        (json!([group("a", a, &["b"]), group("b", b, &["c"]), group("c", "", &["a"])]), "409 409 400".to_owned()),
        (json!([group("a", a, &["b"]), group("c", c, &["b"]), group("b", b, &["a", "b"])]), "409 409 400".to_owned()),
    ] {
        let answer = crate::protocol::bulk::send(&scim, &operations).expect(200);
        let got = statuses(&answer);
        answer.check(got == expect, &format!("expected {expect}, not {got}"));
        for name in &names {
            answer.check(found(&scim, "/Groups", "displayName", name).is_empty(), &format!("expected no group {name}"));
        }
    }
    // The names are available.
    check(&scim, &json!([group("a", a, &["b"]), group("b", b, &["a"])]), "201 201");
}
