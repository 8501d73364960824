//! Checks of versions: `meta.version` and `ETag`, what `If-None-Match` and `If-Match` decide, and that no race
//! circumvents them (RFC 7644 §3.14; RFC 9110 §13).

use serde_json::{Value, json};

use crate::answer::{Answer, values};
use crate::client::{Client, PATCH};
use crate::parallel::send_all;
use crate::request::Request;
use crate::target::{Target, unique};

checks![
    every_answer_with_a_resource_has_its_version,
    matching_if_none_match_returns_304,
    group_membership_does_not_change_the_users_version,
    member_changes_change_the_groups_version,
    stale_if_match_returns_412_and_changes_nothing,
    missing_resource_returns_404_whatever_the_condition,
    one_of_16_concurrent_patches_with_if_match_succeeds: SingleAnswers,
    one_of_16_concurrent_puts_with_if_match_succeeds: SingleAnswers,
    one_of_16_concurrent_member_changes_with_if_match_succeeds: SingleAnswers,
    concurrent_deletes_and_changes_with_if_match_have_one_winner: SingleAnswers,
];

const RACERS: usize = 16;

fn new_user(scim: &Client) -> Answer {
    scim.post("/Users", &json!({ "userName": unique("versioned"), "title": "T" })).expect(201)
}

fn patch(path: &str, operations: &Value) -> Request {
    Request::new("PATCH", path).json(&json!({ "schemas": [PATCH], "Operations": operations }))
}

fn retitle(path: &str, title: &str) -> Request {
    patch(path, &json!([{ "op": "replace", "path": "title", "value": title }]))
}

/// The `ETag`, which must equal `meta.version` if there is a body.
fn tag(answer: &Answer) -> String {
    let tag = answer.header("etag").to_owned();
    answer.check(tag.starts_with("W/\"") && tag.ends_with('"'), "expected a weak entity tag");
    if answer.body["meta"].is_object() {
        answer.check(answer["meta"]["version"] == tag.as_str(), "expected ETag equal to meta.version");
    }
    tag
}

fn every_answer_with_a_resource_has_its_version(target: &Target) {
    let scim = target.client();
    for (endpoint, attribute) in [("/Users", "userName"), ("/Groups", "displayName")] {
        let name = unique("tagged");
        let created = scim.post(endpoint, &json!({ attribute: name })).expect(201);
        let path = format!("{endpoint}/{}", created.id());
        let first = tag(&created);
        assert_eq!(tag(&scim.get(&path).expect(200)), first);
        let listed = scim.list(endpoint, &[("filter", &format!("{attribute} eq \"{name}\""))]).expect(200);
        assert_eq!(listed["Resources"][0]["meta"]["version"], first.as_str());

        let put = scim.put(&path, &json!({ attribute: name, "externalId": "1" })).expect(200);
        let second = tag(&put);
        let change = json!([{ "op": "replace", "path": "externalId", "value": "2" }]);
        let third = tag(&scim.patch(&path, &change).expect(200));
        assert!(first != second && second != third && first != third);
        assert_eq!(
            tag(&scim.patch(&path, &change).expect(200)),
            third,
            "expected a change without effect to keep the version"
        );
        let minimal = patch(&path, &json!([{ "op": "replace", "path": "externalId", "value": "3" }]));
        let minimal = scim.send(&minimal.header("Prefer", "return=minimal")).expect(204);
        let projected = scim.get(format!("{path}?attributes=externalId")).expect(200);
        projected.check(projected["meta"].is_null(), "expected no meta");
        assert_eq!(tag(&projected), tag(&minimal), "expected the header without meta and without a body");
    }
}

fn matching_if_none_match_returns_304(target: &Target) {
    let scim = target.client();
    let user = new_user(&scim);
    let group = scim.post("/Groups", &json!({ "displayName": unique("Known ") })).expect(201);
    for (path, known) in [
        (format!("/Users/{}?excludedAttributes=groups", user.id()), tag(&user)),
        (format!("/Groups/{}", group.id()), tag(&group)),
    ] {
        let read = |tags: &str| scim.send(&Request::new("GET", &path).header("If-None-Match", tags));
        let strong = known.trim_start_matches("W/").to_owned();
        for tags in [known.clone(), strong, "*".to_owned(), format!("\"x\", {known}"), format!("W/\"0\",{known}")] {
            let answer = read(&tags);
            answer.check(answer.status == 304 && answer.text.is_empty(), &format!("expected 304 for {tags}"));
            assert_eq!(answer.header("etag"), known);
        }
        for tags in ["W/\"0\"", "\"x\"", "0", ""] {
            assert_eq!(tag(&read(tags).expect(200)), known, "{tags}");
        }
    }
}

