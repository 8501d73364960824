//! DynamoDB carries out a write and its response is lost: the change is applied once, whether or not the client
//! gets a response.

use std::ops::Range;

use serde_json::{Value, json};

use crate::outage::fixture::{Fixture, expect_deferred, patch, refer};
use crate::outage::proxy::{Fault, TRANSACTION};
use crate::outage::status_of_repeat;
use acceptance::answer::values;
use acceptance::request::Request;

/// The number of members that one request may add.
const PUSHED: usize = 30;

/// The client request tokens of the transactions among these calls.
fn tokens(calls: &[(String, Value)]) -> Vec<&str> {
    let transactions = calls.iter().filter(|(operation, _)| operation == "TransactWriteItems");
    transactions.map(|(_, body)| body["ClientRequestToken"].as_str().expect("a token")).collect()
}

/// Checks that the request succeeds and is applied once, although the response of its transaction is lost and its
/// repeats meet this number of conflicts.
fn check_success_once(fixture: &Fixture, request: &Request, status: u16, conflicts: usize) -> Value {
    let what = format!("{} {}", request.method, request.path);
    let changes = fixture.changes();
    fixture.proxy.fail_times(1, TRANSACTION, Fault::LoseAnswer);
    fixture.proxy.fail_times(conflicts, TRANSACTION, Fault::Cancel("TransactionConflict"));
    let answer = fixture.scim.send(request).expect(status);
    let calls = fixture.proxy.pass();
    let tokens = tokens(&calls);
    assert_eq!(tokens.len(), 2 + conflicts, "{what} repeats its transaction");
    assert!(
        tokens.iter().all(|token| *token == tokens[0]),
        "{what} repeats its transaction with the same token: {tokens:?}"
    );
    assert_eq!(fixture.changes(), changes + 1, "{what} is applied once");
    if status != 204 {
        let path = answer["meta"]["location"].as_str().unwrap().strip_prefix(fixture.scim.base()).unwrap();
        let read = fixture.scim.get(path).expect(200);
        read.check(read.body == answer.body, "expected the body that the write returned");
    }
    answer.body
}

fn check_lost_answer_is_retried(conflicts: usize) {
    let fixture = Fixture::new();
    for (request, status) in fixture.writes() {
        let body = check_success_once(&fixture, &request, status, conflicts);
        let version = match request.method {
            "POST" => json!("W/\"1\""),
            "DELETE" => Value::Null,
            _ => json!("W/\"2\""),
        };
        assert_eq!(body["meta"]["version"], version, "{} {}", request.method, request.path);
        fixture.seen();
    }
    fixture.check_no_trace_of(&fixture.bob);
    fixture.check_no_trace_of(&fixture.staff);
}

#[test]
fn lost_answer_is_retried() {
    check_lost_answer_is_retried(0);
}

#[test]
fn lost_answer_among_conflicts_is_retried() {
    check_lost_answer_is_retried(2);
}

#[test]
fn group_is_pushed_though_every_first_answer_is_lost() {
    let fixture = Fixture::new();
    let create =
        |number| fixture.scim.post("/Users", &json!({ "userName": format!("user-{number}") })).expect(201).id();
    let mut ids: Vec<String> = (0..PUSHED).map(create).collect();
    ids.sort();
    let all: Vec<&String> = ids.iter().collect();
    let empty = json!({ "displayName": "Pushed", "members": [] });
    let group = check_success_once(&fixture, &Request::new("POST", "/Groups").json(&empty), 201, 0);
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    let op = |op: &str, members: &[&String]| json!([{ "op": op, "path": "members", "value": refer(members) }]);

    let body = check_success_once(&fixture, &patch(path.clone(), &op("add", &all)), 200, 0);
    assert_eq!(values(&body["members"]), ids);
    let body = check_success_once(&fixture, &patch(path.clone(), &op("remove", &all[..10])), 200, 0);
    assert_eq!(values(&body["members"]), ids[10..]);
    let half = json!({ "displayName": "Pushed again", "members": refer(&all[5..15]) });
    let body = check_success_once(&fixture, &Request::new("PUT", path.clone()).json(&half), 200, 0);
    assert_eq!(values(&body["members"]), ids[5..15]);
    let rename = json!([{ "op": "replace", "value": { "id": group["id"], "displayName": "Renamed" } }]);
    let body = check_success_once(&fixture, &patch(path.clone(), &rename), 200, 0);
    assert_eq!((&body["displayName"], values(&body["members"])), (&json!("Renamed"), ids[5..15].to_vec()));
    assert_eq!(body["meta"]["version"], "W/\"5\"");
    fixture.seen();
    check_success_once(&fixture, &Request::new("DELETE", path), 204, 0);
    fixture.check_no_trace_of(group["id"].as_str().unwrap());
    fixture.seen();
}

