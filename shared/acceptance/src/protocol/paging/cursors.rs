//! Checks of paging by cursor (RFC 9865): every user is returned once, and only cursors of the service are
//! accepted.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{Client, LIST};
use crate::target::{Target, unique};

checks![
    cursors_return_every_user_once,
    cursor_survives_deletion_of_the_last_resource_of_a_page,
    cursor_of_another_query_is_rejected,
    first_cursor_of_users_works: EmptyDirectory,
    first_cursor_of_groups_works: EmptyDirectory,
    first_cursor_of_the_root_works: EmptyDirectory,
    first_cursor_of_user_search_works: EmptyDirectory,
    first_cursor_of_group_search_works: EmptyDirectory,
    first_cursor_of_root_search_works: EmptyDirectory,
    last_page_has_no_cursor: EmptyDirectory,
    page_of_count_zero_has_a_cursor_as_long_as_there_are_results,
    long_texts_are_sorted_by_all_their_bytes,
];

/// Creates users that belong to no other check. Returns a filter that finds them, and their ids.
pub(crate) fn create_users(scim: &Client, number: usize) -> (String, Vec<String>) {
    let tag = unique("c");
    let create = |n| scim.post("/Users", &json!({ "userName": format!("{tag}-{n}"), "title": n })).expect(201).id();
    let ids = (0..number).map(|n| n.to_string()).map(create).collect();
    (format!("userName sw \"{tag}-\""), ids)
}

fn ids(answer: &Answer) -> Vec<String> {
    answer.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect()
}

/// The cursor of the next page.
pub(crate) fn next_cursor(answer: &Answer) -> String {
    let cursor = answer["nextCursor"].as_str().unwrap_or_default().to_owned();
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    answer.check(!cursor.is_empty() && cursor.bytes().all(unreserved), "expected nextCursor, of unreserved characters");
    cursor
}

fn cursors_return_every_user_once(target: &Target) {
    let scim = target.client();
    let (filter, expected) = create_users(&scim, 7);
    for sort_by in [None, Some("userName"), Some("title"), Some("nickName")] {
        let mut parameters = vec![("filter", filter.as_str()), ("count", "3")];
        parameters.extend(sort_by.map(|by| ("sortBy", by)));
        let mut seen = Vec::new();
        let mut next = Some(String::new());
        while let Some(cursor) = next {
            let page = scim.list("/Users", &[&parameters[..], &[("cursor", &cursor)]].concat()).expect(200);
            let page = page.containing(&json!({ "schemas": [LIST], "totalResults": 7, "startIndex": null }));
            page.check(
                page["itemsPerPage"] == page.resources().len(),
                "expected itemsPerPage to be the number of Resources",
            );
            page.check(page["previousCursor"].is_null(), "expected no previousCursor");
            seen.extend(ids(&page));
            next = page["nextCursor"].as_str().map(str::to_owned);
            assert_eq!(next.is_some(), seen.len() < 7);
        }
        assert_eq!(seen, expected, "{sort_by:?}");
    }
}

fn cursor_survives_deletion_of_the_last_resource_of_a_page(target: &Target) {
    let scim = target.client();
    let (filter, expected) = create_users(&scim, 6);
    for sort_by in ["id", "title"] {
        let parameters = [("filter", filter.as_str()), ("sortBy", sort_by), ("count", "2")];
        let first = scim.list("/Users", &[&parameters[..], &[("cursor", "")]].concat()).expect(200);
        if sort_by == "title" {
            scim.delete(format!("/Users/{}", expected[1])).expect(204);
        }
        let cursor = next_cursor(&first);
        let next = [&parameters[..], &[("cursor", &cursor)]].concat();
        for _ in 0..2 {
            assert_eq!(
                ids(&scim.list("/Users", &next).expect(200)),
                expected[2..4],
                "expected the same page each time"
            );
        }
    }
}

