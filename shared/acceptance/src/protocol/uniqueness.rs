//! Checks that a name has one owner, whatever the number of concurrent requests and the spelling (RFC 7644 §3.3;
//! §7.8; RFC 8265 §3.3 for userName).

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::parallel::send_all;
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    one_of_64_concurrent_creates_of_a_user_name_succeeds,
    one_of_64_concurrent_renames_to_a_user_name_succeeds,
    one_of_64_concurrent_creates_of_a_group_name_succeeds,
    user_name_may_change_its_spelling,
    spellings_of_one_name_in_unicode_have_one_owner,
];

const RACERS: usize = 64;

/// Four spellings of one name under PRECIS UsernameCaseMapped: plain, capitals, decomposed (NFD), full-width.
fn spellings(tag: &str) -> [String; 4] {
    let wide = |c: char| char::from_u32(u32::from(c) - u32::from('a') + u32::from('ａ')).unwrap();
    let full: String = tag.chars().map(|c| if c.is_ascii_lowercase() { wide(c) } else { c }).collect();
    [
        format!("jörg.ångström.{tag}@okta.example"),
        format!("JÖRG.ÅNGSTRÖM.{}@OKTA.EXAMPLE", tag.to_uppercase()),
        format!("jo\u{308}rg.a\u{30a}ngstro\u{308}m.{tag}@okta.example"),
        format!("ｊörg.ångström.{full}＠okta.example"),
    ]
}

/// Checks that one response has the status `success` and all others have 409, and returns the response of the
/// winner.
fn check_one_winner(target: &Target, answers: Vec<Answer>, success: u16, attribute: &str) -> Answer {
    let (mut won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status < 400);
    let winner = won.pop().expect("one request succeeds").expect(success);
    // If the repeat of a deferred request conflicts, the client returns the existing resource.
    won.retain(|other| !target.repeats_requests || other.id() != winner.id());
    assert!(won.is_empty(), "expected one winner, not {} more: {}", won.len(), won[0]);
    assert!(target.repeats_requests || lost.len() == RACERS - 1);
    for answer in lost {
        let answer = answer.expect_error(409, "uniqueness", &[attribute]);
        answer.check(!answer.text.contains(&winner.id()), "expected a detail that does not reveal the owner");
    }
    winner
}

fn one_of_64_concurrent_creates_of_a_user_name_succeeds(target: &Target) {
    let scim = target.client();
    let names = spellings(&unique("create"));
    let request = |number: usize| Request::new("POST", "/Users").json(&json!({ "userName": names[number % 4] }));
    let requests: Vec<Request> = (0..RACERS).map(request).collect();
    let winner = check_one_winner(target, send_all(&scim, &requests), 201, "userName");

    for name in &names {
        let found = scim.find("/Users", &format!("userName eq \"{name}\""));
        assert_eq!(found, std::slice::from_ref(&winner.body), "expected to find {name}");
    }
    let path = format!("/Users/{}", winner.id());
    scim.delete(&path).expect(204);
    scim.post("/Users", &json!({ "userName": names[1] })).expect(201);
}

fn one_of_64_concurrent_renames_to_a_user_name_succeeds(target: &Target) {
    let scim = target.client();
    let tag = unique("rename");
    let names = spellings(&tag);
    let old: Vec<String> = (0..RACERS).map(|number| format!("{tag}.before.{number}")).collect();
    let create = |name: &String| scim.post("/Users", &json!({ "userName": name })).expect(201).id();
    let ids: Vec<String> = old.iter().map(create).collect();
    let requests: Vec<Request> =
        ids.iter().enumerate().map(|(number, id)| rename(number, id, &names[number % 4])).collect();
    let winner = check_one_winner(target, send_all(&scim, &requests), 200, "userName");

    let mut freed = 0;
    for (name, id) in old.iter().zip(&ids) {
        let found = scim.find("/Users", &format!("userName eq \"{name}\""));
        if *id == winner.id() {
            assert_eq!(found, [] as [Value; 0], "expected the old name of the winner to be available");
            scim.post("/Users", &json!({ "userName": name })).expect(201);
            freed += 1;
        } else {
            assert_eq!(found.len(), 1, "expected {name} to be kept");
            assert_eq!(found[0]["id"], id.as_str());
        }
    }
    assert_eq!(freed, 1);
    assert_eq!(scim.find("/Users", &format!("userName eq \"{}\"", names[0])), [winner.body]);
}

