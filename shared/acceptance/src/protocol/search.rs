//! Checks of sorted lists (RFC 7644 §3.4.2.3), searches by POST (§3.4.3) and queries of the root (§3.4.2.1).

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{Client, LIST};
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    lists_are_sorted_by_each_attributes_rule,
    default_sort_order_is_ascending,
    root_query_returns_both_types,
    root_query_without_a_filter_is_returned_in_pages: EmptyDirectory,
    search_is_projected,
    slash_behind_a_search_is_ignored,
    invalid_search_or_sort_returns_400,
];

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Four users and two groups, each named by a letter.
struct SampleDirectory {
    scim: Client,
    tag: String,
    ids: Vec<(char, String)>,
}

impl SampleDirectory {
    fn create(target: &Target) -> Self {
        let scim = target.client();
        let tag = unique("s");
        let mut ids = Vec::new();
        for (letter, mut user) in [
            ('a', json!({ "title": "b", "name": { "familyName": "Zed" }, "active": false })),
            ('b', json!({ "emails": [{ "value": "z@x.example" }, { "value": "a@x.example", "primary": true }] })),
            ('c', json!({ "title": "C", "emails": [{ "value": "b@x.example" }, { "value": "0@x.example" }] })),
            ('d', json!({ "title": "a", "name": { "familyName": "alpha" }, "externalId": "d" })),
        ] {
            user["userName"] = format!("{tag}.{letter}").into();
            user["displayName"] = format!("{tag} {letter}").into();
            ids.push((letter, scim.post("/Users", &user).expect(201).id()));
        }
        let member = ids[1].1.clone();
        for (letter, members) in [('G', json!([{ "value": member }])), ('H', json!([]))] {
            let group = json!({ "displayName": format!("{tag} {}", letter.to_lowercase()), "members": members });
            ids.push((letter, scim.post("/Groups", &group).expect(201).id()));
        }
        Self { scim, tag, ids }
    }

    /// Limits a filter to the resources of this directory.
    fn filter(&self, filter: &str) -> String {
        let ours = format!("displayName sw \"{} \"", self.tag);
        if filter.is_empty() { ours } else { format!("{ours} and ({})", filter.replace("ID", &self.ids[1].1)) }
    }

    fn letters(&self, answer: &Answer) -> String {
        let letter = |resource: &Value| self.ids.iter().find(|(_, id)| resource["id"] == id.as_str()).unwrap().0;
        answer.resources().iter().map(letter).collect()
    }

    /// Lists resources by GET, by POST, and by POST in pages by index and by cursor; checks that all of these lists
    /// are the same.
    fn list(&self, endpoint: &str, filter: &str, sort_by: Option<&str>, order: &str) -> String {
        let filter = self.filter(filter);
        let sorting = sort_by.map(|by| [("sortBy", by), ("sortOrder", order)]);
        let mut parameters = vec![("filter", filter.as_str())];
        parameters.extend(sorting.into_iter().flatten());
        let got = self.letters(&self.scim.list(endpoint, &parameters).expect(200));
        let mut body = json!({ "schemas": [SEARCH], "filter": filter });
        if let Some(by) = sort_by {
            body["sortBy"] = by.into();
            body["sortOrder"] = order.into();
        }
        let search = format!("{endpoint}/.search");
        assert_eq!(self.letters(&self.scim.post(&search, &body).expect(200)), got, "{body}");
        let mut by_index = String::new();
        body["count"] = 2.into();
        while by_index.len() < got.len() {
            body["startIndex"] = (by_index.len() + 1).into();
            let page = self.scim.post(&search, &body).expect(200);
            page.check(page.total() == got.len() as u64, "expected totalResults to count the whole list");
            by_index.push_str(&self.letters(&page));
        }
        body.as_object_mut().unwrap().remove("startIndex");
        let mut by_cursor = String::new();
        let mut cursor = json!("");
        while !cursor.is_null() {
            body["cursor"] = cursor;
            let page = self.scim.post(&search, &body).expect(200);
            by_cursor.push_str(&self.letters(&page));
            cursor = page["nextCursor"].clone();
        }
        assert_eq!((&by_index, &by_cursor), (&got, &got), "{body}");
        got
    }
}

