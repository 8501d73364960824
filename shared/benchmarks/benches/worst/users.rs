//! Requests for one user.

use serde_json::{Value, json};

use crate::service::{Request, Service, patch, terms, user};

/// Roles of a user that is as large as a resource may be.
const ROLES: usize = 20_400;

pub(crate) fn roles(count: usize) -> Value {
    (0..count).map(|n| json!({"value": format!("{n:05}")})).collect()
}

pub(crate) fn large_user(name: &str) -> Value {
    user(name, &json!({"roles": roles(ROLES)}))
}

pub(crate) fn measure(service: &mut Service) {
    let created = service.prepare(&Request::send("POST", "/Users?attributes=id", large_user("large")));
    let path = format!("/Users/{}", created["id"].as_str().unwrap());
    for target in [path.clone(), format!("{path}?attributes=userName"), format!("{path}?excludedAttributes=roles")] {
        service.measure(&format!("of {ROLES} roles"), &Request::get(target));
    }
    bodies(service, &path);
    for (name, operations) in patches() {
        service.measure(&name, &Request::send("PATCH", &path, patch(operations)));
        let whole = Request::send("PUT", format!("{path}?attributes=id"), large_user("large"));
        service.prepare(&whole);
    }
    service.measure(&format!("of {ROLES} roles"), &Request { method: "DELETE", target: path, body: None });
}

/// Bodies up to the limits of bytes and values.
fn bodies(service: &mut Service, path: &str) {
    let text = "x".repeat(5_000_000);
    let bodies = [
        ("20,400 roles", large_user("large")),
        ("109,000 roles", user("large", &json!({"roles": roles(109_000)}))),
        ("215,000 numbers as roles", user("large", &json!({"roles": vec![1; 215_000]}))),
        ("215,000 empty roles", user("large", &json!({"roles": vec![json!({}); 215_000]}))),
        ("a text of 5 MB", user("large", &json!({"title": text}))),
        ("a name of 5 MB", user(&text, &json!({}))),
        ("a name of 800,000 letters that have a case", user(&"ſ".repeat(800_000), &json!({}))),
        ("54,000 addresses", user("large", &json!({"emails": addresses(54_000)}))),
        ("105,000 unknown attributes", user("large", &unknown(105_000))),
        ("215,000 schemas", json!({"schemas": (0..215_000).collect::<Vec<_>>(), "userName": "large"})),
        ("72,000 nested values", user("large", &json!({"x": vec![json!({"a": [1]}); 72_000]}))),
    ];
    for (name, body) in bodies {
        service.measure(name, &Request::send("POST", "/Users", body.clone()));
        service.measure(name, &Request::send("PUT", path, body));
    }
}

fn addresses(count: usize) -> Value {
    (0..count).map(|n| json!({"value": format!("a{n}@x.test"), "type": "work", "primary": n == 0})).collect()
}

fn unknown(count: usize) -> Value {
    Value::Object((0..count).map(|n| (format!("k{n}"), json!(1))).collect())
}

/// Sequences of PATCH operations: each kind of operation, as often as it may be sent, with as many terms or values.
fn patches() -> Vec<(String, Vec<Value>)> {
    let mut patches = Vec::new();
    for times in [1, 10, 100, 1000] {
        let mut add = |name: &str, operation: &dyn Fn(usize) -> Value| {
            patches.push((format!("{times} × {name}"), (0..times).map(operation).collect()));
        };
        add_filters(&mut add);
        add_long_values(&mut add, 4_000_000 / times);
        add_role_lists(&mut add, (105_000 / times).min(20_000));
    }
    patches
}

/// Takes the name of a sequence, and its operation by number.
type Add<'a> = dyn FnMut(&str, &dyn Fn(usize) -> Value) + 'a;

fn add_filters(add: &mut Add<'_>) {
    for count in [1, 20, 300] {
        let eq = terms(" or ", count, |n| format!("value eq \"x{n}\""));
        let co = terms(" or ", count, |n| format!("value co \"x{n}\""));
        let not = terms(" and ", count, |n| format!("not (display eq \"x{n}\")"));
        add(&format!("remove by {count} eq"), &|_| json!({"op": "remove", "path": format!("roles[{eq}]")}));
        add(&format!("remove by {count} co"), &|_| json!({"op": "remove", "path": format!("roles[{co}].display")}));
        add(
            &format!("replace by {count} not"),
            &|n| json!({"op": "replace", "path": format!("roles[{not}].type"), "value": format!("t{n}")}),
        );
    }
}

/// Adds operations on single values. `size` is the number of bytes of a value that a request has room for.
fn add_long_values(add: &mut Add<'_>, size: usize) {
    add(
        "replace of all roles' display by a long text",
        &|_| json!({"op": "replace", "path": "roles[value pr].display", "value": "x".repeat(size.min(400_000))}),
    );
    add("replace of the title", &|_| json!({"op": "replace", "path": "title", "value": "x".repeat(size.min(390_000))}));
    add(
        "replace of one role's primary",
        &|n| json!({"op": "replace", "path": format!("roles[value eq \"{n:05}\"].primary"), "value": true}),
    );
}

fn add_role_lists(add: &mut Add<'_>, count: usize) {
    add("add of roles that are there", &|_| json!({"op": "add", "path": "roles", "value": roles(count)}));
    add("replace of the roles", &|_| json!({"op": "replace", "path": "roles", "value": roles(count)}));
    add("removal of roles by value", &|_| json!({"op": "remove", "path": "roles", "value": roles(count)}));
    add("removal of roles that are not there", &|n| {
        let values: Value = (0..count).map(|m| json!({"value": format!("{m}x{n}")})).collect();
        json!({"op": "remove", "path": "roles", "value": values})
    });
    add("add without a path", &|_| json!({"op": "add", "value": {"title": "x", "roles": [{"value": "00001"}]}}));
    add(
        "add of a long role",
        &|n| json!({"op": "add", "path": "roles", "value": {"value": format!("{n}{}", "y".repeat(3000))}}),
    );
}
