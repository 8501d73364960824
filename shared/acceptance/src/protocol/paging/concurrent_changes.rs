//! Walks through a directory that changes meanwhile: whoever was there throughout is seen exactly once (RFC 7644 §3.4.2.4,
//! RFC 9865).
//!
//! `WALK_USERS` says how many users there are: 2,000 unless it is set.

use std::collections::BTreeSet;
use std::env;
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use crate::client::{Client, query};
use crate::expect::Answer;
use crate::proxy::{Calls, Fault, Proxy};
use crate::server::{Data, Server, skipped, unique};

const DEFAULT_USERS: usize = 2_000;
/// Deleted, and created, during each walk.
const CHANGES: usize = 50;
/// `maxOperations`.
const PER_BULK: usize = 1_000;
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// Users, oldest first: name and id.
type Users = Vec<(String, String)>;

fn user(number: usize) -> (String, Value) {
    let name = unique(&format!("u{}-", number % 10));
    let user = json!({ "userName": name, "title": format!("{:03}", (number * 7919) % 500), "nickName": "walker" });
    (name, user)
}

fn create(scim: &Client, number: usize) -> (String, String) {
    let (name, user) = user(number);
    let id = scim.post("/Users?attributes=id", &user).expect(201).id();
    (name, id)
}

/// Creates users, as many in one request as it may hold.
fn seed(scim: &Client, number: usize) -> Users {
    let mut users = Users::new();
    let numbers: Vec<usize> = (0..number).collect();
    for numbers in numbers.chunks(PER_BULK) {
        let (names, operations): (Vec<String>, Vec<Value>) = numbers
            .iter()
            .map(|n| user(*n))
            .map(|(name, user)| {
                let operation = json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": user });
                (name, operation)
            })
            .unzip();
        let answer = scim.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations })).expect(200);
        let results = answer["Operations"].as_array().unwrap();
        assert_eq!(results.len(), names.len());
        for (name, result) in names.into_iter().zip(results) {
            assert!(result["status"] == "201" && result["bulkId"] == name.as_str(), "{result}");
            let location = result["location"].as_str().unwrap();
            users.push((name, location.rsplit('/').next().unwrap().to_owned()));
        }
    }
    users.sort_by(|one, other| one.1.cmp(&other.1));
    users
}

/// How a walk goes from page to page.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// By `itemsPerPage`, until `totalResults` says that this was all.
    ToTheTotal,
    /// By `itemsPerPage`, until there is an empty page.
    ToAnEmptyPage,
    Cursor,
}

/// The parameters of the next page; `None` at the end.
fn next(way: Way, page: &Answer) -> Option<(&'static str, String)> {
    if matches!(way, Way::Cursor) {
        return page["nextCursor"].as_str().map(|cursor| ("cursor", cursor.to_owned()));
    }
    let (first, length) = (page["startIndex"].as_u64().unwrap(), page["itemsPerPage"].as_u64().unwrap());
    page.check(length == page.resources().len() as u64, "wanted the page's length");
    let next = first + length;
    let goes_on = match way {
        Way::ToTheTotal => next <= page.total(),
        _ => length > 0,
    };
    page.check(length > 0 || page.total() < next, "wanted an end");
    goes_on.then(|| ("startIndex", next.to_string()))
}

/// Walks, while others delete and create. Gives the ids that were seen, in their order, and the users that there are then.
fn walk(scim: &Client, way: Way, asked: &[(&str, &str)], mut users: Users, pages: usize) -> (Vec<String>, Users) {
    let first = if matches!(way, Way::Cursor) { "cursor" } else { "startIndex" };
    let start = if matches!(way, Way::Cursor) { "" } else { "1" };
    let (mut seen, mut place, mut changes) = (Vec::new(), Some((first, start.to_owned())), 0);
    for number in 1.. {
        let Some((name, value)) = place else { break };
        let parameters = [asked, &[(name, value.as_str()), ("attributes", "id")]].concat();
        let path = format!("/Users?{}", query(&parameters));
        // Spread over the pages, and made while each of them is read.
        let due = (CHANGES * number / pages).min(CHANGES);
        let page = thread::scope(|scope| {
            let page = scope.spawn(|| scim.get(path).expect(200));
            for change in changes..due {
                replace_one(scim, &mut users, change, seen.last());
            }
            page.join().unwrap()
        });
        changes = due;
        let ids = page.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned());
        seen.extend(ids);
        place = next(way, &page);
    }
    assert!(changes == CHANGES, "{changes} changes");
    (seen, users)
}

