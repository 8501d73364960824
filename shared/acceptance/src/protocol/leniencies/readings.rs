//! Checks of requests that could be understood as something else than what the client meant: the service carries out
//! what was meant, or rejects the request without any change. All of them are sent by real clients.

use serde_json::{Value, json};

use crate::answer::{Answer, values};
use crate::client::{Client, ENTERPRISE};
use crate::protocol::groups::{group, users};
use crate::raw::send;
use crate::request::{encode, query};
use crate::target::{Target, unique};

checks![
    members_that_are_no_ids_are_rejected,
    replacement_by_unknown_members_alone_is_rejected,
    filter_that_identifies_creates_no_value,
    removal_of_what_is_not_there_succeeds,
    wrapped_and_nested_values_are_understood,
    user_always_has_active,
    patch_of_unknown_attributes_alone_is_rejected,
    filters_on_members_see_earlier_operations,
    unquoted_number_is_a_name,
    unencoded_plus_sign_finds_the_name_with_it,
    misspelt_filter_returns_no_list,
    url_that_is_not_utf_8_is_rejected: PlainHttp,
];

/// A user with an e-mail address, as its path.
pub(super) fn user(scim: &Client) -> String {
    let name = unique("reading");
    let body = json!({ "userName": name, "active": true, "emails": [{ "value": "w@a.example", "type": "work" }] });
    format!("/Users/{}", scim.post("/Users", &body).expect(201).id())
}

/// The ids of a group's members.
pub(super) fn members(group: &Answer) -> Vec<String> {
    values(&group["members"])
}

/// Checks that each operation is rejected and changes nothing.
pub(super) fn rejected(scim: &Client, path: &str, scim_type: &str, operations: Vec<Value>) {
    let before = scim.get(path).expect(200).text;
    for operation in operations {
        scim.patch(path, &json!([operation])).expect_error(400, scim_type, &[]);
        assert_eq!(scim.get(path).expect(200).text, before, "{operation}");
    }
}

fn members_that_are_no_ids_are_rejected(target: &Target) {
    let scim = target.client();
    let mut ids = users(&scim, 2);
    ids.sort();
    let path = format!("/Groups/{}", group(&scim, &ids));
    let texts = [
        json!(format!("[{{\"value\":\"{}\"}}]", ids[0])),
        json!([format!("{{\"value\":\"{}\"}}", ids[0])]),
        json!([{ "value": format!("{{\"value\":\"{}\"}}", ids[0]) }]),
        json!(ids.join(",")),
        json!("null"),
        json!("[]"),
        json!(""),
        json!("ada@a.example"),
        json!(["ada@a.example"]),
        json!([{ "value": ids.join(",") }, { "value": ids[0] }]),
        json!([{ "value": "ada@a.example" }, { "value": ids[0] }]),
    ];
    for op in ["replace", "add", "remove"] {
        let operations = texts.iter().map(|text| json!({ "op": op, "path": "members", "value": text }));
        rejected(&scim, &path, "invalidValue", operations.collect());
    }
    for text in texts {
        let body = json!({ "displayName": unique("Readings "), "members": text });
        scim.post("/Groups", &body).expect_error(400, "invalidValue", &["members"]);
        scim.put(&path, &body).expect_error(400, "invalidValue", &["members"]);
    }
    assert_eq!(members(&scim.get(&path).expect(200)), ids);
}

fn replacement_by_unknown_members_alone_is_rejected(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 2);
    let id = group(&scim, &ids);
    let path = format!("/Groups/{id}");
    let nobody = json!([{ "value": "0191b1c8-7a60-7c3e-8a3e-0123456789ab" }]);
    rejected(
        &scim,
        &path,
        "invalidValue",
        vec![
            json!({ "op": "replace", "path": "members", "value": nobody }),
            json!({ "op": "replace", "value": { "members": [{ "value": "ada@a.example" }] } }),
        ],
    );
    let name = scim.get(&path).expect(200)["displayName"].clone();
    let body = json!({ "displayName": name, "members": nobody });
    scim.put(&path, &body).expect_error(400, "invalidValue", &["members"]);
    // One that exists is enough, and an empty array means an empty group.
    let one = json!([{ "value": ids[0] }, nobody[0]]);
    let replace = |value: Value| json!([{ "op": "replace", "path": "members", "value": value }]);
    assert_eq!(members(&scim.patch(&path, &replace(one)).expect(200)), ids[..1]);
    assert!(members(&scim.patch(&path, &replace(json!([]))).expect(200)).is_empty());
    assert!(members(&scim.patch(&path, &replace(nobody)).expect(200)).is_empty());
}

