//! On every route of template.yaml and in every place of a request, the response about a resource of another tenant
//! equals the response about a missing one, byte for byte except for ids. A caller that the authorizer rejects gets
//! the same response on every route (RFC 7644 §2, §7.4; RFC 9865 §5.2).

mod fixture;
mod places;

use std::collections::BTreeSet;
use std::io::Write;

use jiff::Timestamp;
use schema::ResourceId;

use crate::outage::proxy::items;
use crate::template::{Api, ApiRoute};
use crate::tenants::fixture::{Credential, Fixture, OwnResources, Permission, ResourceValues, Tenant};
use crate::tenants::places::requests;
use acceptance::answer::Answer;
use acceptance::client::Client;
use acceptance::request::Request;

/// The status, the headers and the body of a response, with placeholders for the values that may differ.
type ComparableAnswer = (u16, Vec<(String, String)>, String);

/// The routes and places that were tried, and the responses that differ.
#[derive(Default)]
struct Tally {
    routes: BTreeSet<ApiRoute>,
    places: BTreeSet<String>,
    requests: usize,
    /// The place of each difference, and the two responses.
    differ: Vec<(String, String)>,
}

impl Tally {
    /// Prints the figures on the real standard error, which the test harness does not capture, and fails if a
    /// response differs.
    fn report(&self, what: &str) {
        let routes = self.routes.len();
        let places = self.places.len();
        let differ = self.differ.len();
        let counted = format!("{routes} routes, {places} places, {} requests, {differ} differ", self.requests);
        let _ = writeln!(std::io::stderr(), "tenants: {what}: {counted}");
        let places: Vec<&str> = self.differ.iter().map(|(place, _)| place.as_str()).collect();
        let answers: Vec<&str> = self.differ.iter().take(3).map(|(_, answers)| answers.as_str()).collect();
        assert!(differ == 0, "{}\n{}", places.join("\n"), answers.join("\n\n"));
    }
}

/// Whether a request only reads, which a read-only token may. A search is a POST (RFC 7644 §3.4.3).
fn reads(request: &Request) -> bool {
    let path = request.path.split('?').next().unwrap_or_default();
    ["GET", "HEAD", "OPTIONS"].contains(&request.method) || (request.method == "POST" && path.ends_with("/.search"))
}

fn comparable(answer: &Answer, values: &ResourceValues, kept: &[&str]) -> ComparableAnswer {
    let blank = |text: &str| blank(text, values, kept);
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in answer.headers.iter().filter(|(name, _)| !["date", "content-length"].contains(&name.as_str()))
    {
        headers.push((name.to_string(), blank(value.to_str().unwrap())));
    }
    headers.sort();
    (answer.status, headers, blank(&answer.text))
}

/// Replaces the values of `values`, other ids except `kept`, and, without `kept`, times by placeholders.
fn blank(text: &str, values: &ResourceValues, kept: &[&str]) -> String {
    let text = text.replace(&values.tag, "<tag>").replace(&values.user, "<user>").replace(&values.group, "<group>");
    let part = |part: &str| match ResourceId::parse(part) {
        Some(_) if !kept.contains(&part) => "<new>".to_owned(),
        _ => part.to_owned(),
    };
    let word = |word: &str| match word.parse::<Timestamp>() {
        Ok(_) if kept.is_empty() => "<time>".to_owned(),
        _ => word.split('/').map(part).collect::<Vec<_>>().join("/"),
    };
    text.split('"').map(word).collect::<Vec<_>>().join("\"")
}

/// A client of a tenant, and the resources of that tenant, which a request that changes nothing may name.
struct TenantClient<'a> {
    scim: &'a Client,
    admin: &'a Client,
    own: &'a ResourceValues,
}