fn lists_are_sorted_by_each_attributes_rule(target: &Target) {
    let directory = SampleDirectory::create(target);
    for (endpoint, sort_by, order, expected) in [
        ("/Users", "title", "ascending", "dacb"),
        ("/Users", "TITLE", "descending", "bcad"),
        ("/Users", "userName", "descending", "dcba"),
        ("/Users", "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName", "ascending", "dabc"),
        ("/Users", "emails", "ascending", "bcad"),
        ("/Users", "emails.value", "descending", "adcb"),
        ("/Users", "active", "ascending", "abcd"),
        ("/Users", "externalId", "descending", "abcd"),
        ("/Users", "meta.created", "descending", "dcba"),
        ("/Users", "groups", "ascending", "bacd"),
        ("/Users", "groups.display", "descending", "acdb"),
        ("/Users", "department", "ascending", "abcd"),
        ("/Groups", "displayName", "descending", "HG"),
        ("/Groups", "members", "descending", "HG"),
        ("", "displayName", "descending", "HGdcba"),
        ("", "userName", "ascending", "abcdGH"),
        ("", "userName", "descending", "GHdcba"),
        ("", "members", "ascending", "GabcdH"),
    ] {
        assert_eq!(directory.list(endpoint, "", Some(sort_by), order), expected, "{endpoint} {sort_by} {order}");
    }
}

fn default_sort_order_is_ascending(target: &Target) {
    let directory = SampleDirectory::create(target);
    let filter = directory.filter("");
    let got = directory.scim.list("/Users", &[("filter", &filter), ("sortBy", "title")]).expect(200);
    assert_eq!(directory.letters(&got), "dacb");
    let body = json!({ "schemas": [SEARCH], "filter": filter, "sortBy": "title" });
    assert_eq!(directory.letters(&directory.scim.post("/Users/.search", &body).expect(200)), "dacb");
}

