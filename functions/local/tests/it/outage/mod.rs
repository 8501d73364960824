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
fn check_deferred(site: &Fixture, cases: &[Case], calls: Calls, fault: Fault, status: u16) {
    let (items, seen) = (site.items(), site.seen());
    site.proxy.fail(calls, fault);
    let answers = site.send_all(cases);
    site.proxy.pass();
    for answer in answers {
        expect_deferred(answer, status);
    }
    assert_eq!(site.items(), items, "a deferred request writes nothing");
    assert_eq!(site.seen(), seen);
}

/// Checks that every request succeeds after a failure: the failure has left no stale name, version or member.
fn check_success(site: &Fixture) {
    for (request, status) in site.reads().into_iter().chain(site.writes()) {
        site.scim.send(&request).expect(status);
    }
    site.seen();
    site.check_no_trace_of(&site.bob);
    site.check_no_trace_of(&site.staff);
}

fn everything(site: &Fixture) -> Vec<Case> {
    [site.reads(), site.writes()].concat()
}

#[test]
fn unavailable_dynamodb_returns_503() {
    let site = Fixture::new();
    // The authorizer fails, so the gateway responds.
    check_deferred(&site, &everything(&site), Calls::All, Fault::Close, 503);
    check_deferred(&site, &everything(&site), Calls::ExceptTokens, Fault::Close, 503);
    check_deferred(&site, &everything(&site), Calls::ExceptTokens, BROKEN, 503);
    check_success(&site);
}

#[test]
fn throttling_dynamodb_returns_429() {
    let site = Fixture::new();
    // The authorizer fails, so the gateway responds.
    check_deferred(&site, &everything(&site), Calls::All, THROTTLED, 503);
    check_deferred(&site, &everything(&site), Calls::ExceptTokens, THROTTLED, 429);
    let exceeded = Fault::Answer(400, "ProvisionedThroughputExceededException");
    check_deferred(&site, &everything(&site), Calls::ExceptTokens, exceeded, 429);
    check_success(&site);
}

/// Checks that writes are deferred while their transactions fail, and that reads still succeed.
fn check_writes_are_deferred(faults: &[(Fault, u16)]) {
    let site = Fixture::new();
    for (fault, status) in faults {
        check_deferred(&site, &site.writes(), TRANSACTION, *fault, *status);
        site.proxy.fail(TRANSACTION, *fault);
        for (answer, (_, status)) in site.send_all(&site.reads()).into_iter().zip(site.reads()) {
            answer.expect(status);
        }
        site.proxy.pass();
    }
    check_success(&site);
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
    let site = Fixture::new();
    let faults =
        [Fault::Close, BROKEN, THROTTLED, Fault::Cancel("TransactionConflict"), Fault::Cancel("ThrottlingError")];
    for ((request, status), fault) in site.writes().into_iter().zip(faults.iter().cycle()) {
        site.proxy.fail_times(2, TRANSACTION, *fault);
        site.scim.send(&request).expect(status);
        let sent = site.proxy.pass().iter().filter(|(operation, _)| operation == "TransactWriteItems").count();
        assert_eq!(sent, 3, "{} {}", request.method, request.path);
    }
    for (request, status) in
        [("GET", "/Users"), ("GET", "/Groups")].map(|(method, path)| (Request::new(method, path), 200))
    {
        site.proxy.fail_times(2, Calls::ExceptTokens, THROTTLED);
        site.scim.send(&request).expect(status);
        site.proxy.pass();
    }
    site.seen();
}

/// The outage begins before the first call of a request, before the second, and so on. Whenever it begins, the
/// request takes effect as a whole or not at all, and the client can send it again.
#[test]
fn outage_within_a_request_leaves_no_partial_change() {
    let site = Fixture::new();
    for (request, success) in site.writes() {
        let what = format!("{} {}", request.method, request.path);
        for passing in 0.. {
            assert!(passing < 20, "{what} takes at most 20 calls");
            let before = site.seen();
            site.proxy.fail_after(passing, Calls::ExceptTokens, Fault::Close);
            let answer = site.scim.send(&request);
            site.proxy.pass();
            if answer.status == success {
                assert!(passing > 0, "{what} makes at least one call");
                answer.expect(success);
                break;
            }
            expect_deferred(answer, 503);
            let after = site.seen();
            if after != before {
                // The change took effect, and only its response failed.
                site.scim.send(&request).expect(status_of_repeat(&request, success));
                assert_eq!(site.seen(), after, "{what}");
                break;
            }
        }
    }
    site.check_no_trace_of(&site.bob);
    site.check_no_trace_of(&site.staff);
    let names = |all: &[serde_json::Value], name: &str| all.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
    let [users, groups] = site.seen();
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
    let site = Fixture::new();
    site.proxy.fail(Calls::ExceptTokens, Fault::Close);
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        site.scim.get(path).expect(200);
    }
    site.scim.get("/Users?filter=userName%20gt").expect_error(400, "invalidFilter", &[]);
    site.scim.post("/Users", &serde_json::json!({})).expect_error(400, "invalidValue", &["userName"]);
    site.scim.with_authorization(None).get("/Users").expect_error(401, "", &[]);
}

#[test]
fn token_is_valid_though_its_use_cannot_be_recorded() {
    let (proxy, tenant) = (Proxy::start(), acceptance::unique("t"));
    let server = Server::start(&Data::At(&proxy.url()), &tenant);
    // The service records the first use of a token. It can read the token's item, and every later call fails.
    proxy.fail_after(1, Calls::All, THROTTLED);
    server.client().get("/ServiceProviderConfig").expect(200);
    let calls = proxy.pass();
    assert!(calls.iter().any(|(operation, _)| operation == "UpdateItem"), "{calls:?}");
}

#[test]
fn unreachable_port_returns_503() {
    let mut site = Fixture::new();
    let items = site.items();
    site.proxy.stop();
    for answer in site.send_all(&everything(&site)) {
        expect_deferred(answer, 503);
    }
    assert_eq!(site.items(), items);
    // Another server on the same table finds everything unchanged.
    let server = Server::start(&Data::At(engine()), &site.tenant);
    let scim: Client = server.client();
    for (request, status) in site.reads().into_iter().chain(site.writes()) {
        scim.send(&request).expect(status);
    }
}