impl TenantClient<'_> {
    fn requests(&self, route: &ApiRoute, values: &ResourceValues) -> Vec<(String, Request)> {
        let ResourceValues { user, group, .. } = self.own;
        requests(route, &OwnResources { user: user.clone(), group: group.clone() }, values)
    }

    fn ask(&self, request: &Request, values: &ResourceValues) -> (Answer, ComparableAnswer) {
        let answer = self.scim.send(request);
        let comparable = comparable(&answer, values, &[&self.own.user, &self.own.group]);
        (answer, comparable)
    }

    /// Sends the request of this number about a new user and a new group, and deletes every resource that exists
    /// afterwards.
    fn change(&self, route: &ApiRoute, number: usize, values: &ResourceValues) -> (Answer, ComparableAnswer) {
        let own = OwnResources::new(self.admin);
        let (_, request) = requests(route, &own, values).swap_remove(number);
        let answer = self.scim.send(&request);
        let comparable = comparable(&answer, values, &[]);
        for path in made(&answer).chain([format!("/v2/Users/{}", own.user), format!("/v2/Groups/{}", own.group)]) {
            self.admin.delete(path);
        }
        (answer, comparable)
    }
}

/// The paths of the resources that a request has created, on its own or in bulk.
fn made(answer: &Answer) -> impl Iterator<Item = String> {
    let single = [answer.header("location").to_owned()].into_iter().filter(|_| answer.status == 201);
    let reports = answer["Operations"].as_array().cloned().unwrap_or_default().into_iter();
    let created = reports.filter(|report| report["status"] == "201");
    let several = created.filter_map(|report| report["location"].as_str().map(str::to_owned));
    single.chain(several).map(|location| location[location.find("/v2/").expect("a location")..].to_owned())
}

#[test]
fn resources_of_another_tenant_look_like_missing_ones() {
    let fixture = Fixture::new();
    let mut tally = Tally::default();
    let [one, other] = &fixture.tenants;
    let mut distinguishing = 0;
    for (own, theirs) in [(one, other), (other, one)] {
        let before = items(&one.name, &theirs.name);
        for credential in own.credentials.iter().filter(|it| it.may != Permission::Nothing) {
            for route in &fixture.api.routes {
                compare(&fixture, own, theirs, credential, route, &mut tally);
            }
        }
        assert_eq!(items(&one.name, &theirs.name), before, "the resources of the other tenant are unchanged");
        distinguishing +=
            fixture.api.routes.iter().map(|route| distinguishing_places(&fixture, theirs, route)).sum::<usize>();
    }
    tally.report(&format!(
        "2 tenants, 3 credentials, {distinguishing} places where the other tenant itself gets another answer"
    ));
    assert!(distinguishing > 100, "the test finds places in which a leak would be visible");
}

/// Sends requests that name resources of the other tenant and requests that name missing ones, in every place of a
/// route, and compares the responses.
fn compare(
    fixture: &Fixture,
    own: &Tenant,
    theirs: &Tenant,
    credential: &Credential,
    route: &ApiRoute,
    tally: &mut Tally,
) {
    let missing = ResourceValues::missing(&theirs.values);
    let admin = fixture.root.with_authorization(own.credentials[0].authorization.as_deref());
    let scim = fixture.root.with_authorization(credential.authorization.as_deref());
    let asker = TenantClient { scim: &scim, admin: &admin, own: &own.values };
    let pairs = asker.requests(route, &theirs.values).into_iter().zip(asker.requests(route, &missing));
    for (number, ((place, request), (_, other))) in pairs.enumerate() {
        let is_read = reads(&request) || route.function == "Fallback";
        let ((answer, foreign), (unknown, absent)) = if is_read || credential.may == Permission::Read {
            (asker.ask(&request, &theirs.values), asker.ask(&other, &missing))
        } else {
            (asker.change(route, number, &theirs.values), asker.change(route, number, &missing))
        };
        let leaks = [&theirs.hidden, &theirs.name].iter().any(|secret| answer.text.contains(*secret));
        let failed = answer.status >= 500 && answer.status != 501;
        if foreign != absent || leaks || failed {
            let answers = format!("{}\n{}", answer, unknown);
            tally.differ.push((format!("{} {} {place}", credential.name, route.function), answers));
        }
        tally.requests += 2;
        tally.places.insert(format!("{route:?} {number}"));
    }
    tally.routes.insert(route.clone());
}

