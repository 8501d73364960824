//! Checks that every missing, malformed or unknown token is rejected with exactly the same 401 (RFC 6750, RFC 7644
//! §2).

use serde_json::json;

use crate::request::Request;
use crate::target::{Target, unique};

checks![missing_and_malformed_tokens_return_the_same_401, invalid_token_changes_nothing,];

fn check_same_refusal(target: &Target, presented: &[Option<String>]) {
    let scim = target.client();
    let refusal = |authorization: &Option<String>| {
        let answer = scim.with_authorization(authorization.as_deref()).get("/Users?count=1").expect_error(401, "", &[]);
        let challenge = answer.header("www-authenticate").to_owned();
        answer.check(challenge.starts_with("Bearer"), "expected a Bearer challenge");
        (answer.text, challenge)
    };
    let first = refusal(&presented[0]);
    for authorization in &presented[1..] {
        assert_eq!(refusal(authorization), first, "{authorization:?}");
    }
}

fn missing_and_malformed_tokens_return_the_same_401(target: &Target) {
    let token = target.token.as_str();
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
    check_same_refusal(target, &presented);
}

fn invalid_token_changes_nothing(target: &Target) {
    let scim = target.client();
    let unauthorized = scim.with_authorization(Some("Bearer non-token"));
    let name = unique("unauthorized");
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
        unauthorized.send(&request).expect_error(401, "", &[]);
    }
    assert_eq!(scim.get(format!("/Users/{id}")).expect(200).text, before);
    assert!(scim.find("/Users", &format!("userName eq \"{name}\"")).is_empty());
}