fn filter_that_identifies_creates_no_value(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    let operation = |path: &str| json!({ "op": "replace", "path": path, "value": "x" });
    let paths = [
        "roles[value eq \"admin\"].display",
        "emails[value eq \"gone@a.example\"].type",
        "emails[display eq \"D\"].value",
    ];
    rejected(&scim, &path, "noTarget", paths.map(operation).to_vec());
}

fn removal_of_what_is_not_there_succeeds(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    let operations = json!([
        { "op": "Replace", "path": "active", "value": "False" },
        { "op": "Remove", "path": "phoneNumbers[type eq \"mobile\"].value" },
        { "op": "Remove", "path": "emails[value eq \"gone@a.example\"]" },
        { "op": "Remove", "path": format!("{ENTERPRISE}:manager[value eq \"nobody\"]") },
        { "op": "remove", "path": "nickName" },
    ]);
    let after = scim.patch(&path, &operations).expect(200);
    after.containing(&json!({ "active": false, "emails": [{ "value": "w@a.example" }] }));
}

fn wrapped_and_nested_values_are_understood(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    for (operation, expected) in [
        (json!({ "op": "replace", "path": "active", "value": ["false"] }), json!({ "active": false })),
        (
            json!({ "op": "replace", "path": "preferredLanguage", "value": ["de"] }),
            json!({ "preferredLanguage": "de" }),
        ),
        (
            json!({ "op": "Replace", "path": "displayName", "value": [{ "$ref": null, "value": "x" }] }),
            json!({ "displayName": "x" }),
        ),
        (
            json!({ "op": "replace", "path": "emails", "value": ["{\"value\":\"z@a.example\"}"] }),
            json!({ "emails": [{ "value": "z@a.example" }] }),
        ),
        (
            json!({ "op": "Add", "path": "roles", "value": [{ "value": "{\"id\":\"1\",\"value\":\"Admin\",\"displayName\":\"A\"}" }] }),
            json!({ "roles": [{ "value": "Admin", "display": "A" }] }),
        ),
        (
            json!({ "op": "replace", "path": "emails", "value": { "emails": [{ "value": "y@a.example" }] } }),
            json!({ "emails": [{ "value": "y@a.example" }] }),
        ),
        (
            json!({ "op": "replace", "path": format!("{ENTERPRISE}.employeeNumber"), "value": "7" }),
            json!({ ENTERPRISE: { "employeeNumber": "7" } }),
        ),
    ] {
        scim.patch(&path, &json!([operation])).expect(200).containing(&expected);
    }
    rejected(
        &scim,
        &path,
        "invalidValue",
        vec![
            json!({ "op": "replace", "path": "active", "value": ["true", "false"] }),
            json!({ "op": "replace", "path": "emails", "value": "[{\"value\":\"z@a.example\"}]" }),
            json!({ "op": "replace", "path": format!("{ENTERPRISE}:manager.value"), "value": "{\"value\":\"m\"}" }),
        ],
    );
}

fn user_always_has_active(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    scim.patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }])).expect(200);
    rejected(
        &scim,
        &path,
        "invalidValue",
        vec![
            json!({ "op": "replace", "path": "active", "value": null }),
            json!({ "op": "replace", "path": "active", "value": "" }),
            json!({ "op": "replace", "value": { "active": null } }),
            json!({ "op": "remove", "path": "active" }),
        ],
    );
    let name = scim.get(&path).expect(200)["userName"].clone();
    for active in [Value::Null, json!("")] {
        let body = json!({ "userName": name, "active": active });
        scim.put(&path, &body).expect(200).containing(&json!({ "active": false }));
    }
    let id = path.trim_start_matches("/Users/");
    assert_eq!(scim.find("/Users", &format!("id eq \"{id}\" and active eq false")).len(), 1);
}

fn patch_of_unknown_attributes_alone_is_rejected(target: &Target) {
    let scim = target.client();
    let path = user(&scim);
    let operations = vec![
        json!({ "op": "replace", "value": { "shoeSize": 43 } }),
        json!({ "op": "add", "path": "shoeSize", "value": 43 }),
    ];
    rejected(&scim, &path, "invalidPath", operations);
    let both = json!([{ "op": "replace", "value": { "shoeSize": 43, "title": "T" } }]);
    scim.patch(&path, &both).expect(200).containing(&json!({ "title": "T", "shoeSize": null }));
}

