//! Checks of lists and their pages (RFC 7644 §3.4.2.4): counts are correct, and every user is returned exactly
//! once.

use serde_json::{Value, json};

use crate::client::LIST;
use crate::target::{Target, unique};

checks![
    filtered_list_is_returned_in_pages,
    unusual_page_parameters_are_understood_or_rejected,
    unknown_parameters_and_trailing_characters_are_ignored,
    list_is_counted_and_in_order_of_creation: EmptyDirectory,
    full_last_page_has_no_next_page: EmptyDirectory,
    default_page_holds_100: EmptyDirectory,
];

fn filtered_list_is_returned_in_pages(target: &Target) {
    let scim = target.client();
    let tag = unique("page");
    let mut ids: Vec<String> = (0..25)
        .map(|number| scim.post("/Users", &json!({ "userName": format!("{tag}-{number}") })).expect(201).id())
        .collect();
    for filter in [format!("userName sw \"{tag}\""), format!("userName co \"{}-\"", tag.to_uppercase())] {
        let mut seen: Vec<String> = Vec::new();
        for (start, length) in [(1, 10), (11, 10), (21, 5), (31, 0), (1_000_000, 0)] {
            let page = scim
                .list("/Users", &[("filter", &filter), ("startIndex", &start.to_string()), ("count", "10")])
                .expect(200)
                .containing(
                    &json!({ "schemas": [LIST], "totalResults": 25, "startIndex": start, "itemsPerPage": length }),
                );
            page.check(page.resources().len() == length, &format!("expected {length} Resources"));
            seen.extend(page.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()));
        }
        seen.sort();
        ids.sort();
        assert_eq!(seen, ids, "{filter}");
    }
}

fn unusual_page_parameters_are_understood_or_rejected(target: &Target) {
    let scim = target.client();
    let tag = unique("odd");
    for number in 0..3 {
        scim.post("/Users", &json!({ "userName": format!("{tag}{number}") })).expect(201);
    }
    let filter = format!("userName sw \"{tag}\"");
    for (start, count, echoed, length) in
        [("1", "0", 1, 0), ("0", "2", 1, 2), ("-5", "2", 1, 2), ("3", "5", 3, 1), ("1", "-3", 1, 0), ("2", "1", 2, 1)]
    {
        let page = scim.list("/Users", &[("filter", &filter), ("startIndex", start), ("count", count)]).expect(200);
        let page = page.containing(&json!({ "totalResults": 3, "startIndex": echoed, "itemsPerPage": length }));
        page.check(page.resources().len() == length, &format!("expected {length} Resources"));
    }
    for (parameter, value) in
        [("startIndex", "one"), ("count", "ten"), ("count", "1.5"), ("startIndex", "99999999999999999999999")]
    {
        scim.list("/Users", &[("filter", &filter), (parameter, value)]).expect_error(400, "invalidValue", &[parameter]);
    }
}

fn unknown_parameters_and_trailing_characters_are_ignored(target: &Target) {
    let scim = target.client();
    let id = scim.post("/Users?", &json!({ "userName": unique("loose") })).expect(201).id();
    for path in [
        format!("/Users/{id}?"),
        format!("/Users/{id}/"),
        format!("/Users/{id}?aadOptscim062020"),
        format!("/Users/{id}?a=b&"),
    ] {
        scim.get(path).expect(200).containing(&json!({ "id": id }));
    }
    scim.get(format!("/Users?aadOptscim062020&filter=id%20eq%20%22{id}%22&"))
        .expect(200)
        .containing(&json!({ "totalResults": 1 }));
}

fn list_is_counted_and_in_order_of_creation(target: &Target) {
    let scim = target.client();
    let empty = json!({ "schemas": [LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [] });
    assert_eq!(scim.get("/Users").expect(200).body, empty);
    assert_eq!(scim.get("/Groups?startIndex=5").expect(200).containing(&json!({ "startIndex": 5 })).total(), 0);

    let ids: Vec<String> = (0..12)
        .map(|number| scim.post("/Users", &json!({ "userName": format!("u{number}") })).expect(201).id())
        .collect();
    scim.delete(format!("/Users/{}", ids[5])).expect(204);
    let all = scim.get("/Users").expect(200).containing(&json!({ "totalResults": 11, "itemsPerPage": 11 }));
    let order: Vec<&Value> = all.resources().iter().map(|user| &user["userName"]).collect();
    let expected: Vec<String> = (0..12).filter(|number| *number != 5).map(|number| format!("u{number}")).collect();
    assert_eq!(order, expected.iter().collect::<Vec<_>>(), "expected the order of creation");
    scim.get("/Users?count=0").expect(200).containing(&json!({ "totalResults": 11, "itemsPerPage": 0 }));
}

/// A page that contains exactly the remaining resources is the last one according to `totalResults` and to the
/// cursor.
fn full_last_page_has_no_next_page(target: &Target) {
    let scim = target.client();
    for number in 0..4 {
        scim.post("/Users", &json!({ "userName": format!("u{number}") })).expect(201);
    }
    for more in ["", "&sortBy=userName", "&filter=active%20eq%20true"] {
        for (page, held) in [("startIndex=1&count=4", 4), ("startIndex=1&count=2", 2), ("startIndex=3&count=2", 2)] {
            let expected = json!({ "totalResults": 4, "itemsPerPage": held });
            scim.get(format!("/Users?{page}{more}")).expect(200).containing(&expected);
        }
        let whole = scim.get(format!("/Users?cursor&count=4{more}")).expect(200);
        whole.check(whole["nextCursor"].is_null() && whole.resources().len() == 4, "expected one page");
        let first = scim.get(format!("/Users?cursor&count=2{more}")).expect(200);
        let next = first["nextCursor"].as_str().expect("a cursor").to_owned();
        let last = scim.get(format!("/Users?cursor={next}&count=2{more}")).expect(200);
        last.check(last["nextCursor"].is_null() && last.resources().len() == 2, "expected the last page");
    }
}

fn default_page_holds_100(target: &Target) {
    let scim = target.client();
    for number in 0..101 {
        scim.post("/Users", &json!({ "userName": format!("user-{number}") })).expect(201);
    }
    scim.get("/Users").expect(200).containing(&json!({ "totalResults": 101, "itemsPerPage": 100 }));
    scim.get("/Users?startIndex=101").expect(200).containing(&json!({ "totalResults": 101, "itemsPerPage": 1 }));
    scim.get("/Users?count=100000").expect(200).containing(&json!({ "totalResults": 101, "itemsPerPage": 101 }));
}
