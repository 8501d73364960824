//! Lists and searches of large users, and of many.

use serde_json::{Value, json};

use crate::service::{Request, Service, bulk, encoded, search, terms, user};
use crate::users::large_user;

/// Users as large as a resource may be.
const LARGE: usize = 60;
/// Small users: more than a query may scan.
const SMALL: usize = 101_000;

pub(crate) fn measure(service: &mut Service) {
    let large: Vec<Request<'_>> =
        (0..LARGE).map(|n| Request::send("POST", "/Users?attributes=id", large_user(&format!("large-{n}")))).collect();
    let created = service.prepare_all(&large);
    queries(service, "60 large users");
    let replace = |user: &Value| {
        let path = format!("/Users/{}", user["id"].as_str().unwrap());
        let data = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user["id"]});
        json!({"method": "PUT", "path": path, "data": data})
    };
    service
        .measure("60 replacements of large users", &Request::send("POST", "/Bulk", bulk(created.iter().map(replace))));
    let delete = |user: &Value| Request {
        method: "DELETE",
        target: format!("/Users/{}", user["id"].as_str().unwrap()),
        body: None,
    };
    let deletes: Vec<Request<'_>> = created.iter().map(delete).collect();
    service.prepare_all(&deletes);
    let creates: Vec<Request<'_>> =
        (0..SMALL / 1000).map(|n| Request::send("POST", "/Bulk", thousand_users(n))).collect();
    service.prepare_all(&creates);
    queries(service, "101,000 users");
}

fn thousand_users(thousand: usize) -> Value {
    let operation = |n: usize| {
        let more = json!({
            "name": {"givenName": "Given", "familyName": "Family"}, "active": true, "title": "Title", "displayName": "Given Family",
            "emails": [{"value": format!("u{thousand}-{n}@x.test"), "type": "work", "primary": true}], "externalId": format!("e{thousand}-{n}"),
        });
        json!({"method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": user(&format!("u{thousand}-{n}"), &more)})
    };
    bulk((0..1000).map(operation))
}

/// Each filter with each page, order and projection.
fn queries(service: &mut Service, directory: &str) {
    let filters = [
        ("no filter", String::new()),
        ("few match", "title eq \"none\"".to_owned()),
        ("all match", "userName pr".to_owned()),
        ("300 eq in an element", format!("roles[{}]", terms(" or ", 300, |n| format!("value eq \"x{n}\"")))),
        ("300 co", terms(" or ", 300, |n| format!("emails.value co \"z{n}\""))),
        ("300 sw of roles", terms(" or ", 300, |n| format!("roles.value sw \"z{n}\""))),
        ("200 not", terms(" and ", 200, |n| format!("not (roles.display eq \"z{n}\")"))),
        ("a prefix of many", "userName sw \"u\" or userName sw \"l\"".to_owned()),
        ("of their groups", "groups.display co \"z\"".to_owned()),
    ];
    let pages = ["", "count=1000", "count=1000&attributes=userName", "count=1000&cursor", "count=0"];
    for (name, filter) in filters {
        for order in ["", "sortBy=userName", "sortBy=roles.value&sortOrder=descending"] {
            for page in pages {
                let name = format!("{directory}, {name}, {order} {page}");
                let filter = if filter.is_empty() { String::new() } else { format!("filter={}", encoded(&filter)) };
                let parameters: Vec<&str> = [page, order, &filter].into_iter().filter(|it| !it.is_empty()).collect();
                service.measure(&name, &Request::get(format!("/Users?{}", parameters.join("&"))));
            }
        }
        if !filter.is_empty() {
            let body = search(&filter, &json!({"count": 1000, "sortBy": "meta.created"}));
            service.measure(&format!("{directory}, {name}"), &Request::send("POST", "/Users/.search", body.clone()));
            service.measure(&format!("{directory}, {name}"), &Request::send("POST", "/.search", body));
        }
    }
    let names: Vec<String> = (0..215_000).map(|n| format!("n{}", n % 900)).collect();
    let body = search("userName pr", &json!({"count": 1, "attributes": names}));
    service.measure(&format!("{directory}, 215,000 attributes"), &Request::send("POST", "/Users/.search", body));
    service.measure(&format!("{directory}, all kinds"), &Request::get("/?count=1000"));
}
