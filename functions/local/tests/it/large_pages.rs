//! Lists of resources that are as large as they may be: a page has as many as fit, or is refused, and no resource is
//! missed (RFC 7644 §3.4.2.4, RFC 9865 §2).

use acceptance::client::Client;
use protocol::limits::QUERY_COMPARISONS;
use serde_json::{Value, json};

use crate::server::Server;

const USERS: usize = 9;
/// Roles that fill a user.
const ROLES: usize = 20_400;
/// The memory of the process in MB: a page, the same as text, a batch that is filtered, and the memory of the process
/// at rest with the engine.
const MEMORY: u64 = 256 + 64;

fn filled() -> Server {
    let server = Server::in_memory();
    let roles: Value = (0..ROLES).map(|n| json!({ "value": format!("{n:05}") })).collect();
    for n in 0..USERS {
        let user = json!({ "userName": format!("large-{n:02}"), "title": "t", "roles": roles });
        server.client().post("/Users?attributes=id", &user).expect(201);
    }
    server
}

fn names(page: &Value) -> Vec<String> {
    let users = page["Resources"].as_array().unwrap();
    users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

/// The names on each page, from the first to the last.
fn pages_by_cursor(scim: &Client, query: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = Some(String::new());
    while let Some(at) = cursor {
        let page = scim.get(format!("/Users?count=1000&cursor={at}{query}")).expect(200).body;
        assert_eq!(page["totalResults"], USERS, "{query}");
        assert_eq!(page["itemsPerPage"], names(&page).len(), "{query}");
        pages.push(names(&page));
        cursor = page["nextCursor"].as_str().map(str::to_owned);
    }
    pages
}

#[test]
fn pages_of_large_users_are_bounded_and_miss_nobody() {
    let server = filled();
    let scim = server.client();
    let all: Vec<String> = (0..USERS).map(|n| format!("large-{n:02}")).collect();
    for query in ["", "&filter=title%20pr&sortBy=userName", "&filter=userName%20sw%20%22large%22"] {
        let pages = pages_by_cursor(&scim, query);
        assert_eq!(pages.concat(), all, "{query}");
        assert!(
            (3..USERS).contains(&pages.len()) && pages[..pages.len() - 1].iter().all(|page| page.len() > 1),
            "{query}"
        );

        // A client that adds `count` to `startIndex` would miss those who follow a shorter page.
        let refused = scim.get(format!("/Users?count=1000{query}"));
        refused.expect_error(413, "", &[&format!("count={}", pages[0].len()), "cursor"]);
        let fitting = scim.get(format!("/Users?count={}{query}", pages[0].len())).expect(200).body;
        assert_eq!((names(&fitting), &fitting["totalResults"]), (pages[0].clone(), &json!(USERS)), "{query}");

        // An attribute that the response does not contain takes no room.
        let short = scim.get(format!("/Users?count=1000&attributes=userName{query}")).expect(200).body;
        assert_eq!(names(&short), all, "{query}");
        let short = scim.get(format!("/Users?count=1000&excludedAttributes=roles{query}")).expect(200).body;
        assert_eq!((names(&short), &short["Resources"][0]["title"]), (all.clone(), &json!("t")), "{query}");
    }
    if let Some(peak) = server.peak_memory_mb() {
        assert!(peak < MEMORY, "{peak} MB");
    }
}

#[test]
fn filter_that_compares_too_much_returns_too_many() {
    let server = filled();
    let scim = server.client();
    let terms =
        |count: usize| (0..count).map(|n| format!("value%20eq%20%22x{n}%22")).collect::<Vec<_>>().join("%20or%20");
    let search = |count: usize| scim.get(format!("/Users?attributes=id&filter=roles%5B{}%5D", terms(count)));
    search(200).expect_error(400, "tooMany", &[&format!("{QUERY_COMPARISONS} values")]);
    assert_eq!(search(16).expect(200).total(), 0);
}
