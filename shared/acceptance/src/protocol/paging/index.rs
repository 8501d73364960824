//! Lists and their pages (RFC 7644 §3.4.2.4): true integers, no one twice, no one missing.

use serde_json::{Value, json};

use crate::client::LIST;
use crate::proxy::{Calls, Fault, Proxy};
use crate::server::{Data, Server, may_spawn, unique};

#[test]
fn a_filtered_list_is_walked_in_pages() {
    let server = Server::start();
    let scim = server.client();
    let tag = unique("walk");
    let mut ids: Vec<String> = (0..25)
        .map(|number| scim.post("/Users", &json!({ "userName": format!("{tag}-{number}") })).expect(201).id())
        .collect();
    for filter in [format!("userName sw \"{tag}\""), format!("userName co \"{}-\"", tag.to_uppercase())] {
        let mut seen: Vec<String> = Vec::new();
        for (start, length) in [(1, 10), (11, 10), (21, 5), (31, 0), (1_000_000, 0)] {
            let page = scim
                .list("/Users", &[("filter", &filter), ("startIndex", &start.to_string()), ("count", "10")])
                .expect(200)
                .holding(
                    &json!({ "schemas": [LIST], "totalResults": 25, "startIndex": start, "itemsPerPage": length }),
                );
            page.check(page.resources().len() == length, "wanted the page's length");
            seen.extend(page.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()));
        }
        seen.sort();
        ids.sort();
        assert_eq!(seen, ids, "{filter}");
    }
}

#[test]
fn odd_pages_are_understood_or_refused() {
    let server = Server::start();
    let scim = server.client();
    let tag = unique("odd");
    for number in 0..3 {
        scim.post("/Users", &json!({ "userName": format!("{tag}{number}") })).expect(201);
    }
    let filter = format!("userName sw \"{tag}\"");
    for (start, count, echoed, length) in
        [("1", "0", 1, 0), ("0", "2", 1, 2), ("-5", "2", 1, 2), ("3", "5", 3, 1), ("1", "-3", 1, 0), ("2", "1", 2, 1)]
    {
        let page = scim.list("/Users", &[("filter", &filter), ("startIndex", start), ("count", count)]).expect(200);
        let page = page.holding(&json!({ "totalResults": 3, "startIndex": echoed, "itemsPerPage": length }));
        page.check(page.resources().len() == length, "wanted the page's length");
    }
    for (parameter, value) in
        [("startIndex", "one"), ("count", "ten"), ("count", "1.5"), ("startIndex", "99999999999999999999999")]
    {
        scim.list("/Users", &[("filter", &filter), (parameter, value)]).refused(400, "invalidValue", &[parameter]);
    }
}

#[test]
fn unknown_parameters_and_loose_ends_are_tolerated() {
    let server = Server::start();
    let scim = server.client();
    let id = scim.post("/Users?", &json!({ "userName": unique("loose") })).expect(201).id();
    for path in [
        format!("/Users/{id}?"),
        format!("/Users/{id}/"),
        format!("/Users/{id}?aadOptscim062020"),
        format!("/Users/{id}?a=b&"),
    ] {
        scim.get(path).expect(200).holding(&json!({ "id": id }));
    }
    scim.get(format!("/Users?aadOptscim062020&filter=id%20eq%20%22{id}%22&"))
        .expect(200)
        .holding(&json!({ "totalResults": 1 }));
}