/// The groups of a user change without its version, so the service always sends a response that contains them.
fn group_membership_does_not_change_the_users_version(target: &Target) {
    let scim = target.client();
    let user = new_user(&scim);
    let path = format!("/Users/{}", user.id());
    let known = tag(&user);
    let group = json!({ "displayName": unique("Later "), "members": [{ "value": user.id() }] });
    scim.post("/Groups", &group).expect(201);
    let read = scim.send(&Request::new("GET", &path).header("If-None-Match", known.clone())).expect(200);
    read.check(read["groups"].as_array().is_some_and(|groups| groups.len() == 1), "expected the group");
    assert_eq!(tag(&read), known);
}

fn member_changes_change_the_groups_version(target: &Target) {
    let scim = target.client();
    let (one, other) = (new_user(&scim).id(), new_user(&scim).id());
    let group = scim.post("/Groups", &json!({ "displayName": unique("Fluid ") })).expect(201);
    let path = format!("/Groups/{}", group.id());
    let mut seen = vec![tag(&group)];
    let add = |id: &str| json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
    for operations in
        [add(&one), add(&other), json!([{ "op": "remove", "path": format!("members[value eq \"{one}\"]") }])]
    {
        let now = tag(&scim.patch(&path, &operations).expect(200));
        assert!(!seen.contains(&now), "expected a new version after {operations}");
        seen.push(now);
    }
    assert_eq!(
        tag(&scim.patch(&path, &add(&other)).expect(200)),
        seen[3],
        "expected a repeated add to keep the version"
    );
    scim.delete(format!("/Users/{other}")).expect(204);
    let read = scim.send(&Request::new("GET", &path).header("If-None-Match", seen[3].clone())).expect(200);
    read.check(read["members"].is_null() && !seen.contains(&tag(&read)), "expected a new version without the member");
}

fn stale_if_match_returns_412_and_changes_nothing(target: &Target) {
    let scim = target.client();
    let user = new_user(&scim);
    let path = format!("/Users/{}", user.id());
    let name = user["userName"].clone();
    let put = || Request::new("PUT", &path).json(&json!({ "userName": name, "title": "Put" }));
    let stale = tag(&user);
    let current = tag(&scim.send(&retitle(&path, "Newer")).expect(200));
    let before = scim.get(&path).expect(200).text;
    for tags in [stale.as_str(), "\"x\"", "", "1", "W/\"0\", \"x\"", "\"x\", *", "\u{e9}"] {
        for request in [put(), retitle(&path, "Stale"), Request::new("DELETE", &path), Request::new("GET", &path)] {
            scim.send(&request.header("If-Match", tags)).expect_error(412, "", &["If-Match"]);
        }
    }
    for tags in [current.as_str(), "*", "\"x\", *x*, W/\"0\""] {
        let tags = if tags.starts_with('"') { format!("\"x\", {current}") } else { tags.to_owned() };
        for request in [put(), retitle(&path, "Stale"), Request::new("DELETE", &path)] {
            scim.send(&request.header("If-None-Match", tags.as_str())).expect_error(412, "", &["If-None-Match"]);
        }
    }
    assert_eq!(scim.get(&path).expect(200).text, before, "expected a rejected change to change nothing");

    let lists = [current.clone(), format!("\"x\", {current}"), "*".to_owned()];
    scim.send(&Request::new("GET", &path).header("If-Match", lists[1].as_str())).expect(200);
    let mut now = tag(&scim
        .send(&put().header("If-Match", lists[1].as_str()))
        .expect(200)
        .containing(&json!({ "title": "Put" })));
    now = tag(&scim
        .send(&retitle(&path, "Patched").header("If-Match", now))
        .expect(200)
        .containing(&json!({ "title": "Patched" })));
    scim.send(&retitle(&path, "Any").header("If-Match", "*")).expect(200);
    scim.send(&Request::new("DELETE", &path).header("If-Match", now)).expect_error(412, "", &[]);
    let last = tag(&scim.get(&path).expect(200));
    scim.send(&Request::new("DELETE", &path).header("If-Match", last)).expect(204);
    scim.get(&path).expect_error(404, "", &[]);
}

/// A failure that does not depend on the condition takes precedence (RFC 9110 §13.2.1).
fn missing_resource_returns_404_whatever_the_condition(target: &Target) {
    let scim = target.client();
    let user = new_user(&scim);
    let path = format!("/Users/{}", user.id());
    scim.delete(&path).expect(204);
    for name in ["If-Match", "If-None-Match"] {
        for tags in ["*".to_owned(), tag(&user), "\"x\"".to_owned()] {
            for request in [
                Request::new("PUT", &path).json(&json!({ "userName": unique("ghost") })),
                retitle(&path, "Ghost"),
                Request::new("DELETE", &path),
                Request::new("GET", &path),
            ] {
                let answer = scim.send(&request.header(name, tags.as_str()));
                // A client that repeats requests takes the 404 of a repeated DELETE for the success of the first
                // attempt.
                if !(scim.is_repeating() && answer.status == 204) {
                    answer.expect_error(404, "", &[]);
                }
            }
        }
    }
}

