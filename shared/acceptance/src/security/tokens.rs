//! Tokens that do not open the door: all are refused with one 401, word for word the same (RFC 6750, RFC 7644 §2).

use serde_json::json;

use crate::client::Request;
use crate::faults::rate_of_faults;
use crate::server::{Server, may_spawn, skipped, unique};

fn refused_alike(server: &Server, presented: &[Option<String>]) {
    let scim = server.client();
    let refusal = |authorization: &Option<String>| {
        let answer = scim.presenting(authorization.as_deref()).get("/Users?count=1").refused(401, "", &[]);
        let challenge = answer.header("www-authenticate").to_owned();
        answer.check(challenge.starts_with("Bearer"), "wanted a challenge");
        (answer.text, challenge)
    };
    let first = refusal(&presented[0]);
    for authorization in &presented[1..] {
        assert_eq!(refusal(authorization), first, "{authorization:?}");
    }
}

#[test]
fn no_token_and_malformed_tokens_are_refused_alike() {
    let server = Server::start();
    let token = server.token();
    let mut broken = token.to_owned();
    let last = if broken.pop() == Some('0') { '1' } else { '0' };
    broken.push(last);
    let presented: Vec<Option<String>> = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "non-token",
        "Bearer scim_",
        "Basic dXNlcjpwYXNz",
        "Bearer scim_0000000000000000_0000000000000000000000000000000000000000000",
        &format!("Bearer {broken}"),
        &format!("Bearer {}", &token[..token.len() - 4]),
        &format!("Bearer {token}{token}"),
        &format!("Token {token}"),
    ]
    .iter()
    .map(|authorization| Some((*authorization).to_owned()))
    .chain([None])
    .collect();
    refused_alike(&server, &presented);
}

#[test]
fn an_unknown_token_is_refused_like_a_malformed_one() {
    let test = "an_unknown_token_is_refused_like_a_malformed_one";
    if std::env::var_os("DYNAMODB_ENDPOINT").is_some() || rate_of_faults().is_some() {
        return skipped(test, "servers on one DynamoDB know each other's tokens");
    }
    if !may_spawn(test) {
        return;
    }
    let (server, other) = (Server::start(), Server::start());
    refused_alike(&server, &[Some("Bearer x".into()), Some(format!("Bearer {}", other.token())), None]);
}

#[test]
fn nothing_is_done_without_a_token() {
    let server = Server::start();
    let scim = server.client();
    let nobody = scim.presenting(Some("Bearer non-token"));
    let name = unique("nobody");
    let id = scim.post("/Users", &json!({ "userName": unique("somebody") })).expect(201).id();
    let before = scim.get(format!("/Users/{id}")).expect(200).text;
    let body = json!({ "userName": name, "schemas": [crate::client::PATCH], "Operations": [{ "op": "remove", "path": "userName" }] });
    for (method, path) in [
        ("POST", "/Users".to_owned()),
        ("PUT", format!("/Users/{id}")),
        ("PATCH", format!("/Users/{id}")),
        ("DELETE", format!("/Users/{id}")),
        ("GET", "/Groups".to_owned()),
    ] {
        let request = Request::new(method, path);
        let request = if method == "GET" || method == "DELETE" { request } else { request.json(&body) };
        nobody.send(&request).refused(401, "", &[]);
    }
    assert_eq!(scim.get(format!("/Users/{id}")).expect(200).text, before);
    assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
}
