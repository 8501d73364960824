//! Okta's connection test, its existence check in the spellings seen, and the ways in which it presents a token.

use serde_json::json;

use crate::client::LIST;
use crate::okta::{Okta, profile, unique_user};
use crate::server::Server;

#[test]
fn the_connection_test_passes() {
    let server = Server::start();
    let okta = Okta::of(&server);
    for path in ["/Users?startIndex=1&count=2", "/Groups?startIndex=1&count=100"] {
        let answer = okta.scim.get(path).expect(200).holding(&json!({ "schemas": [LIST], "startIndex": 1 }));
        answer.check(answer["itemsPerPage"].as_u64() == Some(answer.resources().len() as u64), "wanted a true count");
        if server.is_own() {
            answer.check(answer.total() == 0, "wanted an empty directory");
        }
    }
}

#[test]
fn the_existence_check_is_understood_in_every_spelling() {
    let server = Server::start();
    let okta = Okta::of(&server);
    let name = unique_user();
    let check = |wanted: u64| {
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
            let list = json!({ "schemas": [LIST], "totalResults": wanted, "startIndex": 1, "itemsPerPage": wanted });
            let answer = answer.holding(&list);
            answer.check(answer.resources().len() as u64 == wanted, "wanted as many resources");
        }
    };
    check(0);
    okta.scim.post("/Users", &profile(&name)).expect(201);
    check(1);
    okta.scim.post("/Users", &profile(&name)).refused(409, "uniqueness", &["userName"]);
}

#[test]
fn a_token_is_accepted_as_okta_presents_it() {
    let server = Server::start();
    let okta = Okta::of(&server);
    let token = server.token();
    for presented in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER {token}"), token.to_owned()]
    {
        okta.scim.presenting(Some(&presented)).get("/Users?startIndex=1&count=2").expect(200);
    }
}

#[test]
fn a_wrong_token_is_refused_in_words() {
    let server = Server::start();
    let okta = Okta::of(&server);
    let answer = okta.scim.presenting(Some("Bearer non-token")).get("/Users?startIndex=1&count=2");
    let answer = answer.refused(401, "", &[]);
    answer.check(answer.header("www-authenticate").starts_with("Bearer"), "wanted WWW-Authenticate: Bearer");
    let name = unique_user();
    okta.scim.presenting(Some("wrong")).post("/Users", &profile(&name)).refused(401, "", &[]);
    assert_eq!(okta.user(&name), None, "nothing was done");
}