/// Checks that exactly one of several requests with the same version succeeds and that all others return 412;
/// returns its number and its response.
fn check_one_success(answers: Vec<Answer>, success: u16) -> (usize, Answer) {
    let mut winner = None;
    for (number, answer) in answers.into_iter().enumerate() {
        if answer.status == success {
            assert!(winner.is_none(), "expected no second success: {}", answer);
            winner = Some((number, answer.expect(success)));
        } else {
            answer.expect_error(412, "", &["If-Match"]);
        }
    }
    winner.expect("one request succeeds")
}

fn one_of_16_concurrent_patches_with_if_match_succeeds(target: &Target) {
    let scim = target.client();
    let user = new_user(&scim);
    let path = format!("/Users/{}", user.id());
    let attributes = |number: usize| json!({ "title": format!("T{number}"), "emails": [{ "value": format!("{number}@race.example") }] });
    let racer = |number| {
        patch(&path, &json!([{ "op": "replace", "value": attributes(number) }])).header("If-Match", tag(&user))
    };
    let requests: Vec<Request> = (0..RACERS).map(racer).collect();
    let (number, answer) = check_one_success(send_all(&scim, &requests), 200);
    let read = scim.get(&path).expect(200).containing(&attributes(number));
    assert_eq!(read.body, answer.body, "expected the answer of the winner to be the resource");
    for other in (0..RACERS).filter(|other| *other != number) {
        assert!(
            scim.find("/Users", &format!("emails.value eq \"{other}@race.example\" and id eq \"{}\"", user.id()))
                .is_empty()
        );
    }
}

fn one_of_16_concurrent_puts_with_if_match_succeeds(target: &Target) {
    let scim = target.client();
    let user = new_user(&scim);
    let path = format!("/Users/{}", user.id());
    // All requests take the same new name. The losers fail because of their version, and not because of the name.
    let name = unique("renamed");
    let racer = |number: usize| {
        let body = json!({ "userName": name, "title": format!("T{number}") });
        Request::new("PUT", &path).json(&body).header("If-Match", tag(&user))
    };
    let requests: Vec<Request> = (0..RACERS).map(racer).collect();
    let (number, _) = check_one_success(send_all(&scim, &requests), 200);
    scim.get(&path).expect(200).containing(&json!({ "userName": name, "title": format!("T{number}") }));
}

fn one_of_16_concurrent_member_changes_with_if_match_succeeds(target: &Target) {
    let scim = target.client();
    let users: Vec<String> = (0..RACERS).map(|_| new_user(&scim).id()).collect();
    let group = scim.post("/Groups", &json!({ "displayName": unique("Raced ") })).expect(201);
    let path = format!("/Groups/{}", group.id());
    let racer = |id: &String| {
        patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]))
            .header("If-Match", tag(&group))
    };
    let requests: Vec<Request> = users.iter().map(racer).collect();
    let (number, _) = check_one_success(send_all(&scim, &requests), 200);
    assert_eq!(values(&scim.get(&path).expect(200)["members"]), [users[number].clone()]);
    for (other, id) in users.iter().enumerate() {
        let groups = values(&scim.get(format!("/Users/{id}")).expect(200)["groups"]);
        assert_eq!(groups.len(), usize::from(other == number), "groups of user {other}");
    }
}

/// Concurrent changes and deletes have the same version: either one change succeeds and the resource exists, or a
/// delete succeeds and no change does.
fn concurrent_deletes_and_changes_with_if_match_have_one_winner(target: &Target) {
    let scim = target.client();
    for _ in 0..4 {
        let user = new_user(&scim);
        let path = format!("/Users/{}", user.id());
        let racer = |number: usize| match number % 2 {
            0 => retitle(&path, &format!("T{number}")).header("If-Match", tag(&user)),
            _ => Request::new("DELETE", &path).header("If-Match", tag(&user)),
        };
        let requests: Vec<Request> = (0..8).map(racer).collect();
        let answers = send_all(&scim, &requests);
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        let through = statuses.iter().filter(|status| **status < 300).count();
        assert_eq!(through, 1, "{statuses:?}");
        if statuses.contains(&204) {
            assert!(statuses.iter().all(|status| [204, 412, 404].contains(status)), "{statuses:?}");
            scim.get(&path).expect_error(404, "", &[]);
        } else {
            assert!(statuses.iter().all(|status| [200, 412].contains(status)), "{statuses:?}");
            let number = statuses.iter().position(|status| *status == 200).unwrap();
            scim.get(&path).expect(200).containing(&json!({ "title": format!("T{number}") }));
        }
    }
}