/// Checks that a write whose response is lost and whose repeats fail is deferred, and that the client, when it
/// sends the request again, finds the change applied once.
fn check_applied_once(writes: Range<usize>, then: Fault) {
    let fixture = Fixture::new();
    for (request, success) in &fixture.writes()[writes] {
        let what = format!("{} {}", request.method, request.path);
        let changes = fixture.changes();
        let before = fixture.seen();
        fixture.proxy.fail_times(1, TRANSACTION, Fault::LoseAnswer);
        fixture.proxy.fail(TRANSACTION, then);
        let answer = fixture.scim.send(request);
        fixture.proxy.pass();
        expect_deferred(answer, 503);
        let after = fixture.seen();
        assert_ne!(after, before, "{what} is applied");
        assert_eq!(fixture.changes(), changes + 1, "{what} is applied once");
        fixture.scim.send(request).expect(status_of_repeat(request, *success));
        assert_eq!(fixture.seen(), after, "{what}");
        assert_eq!(fixture.changes(), changes + 1, "{what} is not applied again");
        if request.method == "DELETE" {
            fixture.check_no_trace_of(request.path.rsplit('/').next().unwrap());
        }
    }
}

#[test]
fn change_without_an_answer_is_not_applied_twice() {
    check_applied_once(0..8, Fault::LoseAnswer);
}

#[test]
fn change_before_an_outage_is_not_applied_twice() {
    check_applied_once(0..8, Fault::Close);
}

/// Two tests divide the writes with this fault, because the service repeats each write for two seconds.
const THROTTLED: Fault = Fault::Answer(400, "ThrottlingException");

#[test]
fn user_changes_before_throttling_are_not_applied_twice() {
    check_applied_once(0..3, THROTTLED);
}

#[test]
fn group_changes_before_throttling_are_not_applied_twice() {
    check_applied_once(3..6, THROTTLED);
}

/// An operation of a bulk request whose response is lost returns 503. The service does not repeat it as a new
/// operation, which would find the name taken or no user to delete. The other operation of the request always
/// fails.
#[test]
fn operation_of_unknown_outcome_says_so() {
    let fixture = Fixture::new();
    let operation = |method: &str, path: String, data: Value| json!({ "method": method, "path": path, "bulkId": "a", "data": data });
    let none = operation("DELETE", format!("/Users/{}", fixture.staff), Value::Null);
    let post = operation("POST", "/Users".to_owned(), json!({ "userName": "dan" }));
    let delete = |id: &str, endpoint: &str| operation("DELETE", format!("{endpoint}/{id}"), Value::Null);
    for (sent, lost, then) in [
        (post, TRANSACTION, TRANSACTION),
        (delete(&fixture.cy, "/Users"), TRANSACTION, TRANSACTION),
        (delete(&fixture.staff, "/Groups"), TRANSACTION, TRANSACTION),
    ] {
        let before = fixture.seen();
        fixture.proxy.fail_times(1, lost, Fault::LoseAnswer);
        // An operation makes fewer attempts than this.
        fixture.proxy.fail_times(30, then, THROTTLED);
        let answer = acceptance::protocol::bulk::send(&fixture.scim, &json!([sent, none])).expect(200);
        fixture.proxy.pass();
        answer.check(
            acceptance::protocol::bulk::statuses(&answer) == "503 404",
            "expected 503, as the operation may have taken effect",
        );
        assert_ne!(fixture.seen(), before, "the operation has taken effect");
    }
    fixture.scim.delete(format!("/Groups/{}", fixture.staff)).expect(404);
    fixture.check_no_trace_of(&fixture.staff);
}

/// The delete of the group is interrupted before its edges are deleted, which are more than one transaction can
/// hold.
#[test]
fn deleted_user_leaves_a_group_that_was_deleted_meanwhile() {
    let fixture = Fixture::new();
    let user = |number| fixture.scim.post("/Users", &json!({ "userName": format!("crowd-{number}") })).expect(201).id();
    let crowd: Value = (0..31).map(|number| json!({ "value": user(number) })).collect();
    let path = format!("/Groups/{}", fixture.staff);
    fixture.scim.patch(&path, &json!([{ "op": "add", "path": "members", "value": crowd }])).expect(200);
    fixture.proxy.fail_after(1, TRANSACTION, Fault::Close);
    fixture.scim.delete(&path).expect(204);
    fixture.scim.get(&path).expect(404);
    fixture.proxy.pass();
    for user in [&fixture.ann, &fixture.bob] {
        fixture.scim.delete(format!("/Users/{user}")).expect(204);
        fixture.check_no_trace_of(user);
    }
    fixture.seen();
}