/// The number of places of a route in which the response to the tenant itself about its own resources differs from
/// that about missing ones.
fn distinguishing_places(fixture: &Fixture, tenant: &Tenant, route: &ApiRoute) -> usize {
    let missing = ResourceValues::missing(&tenant.values);
    let scim = fixture.root.with_authorization(tenant.credentials[0].authorization.as_deref());
    let asker = TenantClient { scim: &scim, admin: &scim, own: &tenant.values };
    let pairs = asker.requests(route, &tenant.values).into_iter().zip(asker.requests(route, &missing));
    let reads = pairs.filter(|((_, request), _)| reads(request));
    reads.filter(|((_, own), (_, other))| asker.ask(own, &tenant.values).1 != asker.ask(other, &missing).1).count()
}

#[test]
fn unauthorized_caller_gets_the_same_answer_on_every_route() {
    let fixture = Fixture::new();
    let mut tally = Tally::default();
    let [one, other] = &fixture.tenants;
    let all = || [items(&one.name, &one.name), items(&one.name, &other.name)];
    let before = all();
    for (own, theirs) in [(one, other), (other, one)] {
        for (first, credential) in own.credentials.iter().filter(|it| it.may != Permission::Everything).enumerate() {
            for route in &fixture.api.routes {
                refuse(&fixture, [own, theirs], (credential, first % STEP), route, &mut tally);
            }
        }
    }
    assert_eq!(all(), before, "the resources of both tenants are unchanged");
    let credentials = one.credentials.len() - 2;
    tally.report(&format!("2 tenants, {credentials} credentials that are not sufficient"));
}

/// Each credential is tried on every route, in one of this many places; together, the credentials cover all places.
const STEP: usize = 8;

/// Sends requests that a credential does not permit, and expects the response that template.yaml defines, or that of
/// the functions to a token without the scope `write`.
fn refuse(
    fixture: &Fixture,
    tenants: [&Tenant; 2],
    (credential, first): (&Credential, usize),
    route: &ApiRoute,
    tally: &mut Tally,
) {
    let scim = fixture.root.with_authorization(credential.authorization.as_deref());
    let expect = if credential.may == Permission::Read { insufficient_scope() } else { refusal(&fixture.api) };
    for values in tenants.map(|tenant| &tenant.values) {
        let own = OwnResources { user: values.user.clone(), group: values.group.clone() };
        let requests = requests(route, &own, values).into_iter().enumerate();
        for (number, (place, request)) in requests.filter(|(number, _)| *number == 0 || number % STEP == first) {
            let allowed = credential.may == Permission::Read && reads(&request);
            if route.is_public || allowed {
                continue;
            }
            let answer = scim.send(&request);
            let text = if request.method == "HEAD" { "" } else { expect.2.as_str() };
            let named = expect.1.iter().all(|(name, value)| answer.header(name) == value);
            if answer.status != expect.0 || !named || answer.text != text {
                tally.differ.push((format!("{} {} {place}", credential.name, route.function), answer.to_string()));
            }
            tally.requests += 1;
            tally.places.insert(format!("{route:?} {number}"));
        }
    }
    tally.routes.insert(route.clone());
}

/// The response of a function to a token that may only read (RFC 6750 §3.1).
fn insufficient_scope() -> ComparableAnswer {
    let error = protocol::Error::InsufficientScope { scope: "write" };
    let headers = vec![("WWW-Authenticate".to_owned(), error.challenge().unwrap())];
    (error.status(), headers, error.body().to_string())
}

/// The response of the gateway to a token that the authorizer rejects.
fn refusal(api: &Api) -> ComparableAnswer {
    let refused = &api.gateway_responses["ACCESS_DENIED"];
    assert_eq!(refused.body(), api.gateway_responses["UNAUTHORIZED"].body());
    let headers = refused.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (refused.status_code, headers, refused.body().to_owned())
}