/// RFC 7644 §3.5.2: operations are applied one after the other.
fn filters_on_members_see_earlier_operations(target: &Target) {
    let scim = target.client();
    let ids = users(&scim, 1);
    let inner = group(&scim, &[]);
    let add = json!({ "op": "add", "path": "members", "value": [{ "value": ids[0] }] });
    let replace = json!({ "op": "replace", "path": "members", "value": [{ "value": ids[0] }] });
    let remove = |filter: &str| json!({ "op": "remove", "path": format!("members[{filter}]") });
    let named = json!([{ "value": ids[0], "display": "Z" }]);
    let plain = json!([{ "value": ids[0], "display": null }]);
    for (operations, expected) in [
        (json!([add, remove("not (display pr)")]), &named),
        (json!([add, remove("display eq \"Z\"")]), &json!([])),
        (json!([replace, remove("display eq \"Z\"")]), &json!([])),
        (json!([replace, remove("not (display pr)")]), &named),
        (json!([{ "op": "remove", "path": "members" }, add]), &plain),
        (json!([remove(&format!("value eq \"{}\"", ids[0])), add]), &plain),
        (
            json!([{ "op": "add", "path": "members", "value": [{ "value": inner }] }, remove("type eq \"Group\"")]),
            &named,
        ),
    ] {
        let body = json!({ "displayName": unique("Order "), "members": named });
        let path = format!("/Groups/{}", scim.post("/Groups", &body).expect(201).id());
        for answer in [scim.patch(&path, &operations).expect(200), scim.get(&path).expect(200)] {
            let count = members(&answer).len();
            assert_eq!(count, expected.as_array().unwrap().len(), "{operations}");
            if count > 0 {
                answer.containing(&json!({ "members": expected }));
            }
        }
    }
}

fn unquoted_number_is_a_name(target: &Target) {
    let scim = target.client();
    let number = unique("").chars().filter(char::is_ascii_digit).collect::<String>();
    let number = format!("7{number}");
    let id = scim.post("/Users", &json!({ "userName": number, "externalId": number })).expect(201).id();
    for filter in [format!("userName eq {number}"), format!("externalId eq {number}")] {
        let found = scim.find("/Users", &filter);
        assert_eq!(found.iter().map(|user| user["id"].clone()).collect::<Vec<_>>(), [json!(id)], "{filter}");
    }
}

fn unencoded_plus_sign_finds_the_name_with_it(target: &Target) {
    let scim = target.client();
    let name = format!("{}@a.example", unique("plus+tag"));
    let id = scim.post("/Users", &json!({ "userName": name })).expect(201).id();
    let filter = encode(&format!("userName eq \"{name}\"")).replace("%2B", "+");
    assert!(filter.contains('+'), "{filter}");
    let found = scim.get(format!("/Users?filter={filter}")).expect(200);
    found.containing(&json!({ "totalResults": 1, "Resources": [{ "id": id }] }));
    // If a user has the name with a space, the plus sign is a space.
    let spaced = scim.post("/Users", &json!({ "userName": name.replace('+', " ") })).expect(201).id();
    scim.get(format!("/Users?filter={filter}")).expect(200).containing(&json!({ "Resources": [{ "id": spaced }] }));
}

fn misspelt_filter_returns_no_list(target: &Target) {
    let scim = target.client();
    for name in ["$filter", "filters", "filter[]", "fliter", "search", "q", "amp;filter", "aadOptscim062020?filter"] {
        let parameters = query(&[(name, "userName eq \"nobody\"")]);
        for endpoint in ["/Users", "/Groups", ""] {
            scim.get(format!("{endpoint}?{parameters}")).expect_error(400, "invalidSyntax", &["filter"]);
        }
    }
    let raw = "/Users?aadOptscim062020?filter=userName%20eq%20%22nobody%22";
    scim.get(raw).expect_error(400, "invalidSyntax", &["filter"]);
    scim.get("/Users?unknown=1&count=0").expect(200);
}

/// RFC 3986 §2.5.
fn url_that_is_not_utf_8_is_rejected(target: &Target) {
    for path in [
        "/Users?filter=userName%20eq%20%22jos%E9%22",
        "/Users?attributes=%E9",
        "/Users?sortBy=%FF",
        "/Users/jos%E9",
        "/Groups/%C3",
    ] {
        let answer = send(target, "GET", path, &[], b"");
        assert_eq!((answer.status, answer.json()["status"].clone()), (400, json!("400")), "{path}");
    }
}