fn root_query_returns_both_types(target: &Target) {
    let directory = SampleDirectory::create(target);
    for (filter, expected) in [
        ("", "abcdGH"),
        ("userName pr", "abcd"),
        ("userName ew \".a\" or members pr", "aG"),
        ("not (userName pr)", "GH"),
        ("members.value eq \"ID\"", "G"),
        ("groups.value pr", "b"),
        ("meta.resourceType eq \"Group\"", "GH"),
        ("meta.resourceType eq \"User\" or meta.resourceType eq \"Group\"", "abcdGH"),
        ("title eq \"B\" or displayName ew \"h\"", "aH"),
        ("id eq \"ID\"", "b"),
        ("urn:ietf:params:scim:schemas:core:2.0:Group:members pr", "G"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:displayName pr", "abcd"),
        ("not (urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr)", "abcd"),
    ] {
        assert_eq!(directory.list("", filter, None, ""), expected, "{filter}");
    }
    let page = directory.scim.get("/?count=0").expect(200).containing(&json!({ "schemas": [LIST], "Resources": [] }));
    page.check(page.total() >= 6, "expected totalResults to count all resources");
    directory.scim.list("", &[("filter", "nope pr")]).expect_error(400, "invalidFilter", &["nope"]);
}

fn root_query_without_a_filter_is_returned_in_pages(target: &Target) {
    let directory = SampleDirectory::create(target);
    let read_all = |count: usize| {
        let mut letters = String::new();
        let mut index = 1;
        loop {
            let path = format!("?attributes=id&startIndex={index}&count={count}");
            let page =
                directory.scim.get(path).expect(200).containing(&json!({ "totalResults": 6, "startIndex": index }));
            letters.push_str(&directory.letters(&page));
            index += page.resources().len();
            if index > 6 {
                return letters;
            }
        }
    };
    for count in 1..=7 {
        assert_eq!(read_all(count), "abcdGH", "{count}");
    }
    for (index, expected) in [(3, "cdGH"), (4, "dGH"), (5, "GH"), (6, "H"), (7, ""), (1000, "")] {
        let page =
            directory.scim.get(format!("/?startIndex={index}")).expect(200).containing(&json!({ "totalResults": 6 }));
        assert_eq!(directory.letters(&page), expected, "startIndex {index}");
    }
    let whole = directory.scim.get("").expect(200);
    whole.check(whole["Resources"][4]["members"].is_array(), "expected members");
    whole.check(whole["Resources"][1]["groups"].is_array(), "expected groups");
}

fn slash_behind_a_search_is_ignored(target: &Target) {
    let scim = target.client();
    let name = unique("slash");
    let id = scim.post("/Users", &json!({ "userName": name })).expect(201).id();
    let body = json!({ "schemas": [SEARCH], "filter": format!("userName eq \"{name}\"") });
    for path in ["/Users/.search", "/Users/.search/", "/.search/"] {
        let found = scim.post(path, &body).expect(200);
        let found: Vec<&str> = found.resources().iter().filter_map(|user| user["id"].as_str()).collect();
        assert_eq!(found, [id.as_str()], "{path}");
    }
}

fn search_is_projected(target: &Target) {
    let directory = SampleDirectory::create(target);
    let body = json!({ "filter": directory.filter("userName ew \".a\""), "attributes": ["title", "name.familyName"] });
    let found = directory.scim.post("/Users/.search", &body).expect(200);
    let user = json!({ "id": "*", "title": "b", "name": { "familyName": "Zed" }, "userName": null, "meta": null });
    found.containing(
        &json!({ "schemas": [LIST], "totalResults": 1, "startIndex": 1, "itemsPerPage": 1, "Resources": [user] }),
    );
    let body = json!({ "filter": directory.filter("members pr"), "excludedAttributes": ["MEMBERS"], "unknown": {} });
    let found = directory.scim.post("/.search", &body).expect(200);
    found.containing(&json!({ "Resources": [{ "displayName": "*", "members": null }] }));
    let body = json!({ "filter": directory.filter(""), "excludedAttributes": ["id", "schemas", "displayName"] });
    let found = directory.scim.post("/.search", &body).expect(200);
    for one in found.resources() {
        found.check(one["id"].is_string() && one["schemas"].is_array(), "expected id and schemas");
        found.check(one["displayName"].is_null(), "expected no displayName");
    }
}

fn invalid_search_or_sort_returns_400(target: &Target) {
    let scim = target.client();
    for (parameters, scim_type, says) in [
        (&[("sortBy", "nope")][..], "invalidPath", "nope"),
        (&[("sortBy", "members")], "invalidPath", "members"),
        (&[("sortBy", "name")], "invalidValue", "name"),
        (&[("sortBy", "password")], "invalidValue", "password"),
        (&[("sortBy", "userName"), ("sortOrder", "up")], "invalidValue", "sortOrder"),
        (&[("attributes", "name[given")], "invalidPath", "name[given"),
        (&[("excludedAttributes", "a b")], "invalidPath", "a b"),
        (&[("attributes", "a"), ("excludedAttributes", "b")], "invalidValue", "together"),
        (&[("sortby", "userName")], "invalidSyntax", "sortBy"),
    ] {
        scim.list("/Users", parameters).expect_error(400, scim_type, &[says]);
    }
    for (body, scim_type, says) in [
        (json!({ "filter": 5 }), "invalidValue", "filter"),
        (json!({ "filter": "" }), "invalidFilter", "character 1"),
        (json!({ "count": "10" }), "invalidValue", "count"),
        (json!({ "startIndex": 1.5 }), "invalidValue", "startIndex"),
        (json!({ "attributes": "userName" }), "invalidValue", "attributes"),
        (json!({ "attributes": ["name[given"] }), "invalidPath", "name[given"),
        (json!({ "sortBy": "nope" }), "invalidPath", "nope"),
    ] {
        for endpoint in ["/Users/.search", "/Groups/.search", "/.search"] {
            scim.post(endpoint, &body).expect_error(400, scim_type, &[says]);
        }
    }
    scim.post("/Users/.search?filter=title%20pr", &json!({})).expect_error(400, "invalidSyntax", &["filter", "body"]);
    scim.send(&Request::new("POST", "/.search").bytes("[]")).expect_error(400, "invalidSyntax", &["array"]);
    for (method, path, allow) in
        [("GET", "/Users/.search", "POST"), ("DELETE", "/.search", "POST"), ("POST", "", "GET"), ("PUT", "/", "GET")]
    {
        let refused = scim.send(&Request::new(method, path)).expect_error(405, "", &[]);
        refused.check(refused.header("allow").contains(allow), "expected the method that the path supports");
    }
}
