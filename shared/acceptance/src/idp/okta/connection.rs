//! Okta's connection test, its existence check in every known spelling, and the forms in which it presents a token.

use serde_json::json;

use crate::client::LIST;
use crate::idp::okta::{Okta, profile, unique_user};
use crate::target::Target;

checks![
    connection_test_passes,
    connection_test_of_an_empty_directory_returns_empty_lists: EmptyDirectory,
    existence_check_is_understood_in_every_spelling,
    token_is_accepted_with_and_without_bearer,
    invalid_token_returns_401_with_a_challenge,
];

fn connection_test_passes(target: &Target) {
    let okta = Okta::of(target);
    for path in ["/Users?startIndex=1&count=2", "/Groups?startIndex=1&count=100"] {
        let answer = okta.scim.get(path).expect(200).containing(&json!({ "schemas": [LIST], "startIndex": 1 }));
        answer.check(
            answer["itemsPerPage"].as_u64() == Some(answer.resources().len() as u64),
            "expected itemsPerPage to be the number of Resources",
        );
    }
}

fn connection_test_of_an_empty_directory_returns_empty_lists(target: &Target) {
    let okta = Okta::of(target);
    for path in ["/Users?startIndex=1&count=2", "/Groups?startIndex=1&count=100"] {
        let empty = json!({ "totalResults": 0, "itemsPerPage": 0, "Resources": [] });
        okta.scim.get(path).expect(200).containing(&empty);
    }
}

fn existence_check_is_understood_in_every_spelling(target: &Target) {
    let okta = Okta::of(target);
    let name = unique_user();
    let check = |expected: u64| {
        let (local, domain) = name.split_once('@').unwrap();
        for path in [
            format!("/Users?filter=userName%20eq%20%22{local}%40{domain}%22&startIndex=1&count=100"),
            format!("/Users?filter=userName+eq+%22{local}%40{domain}%22&startIndex=1&count=100"),
            format!("/Users?filter=userName%20eq%20%22{local}@{domain}%22&startIndex=1&count=100"),
            format!("/Users?filter=userName+eq+%22{}%40{domain}%22&startIndex=1&count=100", local.to_uppercase()),
            format!("/Users?filter=USERNAME%20EQ%20%22{local}%40{domain}%22&startIndex=1&count=100&"),
            format!("/Users/?count=100&startIndex=1&filter=userName%20eq%20%22{local}%40{domain}%22"),
        ] {
            let answer = okta.scim.get(path).expect(200);
            let list =
                json!({ "schemas": [LIST], "totalResults": expected, "startIndex": 1, "itemsPerPage": expected });
            let answer = answer.containing(&list);
            answer.check(answer.resources().len() as u64 == expected, "expected as many Resources as totalResults");
        }
    };
    check(0);
    okta.scim.post("/Users", &profile(&name)).expect(201);
    check(1);
    okta.scim.post("/Users", &profile(&name)).expect_error(409, "uniqueness", &["userName"]);
}

fn token_is_accepted_with_and_without_bearer(target: &Target) {
    let okta = Okta::of(target);
    let token = &target.token;
    for presented in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER {token}"), token.clone()] {
        okta.scim.with_authorization(Some(&presented)).get("/Users?startIndex=1&count=2").expect(200);
    }
}

fn invalid_token_returns_401_with_a_challenge(target: &Target) {
    let okta = Okta::of(target);
    let answer = okta.scim.with_authorization(Some("Bearer non-token")).get("/Users?startIndex=1&count=2");
    let answer = answer.expect_error(401, "", &[]);
    answer.check(answer.header("www-authenticate").starts_with("Bearer"), "expected WWW-Authenticate: Bearer");
    let name = unique_user();
    okta.scim.with_authorization(Some("wrong")).post("/Users", &profile(&name)).expect_error(401, "", &[]);
    assert_eq!(okta.user(&name), None, "expected no user to be created");
}
