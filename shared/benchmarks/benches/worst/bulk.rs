//! Bulk requests.

use serde_json::{Value, json};

use crate::service::{Request, Service, bulk, patch, terms, user};
use crate::users::{large_user, roles};

pub(crate) fn measure(service: &mut Service) {
    let created = service.prepare(&Request::send("POST", "/Users?attributes=id", large_user("in-bulk")));
    let path = format!("/Users/{}", created["id"].as_str().unwrap());
    let filter = terms(" or ", 300, |n| format!("value eq \"x{n}\""));
    let create = |n: usize| {
        let data = user(&format!("bulk-{n}"), &json!({"title": "x".repeat(1500)}));
        json!({"method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": data})
    };
    let change = |n: usize| {
        let data = patch([json!({"op": "replace", "path": "title", "value": format!("{n}")})]);
        json!({"method": "PATCH", "path": path, "data": data})
    };
    let filtered = |_: usize| {
        let data = patch([json!({"op": "remove", "path": format!("roles[{filter}].display")})]);
        json!({"method": "PATCH", "path": path, "data": data})
    };
    let whole = |n: usize| json!({"method": "PUT", "path": path, "data": user("in-bulk", &json!({"roles": roles(n % 2 + 100)}))});
    let refers = |n: usize| {
        let data =
            json!({"displayName": format!("g{n}"), "members": [{"value": format!("bulkId:c{}", (n + 1) % 900)}]});
        json!({"method": "POST", "path": "/Groups", "bulkId": format!("c{n}"), "data": data})
    };
    let nothing = |_: usize| json!({});
    let mut send = |name: &str, operations: Vec<Value>| {
        service.measure(name, &Request::send("POST", "/Bulk", bulk(operations)));
    };
    send("1,000 creates", (0..1000).map(create).collect());
    send("1,000 changes of a large user", (0..1000).map(change).collect());
    send("450 changes of a large user by a long filter", (0..450).map(filtered).collect());
    send("600 replacements", (0..600).map(whole).collect());
    send("900 groups in a cycle", (0..900).map(refers).collect());
    send("1,000 empty operations", (0..1000).map(nothing).collect());
    service.measure("215,000 values", &Request::send("POST", "/Bulk", bulk(vec![json!(1); 215_000])));
}
