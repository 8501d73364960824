//! Checks of ids and values that contain the separators of a path or of a key in the table (RFC 7644 §3.4.1, RFC
//! 3986 §2.2).

use serde_json::{Value, json};

use crate::protocol::bulk;
use crate::security::hostile::texts::create_user_and_group;
use crate::target::{Target, unique};

checks![
    id_with_separators_around_it_returns_404,
    id_with_separators_around_it_in_a_body_is_unknown,
    value_that_contains_an_id_finds_its_own_user_only,
];

/// Path segments that contain the id and a separator or other characters.
fn with_separators(id: &str) -> Vec<String> {
    let ways = [
        "ID%23",
        "ID%23x",
        "%23ID",
        "user%23ID",
        "ID%2F",
        "%252FID",
        "ID%2F..%2FID",
        "..%2FUsers%2FID",
        "ID%252F",
        "ID%00",
        "ID%0A",
        "%20ID",
        "ID%3F",
        "ID;a=b",
        "ID%5C",
        "ID*",
        "%7BID%7D",
        "bulkId:ID",
    ];
    ways.iter().map(|way| way.replace("ID", id)).collect()
}

fn id_with_separators_around_it_returns_404(target: &Target) {
    let scim = target.client();
    let (user, group, before) = create_user_and_group(&scim);
    let change = json!([{ "op": "replace", "value": { "displayName": unique("changed") } }]);
    for (endpoint, path) in [("/Users", &user), ("/Groups", &group)] {
        let id = path.rsplit('/').next().unwrap();
        let absent = scim.get(format!("{endpoint}/nobody")).text;
        for id in with_separators(id) {
            let path = format!("{endpoint}/{id}");
            let body = json!({ "userName": unique("changed"), "displayName": unique("changed") });
            for answer in [scim.get(&path), scim.put(&path, &body), scim.patch(&path, &change), scim.delete(&path)] {
                let answer = answer.expect_error(404, "", &[]);
                answer.check(answer.text == absent, "expected the answer for an unknown id");
            }
        }
        assert!(scim.find(endpoint, &format!("id eq \"{id}#\" or id eq \"{id}/\" or id sw \"{id}#\"")).is_empty());
    }
    assert_eq!([&user, &group].map(|path| scim.get(path).expect(200).text), before);
}

fn id_with_separators_around_it_in_a_body_is_unknown(target: &Target) {
    let scim = target.client();
    let (user, group, before) = create_user_and_group(&scim);
    for path in [&user, &group] {
        for (end, status) in [
            ("#", "400"),
            ("#x", "400"),
            ("?x", "400"),
            ("%23", "404"),
            ("%2F", "404"),
            ("/x", "404"),
            ("/../x", "404"),
            ("\u{0}", "404"),
        ] {
            bulk::check(&scim, &json!([bulk::delete(&format!("{path}{end}"))]), status);
        }
    }
    let id = user.rsplit('/').next().unwrap();
    let more = [format!("{id}#"), format!("#{id}"), format!("{id}/"), format!("{id}\u{0}")];
    for value in with_separators(id).into_iter().chain(more) {
        let body = json!({ "displayName": unique("crew"), "members": [{ "value": value }] });
        let made = scim.post("/Groups", &body);
        made.check(made.status == 400 || (made.status == 201 && made["members"].is_null()), "expected no member");
    }
    assert_eq!([&user, &group].map(|path| scim.get(path).expect(200).text), before);
}

/// A key in the table is a value and an id with `#` between them. A value that contains the id of another user must
/// still find only its own user.
fn value_that_contains_an_id_finds_its_own_user_only(target: &Target) {
    let scim = target.client();
    let value = unique("v");
    let new = |value: &str| -> Value {
        let user = json!({ "userName": unique("key"), "externalId": value, "emails": [{ "value": value }] });
        scim.post("/Users", &user).expect(201).body
    };
    let first = new(&value);
    let longer = format!("{value}#{}", first["id"].as_str().unwrap());
    let second = new(&longer);
    let third = new(&format!("{longer}#{}", second["id"].as_str().unwrap()));
    for attribute in ["externalId", "emails.value"] {
        for user in [&first, &second, &third] {
            let found = scim.find("/Users", &format!("{attribute} eq {}", user["externalId"]));
            assert_eq!(found.iter().map(|one| &one["id"]).collect::<Vec<_>>(), [&user["id"]], "{attribute}");
        }
    }
}