/// RFC 9865 §2: `nextCursor` is omitted "only to indicate that there are no more result pages".
fn page_of_count_zero_has_a_cursor_as_long_as_there_are_results(target: &Target) {
    let scim = target.client();
    let (filter, _) = create_users(&scim, 2);
    for (sort_by, count) in [(None, "0"), (Some("title"), "0"), (None, "-4")] {
        let mut parameters = vec![("filter", filter.as_str()), ("count", count)];
        parameters.extend(sort_by.map(|by| ("sortBy", by)));
        let first = scim.list("/Users", &[&parameters[..], &[("cursor", "")]].concat()).expect(200);
        let cursor = next_cursor(&first);
        let second = scim.list("/Users", &[&parameters[..], &[("cursor", &cursor)]].concat()).expect(200);
        let second = second.containing(&json!({ "totalResults": 2, "itemsPerPage": 0, "Resources": [] }));
        next_cursor(&second);
    }
    let nobody = format!("userName eq \"{}\"", unique("nobody"));
    let empty = scim.list("/Users", &[("filter", nobody.as_str()), ("count", "0"), ("cursor", "")]).expect(200);
    empty.containing(&json!({ "totalResults": 0, "nextCursor": null }));
}

/// RFC 7644 §3.4.2.3. The titles differ only in their last character, so a cursor cannot contain them whole.
fn long_texts_are_sorted_by_all_their_bytes(target: &Target) {
    let scim = target.client();
    let tag = unique("long");
    let create = |end: &&str| {
        let user = json!({ "userName": format!("{tag}-{end}"), "title": format!("{}{end}", "x".repeat(3000)) });
        (end.to_string(), scim.post("/Users", &user).expect(201).id())
    };
    let mut users: Vec<(String, String)> = ["d", "b", "e", "a", "c"].iter().map(create).collect();
    users.sort();
    let filter = format!("userName sw \"{tag}-\"");
    for order in ["ascending", "descending"] {
        let parameters = [("filter", filter.as_str()), ("sortBy", "title"), ("sortOrder", order), ("count", "2")];
        let expected: Vec<&str> = users.iter().map(|(_, id)| id.as_str()).collect();
        let mut by_cursor = Vec::new();
        let mut by_index = Vec::new();
        let mut next = Some(String::new());
        while let Some(cursor) = next {
            let page = scim.list("/Users", &[&parameters[..], &[("cursor", &cursor)]].concat()).expect(200);
            by_cursor.extend(ids(&page));
            next = page["nextCursor"].as_str().map(str::to_owned);
        }
        for start_index in ["1", "3", "5"] {
            let page = [&parameters[..], &[("startIndex", start_index)]].concat();
            by_index.extend(ids(&scim.list("/Users", &page).expect(200)));
        }
        assert_eq!(by_cursor, expected, "{order}");
        assert_eq!(by_index, expected, "{order}");
        users.reverse();
    }
}

