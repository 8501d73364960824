//! The server rejects a well-formed token that it has not issued (RFC 6750, RFC 7644 §2).

use acceptance::answer::Answer;

use crate::process::{fault_rate, print_skipped};
use crate::server::Server;

#[test]
fn unknown_token_returns_the_same_401_as_a_malformed_one() {
    if std::env::var_os("DYNAMODB_ENDPOINT").is_some() || fault_rate().is_some() {
        let reason = "servers on one DynamoDB know each other's tokens";
        return print_skipped("unknown_token_returns_the_same_401_as_a_malformed_one", reason);
    }
    let (server, other) = (Server::in_memory(), Server::in_memory());
    let body_and_challenge = |authorization: Option<&str>| {
        let client = server.client().with_authorization(authorization);
        let answer: Answer = client.get("/Users?count=1").expect_error(401, "", &[]);
        let challenge = answer.header("www-authenticate").to_owned();
        answer.check(challenge.starts_with("Bearer"), "expected a challenge");
        (answer.text, challenge)
    };
    let malformed = body_and_challenge(Some("Bearer x"));
    assert_eq!(body_and_challenge(Some(&format!("Bearer {}", other.token()))), malformed);
    assert_eq!(body_and_challenge(None), malformed);
}