/// Deletes a user and creates another. They are from all over the list: of those that were seen, of those to come, and the last
/// one seen.
fn replace_one(scim: &Client, users: &mut Users, change: usize, last_seen: Option<&String>) {
    let victim = match change % 3 {
        0 => users.iter().position(|(_, id)| Some(id) == last_seen).unwrap_or_default(),
        _ => (change * 7919) % users.len(),
    };
    let (_, id) = users.remove(victim);
    scim.delete(format!("/Users/{id}")).expect(204);
    users.push(create(scim, change));
}

#[test]
fn whoever_is_there_throughout_is_seen_once() {
    let Some(server) = Server::own("whoever_is_there_throughout_is_seen_once") else { return };
    let scim = server.client();
    let number = env::var("WALK_USERS").map_or(DEFAULT_USERS, |number| number.parse().unwrap());
    let started = Instant::now();
    let mut users = seed(&scim, number);
    say(&format!("{number} users created in {:.1?}", started.elapsed()));
    let length = (number / 20).clamp(10, 1000).to_string();
    for (way, asked) in [
        (Way::ToTheTotal, &[][..]),
        (Way::ToAnEmptyPage, &[]),
        (Way::Cursor, &[]),
        (Way::ToTheTotal, &[("filter", "nickName eq \"walker\"")]),
        (Way::ToTheTotal, &[("sortBy", "title"), ("sortOrder", "descending")]),
        (Way::ToAnEmptyPage, &[("filter", "userName sw \"u\""), ("sortBy", "userName")]),
        (Way::Cursor, &[("filter", "nickName pr"), ("sortBy", "title")]),
    ] {
        let started = Instant::now();
        let plain = asked.is_empty();
        let length = if plain { "100" } else { length.as_str() };
        let pages = number / length.parse::<usize>().unwrap();
        let before: BTreeSet<String> = users.iter().map(|(_, id)| id.clone()).collect();
        let (seen, after) = walk(&scim, way, &[asked, &[("count", length)]].concat(), users, pages);
        users = after;
        let there: BTreeSet<String> = users.iter().map(|(_, id)| id.clone()).collect();
        let distinct: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(distinct.len(), seen.len(), "{way:?} {asked:?}: somebody was seen twice");
        let missed: Vec<&String> = before.intersection(&there).filter(|id| !distinct.contains(*id)).collect();
        assert!(missed.is_empty(), "{way:?} {asked:?}: missed {missed:?}");
        assert!(!plain || seen.is_sorted(), "in the order of creation");
        say(&format!("{way:?} {asked:?}: {} seen in {:.1?}", seen.len(), started.elapsed()));
    }
}

/// Figures, for `--nocapture`.
fn say(figure: &str) {
    eprintln!("{figure}");
}

/// A server on a DynamoDB whose calls are heard.
struct Heard {
    proxy: Proxy,
    scim: Client,
    _server: Server,
}

impl Heard {
    fn new(users: usize) -> Self {
        let proxy = Proxy::start();
        let server = Server::spawn(&Data::At(&proxy.url()), &unique("t"));
        let scim = server.client();
        seed(&scim, users);
        Self { proxy, scim, _server: server }
    }

