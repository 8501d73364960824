//! Checks how many DynamoDB calls a page of a list takes.

use acceptance::answer::Answer;
use acceptance::client::Client;
use acceptance::protocol::paging::concurrent_changes::{PagingMethod, create_users, next_page};
use acceptance::unique;
use serde_json::{Value, json};

use crate::outage::proxy::{Calls, Fault, Proxy};
use crate::server::{Data, Server};

/// A server with a proxy before its DynamoDB that records the calls.
struct MeteredServer {
    proxy: Proxy,
    scim: Client,
    _server: Server,
}

impl MeteredServer {
    fn new(users: usize) -> Self {
        let proxy = Proxy::start();
        let server = Server::start(&Data::At(&proxy.url()), &unique("t"));
        let scim = server.client();
        drop(create_users(&scim, users));
        Self { proxy, scim, _server: server }
    }

    /// The response, and the DynamoDB calls that it took, without those about tokens.
    fn get(&self, path: &str) -> (Answer, Vec<String>) {
        self.proxy.pass();
        let answer = self.scim.get(path).expect(200);
        let about_tokens = |body: &Value| body["Key"]["pk"]["S"] == "token";
        let mut calls: Vec<String> =
            self.proxy.pass().into_iter().filter(|(_, body)| !about_tokens(body)).map(|(call, _)| call).collect();
        calls.sort();
        (answer, calls)
    }
}

#[test]
fn every_page_takes_as_many_calls_as_the_first() {
    let server = MeteredServer::new(12);
    let index =
        |start: usize, rest: &str| server.get(&format!("/Users?attributes=id&startIndex={start}&count=3{rest}")).1;
    // The server queries the count and the page, and puts a bookmark for the next page.
    assert_eq!(index(1, ""), ["PutItem", "Query", "Query"]);
    for start in [4, 7, 10] {
        assert_eq!(index(start, ""), ["PutItem", "Query", "Query", "UpdateItem"], "{start}");
    }
    // No earlier page left a bookmark there, so that the server queries the resources before the page, too.
    assert_eq!(index(6, ""), ["PutItem", "Query", "Query", "Query", "UpdateItem"]);
    // The first page contains everything, so that it needs no bookmark.
    assert_eq!(server.get("/Users?attributes=id").1, ["Query", "Query"]);
    let name = server.get("/Users?count=1").0["Resources"][0]["userName"].as_str().unwrap().to_owned();
    let check = format!("/Users?attributes=id&filter=userName%20eq%20%22{name}%22&startIndex=1&count=100");
    assert_eq!(server.get(&check).1, ["BatchGetItem", "GetItem"]);
    assert_eq!(server.get("/Users?count=0").1, ["Query"]);
    assert_eq!(server.get("/Users?count=0&startIndex=4").1, ["Query"]);

    // A process reads the secret for its cursors once, and creates it if it does not exist.
    let cursor = |cursor: &str| server.get(&format!("/Users?attributes=id&count=3&cursor={cursor}"));
    let (page, calls) = cursor("");
    assert_eq!(calls, ["GetItem", "PutItem", "Query", "Query"]);
    let mut next = page["nextCursor"].clone();
    while let Some(text) = next.as_str() {
        let (page, calls) = cursor(text);
        assert_eq!(calls, ["Query", "Query"]);
        next = page["nextCursor"].clone();
    }
}

#[test]
fn page_50_and_the_last_page_take_as_many_calls_as_page_1() {
    const PAGES: usize = 51;
    let server = MeteredServer::new(2 * PAGES);
    for (asked, expected) in [
        // The server queries the count and the page.
        ("", vec!["Query", "Query"]),
        // The server queries the names with this prefix, and gets their users.
        ("&filter=userName%20sw%20%22u%22", vec!["BatchGetItem", "BatchGetItem", "Query"]),
        // The server queries all users.
        ("&filter=nickName%20pr", vec!["Query"]),
        // The server queries all users, and gets those of the page again.
        ("&sortBy=title", vec!["BatchGetItem", "Query"]),
    ] {
        for paging in [PagingMethod::ToTheTotal, PagingMethod::Cursor] {
            let is_cursor = matches!(paging, PagingMethod::Cursor);
            let first = if is_cursor { ("cursor", String::new()) } else { ("startIndex", "1".to_owned()) };
            let mut place = Some(first);
            let mut costs = Vec::new();
            while let Some((name, value)) = place {
                let (page, calls) = server.get(&format!("/Users?attributes=id&count=2{asked}&{name}={value}"));
                costs.push(calls);
                place = next_page(paging, &page);
            }
            assert_eq!(costs.len(), PAGES, "{asked}");
            for (number, calls) in costs.iter_mut().enumerate() {
                // A page claims its bookmark and saves one for the next page. Cursors need no bookmarks, but the
                // process reads their secret once.
                let is_first = number == 0;
                let extra: &[&str] = match (is_cursor, is_first) {
                    (false, true) => &["PutItem"],
                    (false, false) => &["PutItem", "UpdateItem"],
                    (true, true) if asked.is_empty() => &["GetItem", "PutItem"],
                    (true, _) => &[],
                };
                let mut expected = [&expected[..], extra].concat();
                expected.sort_unstable();
                assert_eq!(*calls, expected, "{paging:?} {asked} page {}", number + 1);
            }
        }
    }
    // A page reads one resource more than it returns, to see whether another page follows.
    let limits = |path: &str| -> Vec<u64> {
        server.proxy.pass();
        server.scim.get(path).expect(200);
        server
            .proxy
            .pass()
            .iter()
            .filter(|(_, body)| body["KeyConditionExpression"].as_str().is_some_and(|it| it.contains("after")))
            .map(|(_, body)| body["Limit"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(limits("/Users?attributes=id&count=2&startIndex=99"), [3]);
}

#[test]
fn page_whose_bookmark_cannot_be_saved_returns_429() {
    let server = MeteredServer::new(5);
    let page = |start: usize| server.scim.get(format!("/Users?count=2&startIndex={start}"));
    server.proxy.fail(Calls::Of("PutItem"), Fault::Answer(400, "ThrottlingException"));
    page(1).expect_error(429, "", &[]);
    // A page that contains everything needs no bookmark.
    server.scim.get("/Users").expect(200).containing(&json!({ "totalResults": 5, "itemsPerPage": 5 }));
    server.proxy.pass();
    let first = page(1).expect(200).containing(&json!({ "totalResults": 5, "itemsPerPage": 2 }));
    let second = page(3).expect(200).containing(&json!({ "itemsPerPage": 2 }));
    assert_ne!(first["Resources"][1]["id"], second["Resources"][0]["id"]);
    server.proxy.fail(Calls::Of("PutItem"), Fault::Answer(400, "AccessDeniedException"));
    page(5).expect(200).containing(&json!({ "totalResults": 5, "itemsPerPage": 1 }));
    server.proxy.pass();
}
