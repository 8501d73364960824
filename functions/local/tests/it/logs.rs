//! No log contains a value that a client sends, and no client can forge a line of a log.

use acceptance::security::canaries;
use acceptance::security::hostile::lines;
use acceptance::unique;
use serde_json::{Value, json};

use crate::process::END_OF_INTRODUCTION;
use crate::server::Server;

fn check_canaries(server: &Server) {
    canaries::send_everything(&server.client());
    let lines = server.printed_lines();
    assert!(lines.len() > 300, "the server prints a line for each request: {lines:#?}");
    let secret = &server.token()["scim_0123456789a_".len()..];
    let after_introduction = lines.iter().skip_while(|line| *line != END_OF_INTRODUCTION);
    let leaks: Vec<&String> = after_introduction
        .filter(|line| line.to_lowercase().contains(canaries::PREFIX) || line.contains(secret))
        .collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[test]
fn no_sent_value_is_logged() {
    check_canaries(&Server::in_memory());
}

#[test]
fn no_sent_value_is_logged_with_a_strict_token() {
    check_canaries(&Server::with_dialect("strict"));
}

/// The gateway prints one line for each request, and the functions print lines of JSON. No line contains a value
/// that the client sent, and there are no other lines.
#[test]
fn no_client_input_becomes_a_log_line() {
    let server = Server::with_trace_log(&unique("t"));
    let scim = server.client();
    let user = format!("/Users/{}", scim.post("/Users", &json!({ "userName": unique("logged") })).expect(201).id());
    server.printed_lines();
    let requests = lines::requests(&user);
    for request in &requests {
        let answer = scim.send(request);
        answer.check(answer.status < 500, "expected success or a client error");
    }
    let mut request_lines = 0;
    let mut function_lines = 0;
    for line in server.printed_lines() {
        assert!(!line.contains(lines::PREFIX) && !line.chars().any(char::is_control), "{line:?}");
        if let Some(said) = serde_json::from_str::<Value>(&line).ok().filter(Value::is_object) {
            assert!(said["level"] != "ERROR" && said["level"].is_string() && said["target"].is_string(), "{line}");
            function_lines += 1;
        } else {
            let target = line.split_whitespace().nth(1).unwrap_or_default();
            assert!(target.starts_with("/scim/v2") && line.contains(" DynamoDB call"), "{line}");
            request_lines += 1;
        }
    }
    assert_eq!(request_lines, requests.len());
    assert!(function_lines > requests.len(), "the functions print lines, too");
}