/// A request that renames a user: every other one is a PUT, the rest are PATCHes.
fn rename(number: usize, id: &str, name: &str) -> Request {
    let path = format!("/Users/{id}");
    if number.is_multiple_of(2) {
        return Request::new("PUT", path).json(&json!({ "userName": name }));
    }
    let operations = json!([{ "op": "replace", "path": "userName", "value": name }]);
    Request::new("PATCH", path).json(&json!({ "schemas": [crate::client::PATCH], "Operations": operations }))
}

fn one_of_64_concurrent_creates_of_a_group_name_succeeds(target: &Target) {
    let scim = target.client();
    let tag = unique("crew ");
    let names = [
        format!("Ärger {tag}"),
        format!("ÄRGER {}", tag.to_uppercase()),
        format!("ärger {tag}"),
        format!("äRGER {tag}"),
    ];
    let request = |number: usize| Request::new("POST", "/Groups").json(&json!({ "displayName": names[number % 4] }));
    let requests: Vec<Request> = (0..RACERS).map(request).collect();
    let winner = check_one_winner(target, send_all(&scim, &requests), 201, "displayName");

    for name in &names {
        let found = scim.find("/Groups", &format!("displayName eq \"{name}\""));
        assert_eq!(found.len(), 1, "expected to find {name}");
        assert_eq!(found[0]["id"], winner["id"]);
    }
    let path = format!("/Groups/{}", winner.id());
    let other = unique("other ");
    scim.put(&path, &json!({ "displayName": other })).expect(200);
    let taken = scim.post("/Groups", &json!({ "displayName": names[0] })).expect(201).id();
    scim.patch(&path, &json!([{ "op": "replace", "path": "displayName", "value": names[2] }])).expect_error(
        409,
        "uniqueness",
        &["displayName"],
    );
    scim.put(&path, &json!({ "displayName": names[2] })).expect_error(409, "uniqueness", &["displayName"]);
    scim.delete(format!("/Groups/{taken}")).expect(204);
    scim.put(&path, &json!({ "displayName": names[2] })).expect(200);
}

fn user_name_may_change_its_spelling(target: &Target) {
    let scim = target.client();
    let names = spellings(&unique("spelt"));
    let path = format!("/Users/{}", scim.post("/Users", &json!({ "userName": names[0] })).expect(201).id());
    for name in names.iter().rev() {
        scim.put(&path, &json!({ "userName": name })).expect(200).containing(&json!({ "userName": name }));
        scim.get(&path).expect(200).containing(&json!({ "userName": name }));
    }
}

/// A reader cannot distinguish these spellings: `é` as one code point or as two, and the small sigma within a word or
/// at its end, which have the same capital.
fn spellings_of_one_name_in_unicode_have_one_owner(target: &Target) {
    let scim = target.client();
    for names in [vec!["Café", "Cafe\u{301}", "CAFÉ", "CAFE\u{301}"], vec!["ΟΔΟΣ", "οδος", "οδοσ", "Οδος"]]
    {
        for (endpoint, attribute) in [("/Users", "userName"), ("/Groups", "displayName")] {
            let tag = unique("n");
            let names: Vec<String> = names.iter().map(|name| format!("{tag}.{name}")).collect();
            let other = scim.post(endpoint, &json!({ attribute: tag })).expect(201).id();
            for owned in &names {
                let owner = scim.post(endpoint, &json!({ attribute: owned })).expect(201).id();
                for name in &names {
                    let taken = json!({ attribute: name });
                    scim.post(endpoint, &taken).expect_error(409, "uniqueness", &[attribute]);
                    scim.put(format!("{endpoint}/{other}"), &taken).expect_error(409, "uniqueness", &[attribute]);
                    let found = scim.find(endpoint, &format!("{attribute} eq \"{name}\""));
                    assert_eq!(found.len(), 1, "expected {owned} to be found by {name}");
                    assert_eq!(found[0]["id"], owner.as_str());
                }
                scim.delete(format!("{endpoint}/{owner}")).expect(204);
            }
        }
    }
}