    /// The answer, and the calls to DynamoDB that it took, those about tokens apart.
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
fn a_page_costs_what_the_first_one_costs() {
    if env::var_os("SCIM_BASE_URL").is_some() {
        return skipped("a_page_costs_what_the_first_one_costs", "it listens to a DynamoDB of its own");
    }
    let heard = Heard::new(12);
    let index =
        |start: usize, rest: &str| heard.get(&format!("/Users?attributes=id&startIndex={start}&count=3{rest}")).1;
    // The count and the page, and a bookmark for the next.
    assert_eq!(index(1, ""), ["PutItem", "Query", "Query"]);
    for start in [4, 7, 10] {
        assert_eq!(index(start, ""), ["PutItem", "Query", "Query", "UpdateItem"], "{start}");
    }
    // Nobody left a bookmark there: counted off.
    assert_eq!(index(6, ""), ["PutItem", "Query", "Query", "Query", "UpdateItem"]);
    // All on the first page: nothing beside it.
    assert_eq!(heard.get("/Users?attributes=id").1, ["Query", "Query"]);
    let name = heard.get("/Users?count=1").0["Resources"][0]["userName"].as_str().unwrap().to_owned();
    let check = format!("/Users?attributes=id&filter=userName%20eq%20%22{name}%22&startIndex=1&count=100");
    assert_eq!(heard.get(&check).1, ["BatchGetItem", "GetItem"]);
    assert_eq!(heard.get("/Users?count=0").1, ["Query"]);
    assert_eq!(heard.get("/Users?count=0&startIndex=4").1, ["Query"]);

    // The secret of cursors is read, and made, once in a process.
    let cursor = |cursor: &str| heard.get(&format!("/Users?attributes=id&count=3&cursor={cursor}"));
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
fn page_50_and_the_last_page_cost_what_page_1_costs() {
    const PAGES: usize = 51;
    if env::var_os("SCIM_BASE_URL").is_some() {
        return skipped("page_50_and_the_last_page_cost_what_page_1_costs", "it listens to a DynamoDB of its own");
    }
    let heard = Heard::new(2 * PAGES);
    for (asked, wanted) in [
        // The count, and the page.
        ("", vec!["Query", "Query"]),
        // The names that begin so, and who they are.
        ("&filter=userName%20sw%20%22u%22", vec!["BatchGetItem", "BatchGetItem", "Query"]),
        // Everybody.
        ("&filter=nickName%20pr", vec!["Query"]),
        // Everybody, and once more those of the page.
        ("&sortBy=title", vec!["BatchGetItem", "Query"]),
    ] {
        for way in [Way::ToTheTotal, Way::Cursor] {
            let is_cursor = matches!(way, Way::Cursor);
            let first = if is_cursor { ("cursor", String::new()) } else { ("startIndex", "1".to_owned()) };
            let (mut place, mut costs) = (Some(first), Vec::new());
            while let Some((name, value)) = place {
                let (page, calls) = heard.get(&format!("/Users?attributes=id&count=2{asked}&{name}={value}"));
                costs.push(calls);
                place = next(way, &page);
            }
            assert_eq!(costs.len(), PAGES, "{asked}");
            for (number, calls) in costs.iter_mut().enumerate() {
                // A bookmark is taken, and one is left for the next page. Cursors need none, but a secret once in a process.
                let is_first = number == 0;
                let beside: &[&str] = match (is_cursor, is_first) {
                    (false, true) => &["PutItem"],
                    (false, false) => &["PutItem", "UpdateItem"],
                    (true, true) if asked.is_empty() => &["GetItem", "PutItem"],
                    (true, _) => &[],
                };
                let mut wanted = [&wanted[..], beside].concat();
                wanted.sort_unstable();
                assert_eq!(*calls, wanted, "{way:?} {asked} page {}", number + 1);
            }
        }
    }
    // A page reads no more than it holds, and one to see whether there are more.
    let limits = |path: &str| -> Vec<u64> {
        heard.proxy.pass();
        heard.scim.get(path).expect(200);
        heard
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
fn a_page_whose_bookmark_cannot_be_left_is_refused() {
    const TEST: &str = "a_page_whose_bookmark_cannot_be_left_is_refused";
    if env::var_os("SCIM_BASE_URL").is_some() {
        return skipped(TEST, "it breaks a DynamoDB of its own");
    }
    let heard = Heard::new(5);
    let page = |start: usize| heard.scim.get(format!("/Users?count=2&startIndex={start}"));
    heard.proxy.fail(Calls::Of("PutItem"), Fault::Answer(400, "ThrottlingException"));
    page(1).refused(429, "", &[]);
    // With nobody left, nobody can be missed.
    heard.scim.get("/Users").expect(200).holding(&json!({ "totalResults": 5, "itemsPerPage": 5 }));
    heard.proxy.pass();
    let first = page(1).expect(200).holding(&json!({ "totalResults": 5, "itemsPerPage": 2 }));
    let second = page(3).expect(200).holding(&json!({ "itemsPerPage": 2 }));
    assert_ne!(first["Resources"][1]["id"], second["Resources"][0]["id"]);
    heard.proxy.fail(Calls::Of("PutItem"), Fault::Answer(400, "AccessDeniedException"));
    page(5).expect(200).holding(&json!({ "totalResults": 5, "itemsPerPage": 1 }));
    heard.proxy.pass();
}

#[test]
fn a_new_walk_does_not_follow_an_old_one() {
    let Some(server) = Server::own("a_new_walk_does_not_follow_an_old_one") else { return };
    let scim = server.client();
    let mut users: Users = (0..12).map(|n| create(&scim, n)).collect();
    let walk = || {
        let (mut seen, mut place) = (Vec::new(), Some(("startIndex", "1".to_owned())));
        while let Some((_, start)) = place {
            let page = scim.get(format!("/Users?attributes=id&count=3&startIndex={start}")).expect(200);
            seen.extend(page.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()));
            place = next(Way::ToAnEmptyPage, &page);
        }
        seen
    };
    for victim in [0, 4, 0, 0, 2, 5] {
        let ids: Vec<String> = users.iter().map(|(_, id)| id.clone()).collect();
        assert_eq!(walk(), ids);
        let (_, id) = users.remove(victim);
        scim.delete(format!("/Users/{id}")).expect(204);
    }
}

#[test]
fn of_two_walks_at_once_neither_misses_anybody() {
    let Some(server) = Server::own("of_two_walks_at_once_neither_misses_anybody") else { return };
    let scim = server.client();
    let users: Users = (0..9).map(|n| create(&scim, n)).collect();
    let page = |start: usize| -> Vec<String> {
        let page = scim.get(format!("/Users?attributes=id&count=3&startIndex={start}")).expect(200);
        page.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect()
    };
    let ids: Vec<&str> = users.iter().map(|(_, id)| id.as_str()).collect();
    let one = page(1);
    scim.delete(format!("/Users/{}", ids[0])).expect(204);
    let other = page(1);
    assert_eq!(
        (one, other),
        (ids[..3].iter().map(|id| (*id).to_owned()).collect(), vec![ids[1].into(), ids[2].into(), ids[3].into()])
    );
    // The first one goes on with the fourth, who would be missed after the other one's page; the other one sees it twice.
    assert_eq!(page(4), ids[3..6]);
    assert_eq!(page(4), ids[3..6]);
}

#[test]
fn a_walk_may_change_its_count() {
    let Some(server) = Server::own("a_walk_may_change_its_count") else { return };
    let scim = server.client();
    let users: Users = (0..11).map(|n| create(&scim, n)).collect();
    let mut seen: Vec<String> = Vec::new();
    for (count, length) in [(3, 3), (5, 5), (4, 3)] {
        let path = format!("/Users?attributes=id&startIndex={}&count={count}", seen.len() + 1);
        let page = scim.get(path).expect(200).holding(&json!({ "itemsPerPage": length }));
        seen.extend(page.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()));
        scim.delete(format!("/Users/{}", seen[seen.len() - 2])).expect(204);
    }
    assert_eq!(seen, users.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
}
