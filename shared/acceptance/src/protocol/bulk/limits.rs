//! Checks the limits of a bulk request (RFC 7644 §3.7.4), and that the largest one finishes within the time limit
//! of API Gateway.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::PATCH;
use crate::protocol::bulk::{BULK, check, delete, group, id, path, reports, send, user};
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    service_provider_config_states_the_limits,
    thousand_operations_of_each_kind_finish_in_time,
    users_and_groups_are_created_in_one_request,
    cycle_of_a_hundred_groups_is_created,
    one_operation_too_many_returns_413,
    one_byte_too_many_returns_413,
    oversized_operation_fails_alone,
];

const MAX_OPERATIONS: usize = 1000;
const MAX_BYTES: usize = 2_097_152;
/// API Gateway times out after 29 seconds.
const MAX_DURATION: Duration = Duration::from_secs(25);

fn service_provider_config_states_the_limits(target: &Target) {
    let scim = target.client();
    let bulk = json!({ "supported": true, "maxOperations": MAX_OPERATIONS, "maxPayloadSize": MAX_BYTES });
    scim.get("/ServiceProviderConfig").expect(200).containing(&json!({ "bulk": bulk }));
}

fn thousand_operations_of_each_kind_finish_in_time(target: &Target) {
    let scim = target.client();
    let tag = unique("many");
    let timed = |what: &str, operations: Vec<Value>, status: &str| {
        let begun = Instant::now();
        let count = operations.len();
        let answer = send(&scim, &Value::Array(operations)).expect(200);
        let taken = begun.elapsed();
        let reports = reports(&answer);
        answer.check(reports.len() == count, "expected the outcome of every operation");
        answer.check(reports.iter().all(|report| report["status"] == status), &format!("expected {status} for all"));
        assert!(taken < MAX_DURATION, "{what} took {taken:?}");
        reports
    };
    let name = |number: usize| format!("{tag}-{number}@example.com");
    let create = |number: usize| {
        let name = name(number);
        let data = json!({ "userName": name, "externalId": name, "active": true,
            "name": { "givenName": "Given", "familyName": format!("Family {number}") },
            "emails": [{ "value": name, "type": "work", "primary": true }] });
        json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": data })
    };
    let made = timed("1,000 users created", (0..MAX_OPERATIONS).map(create).collect(), "201");
    let total = scim.list("/Users", &[("filter", &format!("userName sw \"{tag}\"")), ("count", "1")]).expect(200);
    total.check(total.total() == MAX_OPERATIONS as u64, "expected all users to be created");
    let paths: Vec<String> = made.iter().map(|report| path(&scim, report)).collect();
    let replace = |(number, path): (usize, &String)| json!({ "method": "PUT", "path": path, "version": "W/\"1\"", "data": { "userName": name(number), "title": "x" } });
    timed("1,000 users replaced", paths.iter().enumerate().map(replace).collect(), "200");
    let deactivate = |path: &String| {
        let data = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "value": { "active": false } }] });
        json!({ "method": "PATCH", "path": path, "data": data })
    };
    timed("1,000 users deactivated", paths.iter().map(deactivate).collect(), "200");
    // A delete reads the groups of the user. For all users at once that takes DynamoDB Local too long on a
    // busy machine.
    for half in paths.chunks(MAX_OPERATIONS / 2) {
        timed("500 users deleted", half.iter().map(|path| delete(path)).collect(), "204");
    }
}

fn users_and_groups_are_created_in_one_request(target: &Target) {
    let scim = target.client();
    let tag = unique("whole");
    let mut operations: Vec<Value> = (0..30)
        .map(|number| {
            let members: Vec<String> = (0..30).map(|member| format!("u{}", number * 30 + member)).collect();
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            group(&format!("g{number}"), &format!("{tag} {number}"), &members)
        })
        .collect();
    operations.extend((0..900).map(|number| user(&format!("u{number}"), &format!("{tag}{number}"))));
    let begun = Instant::now();
    let reports = check(&scim, &Value::Array(operations), &["201"; 930].join(" "));
    assert!(begun.elapsed() < MAX_DURATION);
    let group = scim.get(path(&scim, &reports[29])).expect(200);
    group.check(group["members"].as_array().map(Vec::len) == Some(30), "expected 30 members");
    let last = scim.get(path(&scim, &reports[929])).expect(200);
    last.check(
        last["groups"][0]["value"] == id(&scim, &reports[29]).as_str(),
        "expected the last user in the last group",
    );
}

fn cycle_of_a_hundred_groups_is_created(target: &Target) {
    let scim = target.client();
    let tag = unique("ring");
    let operations: Vec<Value> = (0..100)
        .map(|number| group(&number.to_string(), &format!("{tag} {number}"), &[&((number + 1) % 100).to_string()]))
        .collect();
    let reports = check(&scim, &Value::Array(operations), &["201"; 100].join(" "));
    let read = scim.get(path(&scim, &reports[99])).expect(200);
    read.check(
        read["members"][0]["value"] == id(&scim, &reports[0]).as_str(),
        "expected the first group to be a member of the last",
    );
}

fn one_operation_too_many_returns_413(target: &Target) {
    let scim = target.client();
    let names: Vec<String> = (0..=MAX_OPERATIONS).map(|_| unique("over")).collect();
    let operations: Vec<Value> = names.iter().map(|name| user(name, name)).collect();
    send(&scim, &Value::Array(operations)).expect_error(413, "", &["maxOperations (1000)"]);
    assert!(scim.find("/Users", &format!("userName eq \"{}\"", names[0])).is_empty());
}

fn one_byte_too_many_returns_413(target: &Target) {
    let scim = target.client();
    let request = |name: &str, bytes: usize| {
        let mut body = json!({ "schemas": [BULK], "Operations": [user("a", name)] }).to_string().into_bytes();
        body.resize(bytes, b' ');
        Request::new("POST", "/Bulk").bytes(body)
    };
    let name = unique("wide");
    scim.send(&request(&name, MAX_BYTES + 1)).expect_error(413, "", &["maxPayloadSize (2097152"]);
    assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
    scim.send(&request(&name, MAX_BYTES)).expect(200);
    assert_eq!(scim.find("/Users", &format!("userName eq \"{name}\"")).len(), 1);
}

fn oversized_operation_fails_alone(target: &Target) {
    let scim = target.client();
    let large = unique("large");
    let right = unique("right");
    let mut too_large = user("large", &large);
    too_large["data"]["title"] = json!("x".repeat(400 * 1024));
    let reports = check(&scim, &json!([too_large, user("right", &right)]), "413 201");
    assert!(reports[0]["response"]["detail"].as_str().unwrap().contains("399 KB"));
    assert!(scim.find("/Users", &format!("userName eq \"{large}\"")).is_empty());
}
