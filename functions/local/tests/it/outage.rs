//! DynamoDB throttles or is away: 429 or 503 with an integer `Retry-After`, and nothing half done.

use testkit::engine;

use crate::client::{Client, Request};
use crate::outage_site::{Case, Site, put_off};
use crate::proxy::{Calls, Fault, TRANSACTION};
use crate::server::{Data, Server, may_spawn};

const THROTTLED: Fault = Fault::Answer(400, "ThrottlingException");
const BROKEN: Fault = Fault::Answer(500, "InternalServerError");

/// While these calls fail so, every request is put off with this status, and nothing at all changes.
fn puts_off(site: &Site, cases: &[Case], calls: Calls, fault: Fault, status: u16) {
    let (items, seen) = (site.items(), site.seen());
    site.proxy.fail(calls, fault);
    let answers = site.send_all(cases);
    site.proxy.pass();
    for answer in answers {
        put_off(answer, status);
    }
    assert_eq!(site.items(), items, "something was written");
    assert_eq!(site.seen(), seen);
}

/// What failed before succeeds: no name, no version and no member was left behind.
fn succeeds_now(site: &Site) {
    for (request, status) in site.reads().into_iter().chain(site.writes()) {
        site.scim.send(&request).expect(status);
    }
    site.seen();
    site.no_trace_of(&site.bob);
    site.no_trace_of(&site.staff);
}

fn everything(site: &Site) -> Vec<Case> {
    [site.reads(), site.writes()].concat()
}

#[test]
fn everything_is_a_503_while_dynamodb_is_away() {
    if !may_spawn("everything_is_a_503_while_dynamodb_is_away") {
        return;
    }
    let site = Site::new();
    // The authorizer has no answer, so that the gateway has one.
    puts_off(&site, &everything(&site), Calls::All, Fault::Close, 503);
    puts_off(&site, &everything(&site), Calls::ButTokens, Fault::Close, 503);
    puts_off(&site, &everything(&site), Calls::ButTokens, BROKEN, 503);
    succeeds_now(&site);
}

#[test]
fn everything_is_a_429_while_dynamodb_throttles() {
    if !may_spawn("everything_is_a_429_while_dynamodb_throttles") {
        return;
    }
    let site = Site::new();
    // The authorizer has no answer, so that the gateway has one.
    puts_off(&site, &everything(&site), Calls::All, THROTTLED, 503);
    puts_off(&site, &everything(&site), Calls::ButTokens, THROTTLED, 429);
    let exceeded = Fault::Answer(400, "ProvisionedThroughputExceededException");
    puts_off(&site, &everything(&site), Calls::ButTokens, exceeded, 429);
    succeeds_now(&site);
}

/// Reads go on, and writes come as far as their transaction.
fn writes_alone_are_put_off(test: &str, faults: &[(Fault, u16)]) {
    if !may_spawn(test) {
        return;
    }
    let site = Site::new();
    for (fault, status) in faults {
        puts_off(&site, &site.writes(), TRANSACTION, *fault, *status);
        site.proxy.fail(TRANSACTION, *fault);
        for (answer, (_, status)) in site.send_all(&site.reads()).into_iter().zip(site.reads()) {
            answer.expect(status);
        }
        site.proxy.pass();
    }
    succeeds_now(&site);
}

#[test]
fn writes_are_a_429_while_transactions_conflict() {
    let (conflict, early) =
        (Fault::Cancel("TransactionConflict"), Fault::Answer(400, "TransactionInProgressException"));
    writes_alone_are_put_off("writes_are_a_429_while_transactions_conflict", &[(conflict, 429), (early, 429)]);
}

#[test]
fn writes_are_a_429_while_transactions_are_throttled() {
    let faults = [
        (THROTTLED, 429),
        (Fault::Cancel("ThrottlingError"), 429),
        (Fault::Cancel("ProvisionedThroughputExceeded"), 429),
    ];
    writes_alone_are_put_off("writes_are_a_429_while_transactions_are_throttled", &faults);
}

#[test]
fn writes_are_a_503_while_transactions_fail() {
    writes_alone_are_put_off("writes_are_a_503_while_transactions_fail", &[(Fault::Close, 503), (BROKEN, 503)]);
}