#[test]
fn an_own_directory_is_counted_and_ordered() {
    let Some(server) = Server::own("an_own_directory_is_counted_and_ordered") else { return };
    let scim = server.client();
    let empty = json!({ "schemas": [LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [] });
    assert_eq!(scim.get("/Users").expect(200).body, empty);
    assert_eq!(scim.get("/Groups?startIndex=5").expect(200).holding(&json!({ "startIndex": 5 })).total(), 0);

    let ids: Vec<String> = (0..12)
        .map(|number| scim.post("/Users", &json!({ "userName": format!("u{number}") })).expect(201).id())
        .collect();
    scim.delete(format!("/Users/{}", ids[5])).expect(204);
    let all = scim.get("/Users").expect(200).holding(&json!({ "totalResults": 11, "itemsPerPage": 11 }));
    let order: Vec<&Value> = all.resources().iter().map(|user| &user["userName"]).collect();
    let wanted: Vec<String> = (0..12).filter(|number| *number != 5).map(|number| format!("u{number}")).collect();
    assert_eq!(order, wanted.iter().collect::<Vec<_>>(), "creation order");
    scim.get("/Users?count=0").expect(200).holding(&json!({ "totalResults": 11, "itemsPerPage": 0 }));
}

/// Nothing comes after a page that holds exactly what is left: neither a number nor a cursor says so.
#[test]
fn a_page_that_is_full_at_the_end_is_the_last() {
    let Some(server) = Server::own("a_page_that_is_full_at_the_end_is_the_last") else { return };
    let scim = server.client();
    for number in 0..4 {
        scim.post("/Users", &json!({ "userName": format!("u{number}") })).expect(201);
    }
    for more in ["", "&sortBy=userName", "&filter=active%20eq%20true"] {
        for (page, held) in [("startIndex=1&count=4", 4), ("startIndex=1&count=2", 2), ("startIndex=3&count=2", 2)] {
            let wanted = json!({ "totalResults": 4, "itemsPerPage": held });
            scim.get(format!("/Users?{page}{more}")).expect(200).holding(&wanted);
        }
        let whole = scim.get(format!("/Users?cursor&count=4{more}")).expect(200);
        whole.check(whole["nextCursor"].is_null() && whole.resources().len() == 4, "wanted one page");
        let first = scim.get(format!("/Users?cursor&count=2{more}")).expect(200);
        let next = first["nextCursor"].as_str().expect("a cursor").to_owned();
        let last = scim.get(format!("/Users?cursor={next}&count=2{more}")).expect(200);
        last.check(last["nextCursor"].is_null() && last.resources().len() == 2, "wanted the last page");
    }
}

#[test]
fn the_default_page_holds_100() {
    let Some(server) = Server::own("the_default_page_holds_100") else { return };
    let scim = server.client();
    for number in 0..101 {
        scim.post("/Users", &json!({ "userName": format!("user-{number}") })).expect(201);
    }
    scim.get("/Users").expect(200).holding(&json!({ "totalResults": 101, "itemsPerPage": 100 }));
    scim.get("/Users?count=100000").expect(200).holding(&json!({ "totalResults": 101, "itemsPerPage": 101 }));
}

/// What DynamoDB answers with where there are so many users.
fn read(users: usize) -> &'static str {
    let item = |number: usize| {
        json!({
            "pk": { "S": "t#user" }, "sk": { "S": format!("0191b1c8-7a60-7c3e-8a3e-{number:012}") }, "version": { "N": "1" },
            "created": { "S": "2026-01-01T00:00:00Z" }, "lastModified": { "S": "2026-01-01T00:00:00Z" },
            "resource": { "S": r#"{"userName":"u","title":"t"}"# },
        })
    };
    let items: Vec<Value> = (0..users).map(item).collect();
    json!({ "Items": items, "Count": users, "ScannedCount": users }).to_string().leak()
}

#[test]
fn who_would_be_the_50_001st_to_be_tried_is_too_many() {
    if !may_spawn("who_would_be_the_50_001st_to_be_tried_is_too_many") {
        return;
    }
    let proxy = Proxy::start();
    let server = Server::spawn(&Data::At(&proxy.url()), &unique("t"));
    let scim = server.client();
    // A thousand and one more, again and again.
    let more = Fault::Say(read(1001));
    for path in ["/Users?filter=title%20pr&cursor&count=0", "/?sortBy=title&count=0"] {
        proxy.fail(Calls::Of("Query"), more);
        scim.get(path).refused(400, "tooMany", &["50000", "userName eq"]);
        proxy.pass();
        proxy.fail_times(49, Calls::Of("Query"), more);
        proxy.fail_times(1, Calls::Of("Query"), Fault::Say(read(1000)));
        scim.get(path).expect(200).holding(&json!({ "totalResults": 50_000 }));
        proxy.pass();
    }
}