fn cursor_of_another_query_is_rejected(target: &Target) {
    let scim = target.client();
    let (filter, _) = create_users(&scim, 5);
    let asked = [("filter", filter.as_str()), ("sortBy", "title"), ("sortOrder", "descending"), ("count", "2")];
    let first = scim.list("/Users", &[&asked[..], &[("cursor", "")]].concat()).expect(200);
    let cursor = next_cursor(&first);
    let with = |change: &[(&'static str, &str)], cursor: &str| {
        let mut parameters = Vec::new();
        for (name, value) in asked.iter().chain(&[("cursor", cursor)]) {
            let changed = change.iter().find(|(changed, _)| changed == name).map_or(*value, |(_, value)| *value);
            parameters.push((*name, changed.to_owned()));
        }
        let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        scim.list("/Users", &parameters.into_iter().filter(|(_, value)| *value != "-").collect::<Vec<_>>())
    };
    with(&[], &cursor).expect(200);
    for change in [("filter", "title pr"), ("filter", "-"), ("sortBy", "userName"), ("sortBy", "-"), ("sortOrder", "-")]
    {
        with(&[change], &cursor).expect_error(400, "invalidCursor", &["nextCursor"]);
    }
    for count in ["3", "-", "0", "-1"] {
        with(&[("count", count)], &cursor).expect_error(400, "invalidCount", &["count=2"]);
    }
    with(&[("count", "two")], &cursor).expect_error(400, "invalidCount", &["count"]);
    let (head, last) = cursor.split_at(cursor.len() - 1);
    let flipped = if cursor.starts_with('A') { "B" } else { "A" };
    for forged in [
        "x",
        "AAAA",
        "%00",
        head,
        &format!("{cursor}A"),
        &format!("{flipped}{}", &cursor[1..]),
        &format!("{last}{head}"),
    ] {
        with(&[], forged).expect_error(400, "invalidCursor", &["nextCursor"]);
    }
    scim.list("/Groups", &[("cursor", cursor.as_str()), ("count", "2")]).expect_error(400, "invalidCursor", &[]);
    scim.list("", &[("cursor", cursor.as_str()), ("count", "2")]).expect_error(400, "invalidCursor", &[]);
    scim.list("/Users", &[("cursor", ""), ("startIndex", "1")]).expect_error(400, "invalidValue", &["startIndex"]);
    // Another projection returns the same page.
    let body: Value = json!({ "filter": filter, "sortBy": "title", "sortOrder": "descending", "count": 2,
        "cursor": cursor, "attributes": ["title"] });
    assert_eq!(ids(&scim.post("/Users/.search", &body).expect(200)), ids(&with(&[], &cursor).expect(200)));
}

/// The first cursor of a tenant creates the secret that seals all its cursors, whichever endpoint returns that
/// cursor.
fn check_first_cursor(target: &Target, path: &str, all: usize) {
    let scim = target.client();
    for name in ["a", "b", "c"] {
        scim.post("/Users", &json!({ "userName": name })).expect(201);
        scim.post("/Groups", &json!({ "displayName": name })).expect(201);
    }
    let list = |name: &str, value: &str| match path.strip_suffix(".search") {
        Some(_) => {
            let value = value.parse().map_or_else(|_| json!(value), |number: u64| json!(number));
            scim.post(path, &json!({ "count": 2, name: value })).expect(200)
        }
        None => scim.list(path, &[("count", "2"), (name, value)]).expect(200),
    };
    let first = ids(&list("cursor", ""));
    assert_eq!(ids(&list("startIndex", "1")), first, "{path}");
    let rest = ids(&list("startIndex", "3"));
    assert_eq!((first.len() + rest.len(), first.contains(&rest[0])), (all.min(4), false), "{path}");
    assert_eq!(ids(&list("filter", &format!("id eq \"{}\"", rest[0]))), rest[..1], "{path}");
}

fn first_cursor_of_users_works(target: &Target) {
    check_first_cursor(target, "/Users", 3);
}

fn first_cursor_of_groups_works(target: &Target) {
    check_first_cursor(target, "/Groups", 3);
}

fn first_cursor_of_the_root_works(target: &Target) {
    check_first_cursor(target, "", 6);
}

fn first_cursor_of_user_search_works(target: &Target) {
    check_first_cursor(target, "/Users/.search", 3);
}

fn first_cursor_of_group_search_works(target: &Target) {
    check_first_cursor(target, "/Groups/.search", 3);
}

fn first_cursor_of_root_search_works(target: &Target) {
    check_first_cursor(target, "/.search", 6);
}

fn last_page_has_no_cursor(target: &Target) {
    let scim = target.client();
    let none = json!({ "totalResults": 0, "itemsPerPage": 0, "Resources": [], "nextCursor": null });
    scim.get("/Users?cursor").expect(200).containing(&none);
    create_users(&scim, 3);
    for count in ["3", "4", "1000"] {
        let page = scim.get(format!("/Users?cursor=&count={count}")).expect(200);
        page.containing(&json!({ "totalResults": 3, "itemsPerPage": 3, "nextCursor": null }));
    }
    scim.get("/Users?count=2").expect(200).containing(&json!({ "startIndex": 1, "nextCursor": null }));
}
