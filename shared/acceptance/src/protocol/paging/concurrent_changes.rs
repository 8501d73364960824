//! Checks of paging through a directory that changes meanwhile: every user who exists during the whole iteration is
//! returned exactly once (RFC 7644 §3.4.2.4, RFC 9865).

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::thread;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::Client;
use crate::request::query;
use crate::target::{Target, unique};

checks![
    user_present_during_the_iteration_is_returned_once: EmptyDirectory,
    new_iteration_does_not_follow_an_old_one: EmptyDirectory,
    two_concurrent_iterations_skip_no_user: EmptyDirectory,
    count_may_change_between_pages: EmptyDirectory,
];

/// The number of users that are deleted, and of users that are created, during each iteration.
const CHANGES: usize = 50;
/// The `maxOperations` of the service.
const PER_BULK: usize = 1_000;
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// The names and ids of users, oldest first.
pub type Users = Vec<(String, String)>;

fn user(number: usize) -> (String, Value) {
    let name = unique(&format!("u{}-", number % 10));
    let user = json!({ "userName": name, "title": format!("{:03}", (number * 7919) % 500), "nickName": "pager" });
    (name, user)
}

fn create(scim: &Client, number: usize) -> (String, String) {
    let (name, user) = user(number);
    let id = scim.post("/Users?attributes=id", &user).expect(201).id();
    (name, id)
}

/// Creates users by bulk requests and returns them, oldest first.
///
/// # Panics
///
/// If one of them is not created.
#[must_use]
pub fn create_users(scim: &Client, number: usize) -> Users {
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

/// How a client finds the next page.
#[derive(Clone, Copy, Debug)]
pub enum PagingMethod {
    /// By `itemsPerPage`, until `totalResults` is reached.
    ToTheTotal,
    /// By `itemsPerPage`, until a page is empty.
    ToAnEmptyPage,
    Cursor,
}

/// The parameter of the next page, or `None` after the last page.
///
/// # Panics
///
/// If a page is inconsistent.
#[must_use]
#[track_caller]
pub fn next_page(paging: PagingMethod, page: &Answer) -> Option<(&'static str, String)> {
    if matches!(paging, PagingMethod::Cursor) {
        return page["nextCursor"].as_str().map(|cursor| ("cursor", cursor.to_owned()));
    }
    let first = page["startIndex"].as_u64().unwrap();
    let length = page["itemsPerPage"].as_u64().unwrap();
    page.check(length == page.resources().len() as u64, "expected itemsPerPage to be the number of Resources");
    let following = first + length;
    let has_next = match paging {
        PagingMethod::ToTheTotal => following <= page.total(),
        _ => length > 0,
    };
    page.check(length > 0 || page.total() < following, "expected an empty page only after the last resource");
    has_next.then(|| ("startIndex", following.to_string()))
}

/// Reads all pages while users are deleted and created. Returns the ids of the returned users in their order, and
/// the users that exist at the end.
fn iterate(
    scim: &Client,
    paging: PagingMethod,
    asked: &[(&str, &str)],
    mut users: Users,
    pages: usize,
) -> (Vec<String>, Users) {
    let first = if matches!(paging, PagingMethod::Cursor) { "cursor" } else { "startIndex" };
    let start = if matches!(paging, PagingMethod::Cursor) { "" } else { "1" };
    let mut seen = Vec::new();
    let mut place = Some((first, start.to_owned()));
    let mut changes = 0;
    for number in 1.. {
        let Some((name, value)) = place else { break };
        let parameters = [asked, &[(name, value.as_str()), ("attributes", "id")]].concat();
        let path = format!("/Users?{}", query(&parameters));
        // The changes are spread over the pages, and are made while the client reads each of them.
        let due = (CHANGES * number / pages).min(CHANGES);
        let page = thread::scope(|scope| {
            let page = scope.spawn(|| scim.get(path).expect(200));
            for change in changes..due {
                replace_one(scim, &mut users, change, seen.last());
            }
            page.join().unwrap_or_else(|panic| resume_unwind(panic))
        });
        changes = due;
        let ids = page.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned());
        seen.extend(ids);
        place = next_page(paging, &page);
    }
    assert!(changes == CHANGES, "expected {CHANGES} changes, not {changes}");
    (seen, users)
}

