//! DynamoDB throttles or is unavailable: the service returns 429 or 503 with an integer `Retry-After`, and applies
//! no change in part.

mod bulk_cycles;
pub(crate) mod fixture;
mod lost_answers;
pub(crate) mod proxy;
mod stale_writes;

use testkit::engine;

use crate::outage::fixture::{Case, Fixture, expect_deferred};
use crate::outage::proxy::{Calls, Fault, Proxy, TRANSACTION};
use crate::server::{Data, Server};
use acceptance::client::Client;
use acceptance::request::Request;

const THROTTLED: Fault = Fault::Answer(400, "ThrottlingException");
const BROKEN: Fault = Fault::Answer(500, "InternalServerError");

/// Checks that while these calls fail with this fault, every request is deferred with this status, and nothing
/// changes.
fn check_deferred(fixture: &Fixture, cases: &[Case], calls: Calls, fault: Fault, status: u16) {
    let items = fixture.items();
    let seen = fixture.seen();
    fixture.proxy.fail(calls, fault);
    let answers = fixture.send_all(cases);
    fixture.proxy.pass();
    for answer in answers {
        expect_deferred(answer, status);
    }
    assert_eq!(fixture.items(), items, "a deferred request writes nothing");
    assert_eq!(fixture.seen(), seen);
}

/// Checks that every request succeeds after a failure: the failure has left no stale name, version or member.
fn check_success(fixture: &Fixture) {
    for (request, status) in fixture.reads().into_iter().chain(fixture.writes()) {
        fixture.scim.send(&request).expect(status);
    }
    fixture.seen();
    fixture.check_no_trace_of(&fixture.bob);
    fixture.check_no_trace_of(&fixture.staff);
}

fn everything(fixture: &Fixture) -> Vec<Case> {
    [fixture.reads(), fixture.writes()].concat()
}

#[test]
fn unavailable_dynamodb_returns_503() {
    let fixture = Fixture::new();
    // The authorizer fails, so the gateway responds.
    check_deferred(&fixture, &everything(&fixture), Calls::All, Fault::Close, 503);
    check_deferred(&fixture, &everything(&fixture), Calls::ExceptTokens, Fault::Close, 503);
    check_deferred(&fixture, &everything(&fixture), Calls::ExceptTokens, BROKEN, 503);
    check_success(&fixture);
}

#[test]
fn throttling_dynamodb_returns_429() {
    let fixture = Fixture::new();
    // The authorizer fails, so the gateway responds.
    check_deferred(&fixture, &everything(&fixture), Calls::All, THROTTLED, 503);
    check_deferred(&fixture, &everything(&fixture), Calls::ExceptTokens, THROTTLED, 429);
    let exceeded = Fault::Answer(400, "ProvisionedThroughputExceededException");
    check_deferred(&fixture, &everything(&fixture), Calls::ExceptTokens, exceeded, 429);
    check_success(&fixture);
}

/// Checks that writes are deferred while their transactions fail, and that reads still succeed.
fn check_writes_are_deferred(faults: &[(Fault, u16)]) {
    let fixture = Fixture::new();
    for (fault, status) in faults {
        check_deferred(&fixture, &fixture.writes(), TRANSACTION, *fault, *status);
        fixture.proxy.fail(TRANSACTION, *fault);
        for (answer, (_, status)) in fixture.send_all(&fixture.reads()).into_iter().zip(fixture.reads()) {
            answer.expect(status);
        }
        fixture.proxy.pass();
    }
    check_success(&fixture);
}

#[test]
fn conflicting_transactions_return_429_for_writes() {
    let (conflict, early) =
        (Fault::Cancel("TransactionConflict"), Fault::Answer(400, "TransactionInProgressException"));
    check_writes_are_deferred(&[(conflict, 429), (early, 429)]);
}

#[test]
fn throttled_transactions_return_429_for_writes() {
    let faults = [
        (THROTTLED, 429),
        (Fault::Cancel("ThrottlingError"), 429),
        (Fault::Cancel("ProvisionedThroughputExceeded"), 429),
    ];
    check_writes_are_deferred(&faults);
}

#[test]
fn failing_transactions_return_503_for_writes() {
    check_writes_are_deferred(&[(Fault::Close, 503), (BROKEN, 503)]);
}