#[test]
fn a_short_trouble_is_not_noticed() {
    if !may_spawn("a_short_trouble_is_not_noticed") {
        return;
    }
    let site = Site::new();
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
        site.proxy.fail_times(2, Calls::ButTokens, THROTTLED);
        site.scim.send(&request).expect(status);
        site.proxy.pass();
    }
    site.seen();
}

/// The outage begins before the first call of a request, before the second, and so on: whenever it does, the request is
/// done or not done, and can be sent again.
#[test]
fn an_outage_in_the_middle_of_a_request_leaves_no_half() {
    if !may_spawn("an_outage_in_the_middle_of_a_request_leaves_no_half") {
        return;
    }
    let site = Site::new();
    for (request, success) in site.writes() {
        let what = format!("{} {}", request.method, request.path);
        for passing in 0.. {
            assert!(passing < 20, "{what} takes more than 20 calls");
            let before = site.seen();
            site.proxy.fail_after(passing, Calls::ButTokens, Fault::Close);
            let answer = site.scim.send(&request);
            site.proxy.pass();
            if answer.status == success {
                assert!(passing > 0, "{what} was done without a call");
                answer.expect(success);
                break;
            }
            put_off(answer, 503);
            let after = site.seen();
            if after != before {
                // It was done, and only its answer could not be made.
                site.scim.send(&request).expect(again(&request, success));
                assert_eq!(site.seen(), after, "{what}");
                break;
            }
        }
    }
    site.no_trace_of(&site.bob);
    site.no_trace_of(&site.staff);
    let names = |all: &[serde_json::Value], name: &str| all.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
    let [users, groups] = site.seen();
    assert_eq!(names(&users, "userName"), ["anna", "cyril", "dan"]);
    assert_eq!(names(&groups, "displayName"), ["The Board", "Crew"]);
}

/// The status of a request that was done already.
pub(crate) fn again(request: &Request, success: u16) -> u16 {
    match request.method {
        "POST" => 409,
        "DELETE" => 404,
        _ => success,
    }
}

#[test]
fn what_needs_no_data_is_answered_without_dynamodb() {
    if !may_spawn("what_needs_no_data_is_answered_without_dynamodb") {
        return;
    }
    let site = Site::new();
    site.proxy.fail(Calls::ButTokens, Fault::Close);
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        site.scim.get(path).expect(200);
    }
    site.scim.get("/Users?filter=userName%20gt").refused(400, "invalidFilter", &[]);
    site.scim.post("/Users", &serde_json::json!({})).refused(400, "invalidValue", &["userName"]);
    site.scim.presenting(None).get("/Users").refused(401, "", &[]);
}

#[test]
fn a_token_is_good_though_its_use_cannot_be_noted() {
    if !may_spawn("a_token_is_good_though_its_use_cannot_be_noted") {
        return;
    }
    let (proxy, tenant) = (crate::proxy::Proxy::start(), crate::server::unique("t"));
    let server = Server::spawn(&Data::At(&proxy.url()), &tenant);
    // The first use is the one to be noted: the token's item is read, and then all is over.
    proxy.fail_after(1, Calls::All, THROTTLED);
    server.client().get("/ServiceProviderConfig").expect(200);
    let heard = proxy.pass();
    assert!(heard.iter().any(|(operation, _)| operation == "UpdateItem"), "{heard:?}");
}

#[test]
fn a_port_that_nobody_listens_on_is_a_503() {
    if !may_spawn("a_port_that_nobody_listens_on_is_a_503") {
        return;
    }
    let mut site = Site::new();
    let items = site.items();
    site.proxy.stop();
    for answer in site.send_all(&everything(&site)) {
        put_off(answer, 503);
    }
    assert_eq!(site.items(), items);
    // Another server on the same table finds everything as it was.
    let server = Server::spawn(&Data::At(engine()), &site.tenant);
    let scim: Client = server.client();
    for (request, status) in site.reads().into_iter().chain(site.writes()) {
        scim.send(&request).expect(status);
    }
}