/// Deletes a user and creates another. The deleted users are from all over the list: users that were returned,
/// users that were not, and the last one returned.
fn replace_one(scim: &Client, users: &mut Users, change: usize, last_seen: Option<&String>) {
    let victim = match change % 3 {
        0 => users.iter().position(|(_, id)| Some(id) == last_seen).unwrap_or_default(),
        _ => (change * 7919) % users.len(),
    };
    let (_, id) = users.remove(victim);
    scim.delete(format!("/Users/{id}")).expect(204);
    users.push(create(scim, change));
}

fn user_present_during_the_iteration_is_returned_once(target: &Target) {
    let scim = target.client();
    let number = target.large_directory;
    let mut users = create_users(&scim, number);
    let length = (number / 20).clamp(10, 1000).to_string();
    for (paging, asked) in [
        (PagingMethod::ToTheTotal, &[][..]),
        (PagingMethod::ToAnEmptyPage, &[]),
        (PagingMethod::Cursor, &[]),
        (PagingMethod::ToTheTotal, &[("filter", "nickName eq \"pager\"")]),
        (PagingMethod::ToTheTotal, &[("sortBy", "title"), ("sortOrder", "descending")]),
        (PagingMethod::ToAnEmptyPage, &[("filter", "userName sw \"u\""), ("sortBy", "userName")]),
        (PagingMethod::Cursor, &[("filter", "nickName pr"), ("sortBy", "title")]),
    ] {
        let plain = asked.is_empty();
        let length = if plain { "100" } else { length.as_str() };
        let pages = number / length.parse::<usize>().unwrap();
        let before: BTreeSet<String> = users.iter().map(|(_, id)| id.clone()).collect();
        let (seen, after) = iterate(&scim, paging, &[asked, &[("count", length)]].concat(), users, pages);
        users = after;
        let there: BTreeSet<String> = users.iter().map(|(_, id)| id.clone()).collect();
        let distinct: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(distinct.len(), seen.len(), "{paging:?} {asked:?}: expected every user once");
        let missed: Vec<&String> = before.intersection(&there).filter(|id| !distinct.contains(*id)).collect();
        assert!(missed.is_empty(), "{paging:?} {asked:?}: expected {missed:?}");
        assert!(!plain || seen.is_sorted(), "expected the order of creation");
    }
}

fn new_iteration_does_not_follow_an_old_one(target: &Target) {
    let scim = target.client();
    let mut users: Users = (0..12).map(|n| create(&scim, n)).collect();
    let read_all = || {
        let mut seen = Vec::new();
        let mut place = Some(("startIndex", "1".to_owned()));
        while let Some((_, start)) = place {
            let page = scim.get(format!("/Users?attributes=id&count=3&startIndex={start}")).expect(200);
            seen.extend(page.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()));
            place = next_page(PagingMethod::ToAnEmptyPage, &page);
        }
        seen
    };
    for victim in [0, 4, 0, 0, 2, 5] {
        let ids: Vec<String> = users.iter().map(|(_, id)| id.clone()).collect();
        assert_eq!(read_all(), ids);
        let (_, id) = users.remove(victim);
        scim.delete(format!("/Users/{id}")).expect(204);
    }
}

fn two_concurrent_iterations_skip_no_user(target: &Target) {
    let scim = target.client();
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
    // The first iteration continues with the fourth user, whom it would miss after the page of the second
    // iteration; the second iteration returns that user twice.
    assert_eq!(page(4), ids[3..6]);
    assert_eq!(page(4), ids[3..6]);
}

fn count_may_change_between_pages(target: &Target) {
    let scim = target.client();
    let users: Users = (0..11).map(|n| create(&scim, n)).collect();
    let mut seen: Vec<String> = Vec::new();
    for (count, length) in [(3, 3), (5, 5), (4, 3)] {
        let path = format!("/Users?attributes=id&startIndex={}&count={count}", seen.len() + 1);
        let page = scim.get(path).expect(200).containing(&json!({ "itemsPerPage": length }));
        seen.extend(page.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()));
        scim.delete(format!("/Users/{}", seen[seen.len() - 2])).expect(204);
    }
    assert_eq!(seen, users.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
}