#[test]
fn short_failures_are_retried() {
    let fixture = Fixture::new();
    let faults =
        [Fault::Close, BROKEN, THROTTLED, Fault::Cancel("TransactionConflict"), Fault::Cancel("ThrottlingError")];
    for ((request, status), fault) in fixture.writes().into_iter().zip(faults.iter().cycle()) {
        fixture.proxy.fail_times(2, TRANSACTION, *fault);
        fixture.scim.send(&request).expect(status);
        let sent = fixture.proxy.pass().iter().filter(|(operation, _)| operation == "TransactWriteItems").count();
        assert_eq!(sent, 3, "{} {}", request.method, request.path);
    }
    for (request, status) in
        [("GET", "/Users"), ("GET", "/Groups")].map(|(method, path)| (Request::new(method, path), 200))
    {
        fixture.proxy.fail_times(2, Calls::ExceptTokens, THROTTLED);
        fixture.scim.send(&request).expect(status);
        fixture.proxy.pass();
    }
    fixture.seen();
}

/// The outage begins before the first call of a request, before the second, and so on. Whenever it begins, the
/// request takes effect as a whole or not at all, and the client can send it again.
#[test]
fn outage_within_a_request_leaves_no_partial_change() {
    let fixture = Fixture::new();
    for (request, success) in fixture.writes() {
        let what = format!("{} {}", request.method, request.path);
        for passing in 0.. {
            assert!(passing < 20, "{what} takes at most 20 calls");
            let before = fixture.seen();
            fixture.proxy.fail_after(passing, Calls::ExceptTokens, Fault::Close);
            let answer = fixture.scim.send(&request);
            fixture.proxy.pass();
            if answer.status == success {
                assert!(passing > 0, "{what} makes at least one call");
                answer.expect(success);
                break;
            }
            expect_deferred(answer, 503);
            let after = fixture.seen();
            if after != before {
                // The change took effect, and only its response failed.
                fixture.scim.send(&request).expect(status_of_repeat(&request, success));
                assert_eq!(fixture.seen(), after, "{what}");
                break;
            }
        }
    }
    fixture.check_no_trace_of(&fixture.bob);
    fixture.check_no_trace_of(&fixture.staff);
    let names = |all: &[serde_json::Value], name: &str| all.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
    let [users, groups] = fixture.seen();
    assert_eq!(names(&users, "userName"), ["anna", "cyril", "dan"]);
    assert_eq!(names(&groups, "displayName"), ["The Board", "Crew"]);
}

/// The status of a repeated request that has already taken effect.
pub(crate) fn status_of_repeat(request: &Request, success: u16) -> u16 {
    match request.method {
        "POST" => 409,
        "DELETE" => 404,
        _ => success,
    }
}

#[test]
fn requests_without_data_succeed_without_dynamodb() {
    let fixture = Fixture::new();
    fixture.proxy.fail(Calls::ExceptTokens, Fault::Close);
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        fixture.scim.get(path).expect(200);
    }
    fixture.scim.get("/Users?filter=userName%20gt").expect_error(400, "invalidFilter", &[]);
    fixture.scim.post("/Users", &serde_json::json!({})).expect_error(400, "invalidValue", &["userName"]);
    fixture.scim.with_authorization(None).get("/Users").expect_error(401, "", &[]);
}

#[test]
fn token_is_valid_though_its_use_cannot_be_recorded() {
    let proxy = Proxy::start();
    let tenant = acceptance::unique("t");
    let server = Server::start(&Data::At(&proxy.url()), &tenant);
    // The service records the first use of a token. It can read the token's item, and every later call fails.
    proxy.fail_after(1, Calls::All, THROTTLED);
    server.client().get("/ServiceProviderConfig").expect(200);
    let calls = proxy.pass();
    assert!(calls.iter().any(|(operation, _)| operation == "UpdateItem"), "{calls:?}");
}

#[test]
fn unreachable_port_returns_503() {
    let mut fixture = Fixture::new();
    let items = fixture.items();
    fixture.proxy.stop();
    for answer in fixture.send_all(&everything(&fixture)) {
        expect_deferred(answer, 503);
    }
    assert_eq!(fixture.items(), items);
    // Another server on the same table finds everything unchanged.
    let server = Server::start(&Data::At(engine()), &fixture.tenant);
    let scim: Client = server.client();
    for (request, status) in fixture.reads().into_iter().chain(fixture.writes()) {
        scim.send(&request).expect(status);
    }
}
