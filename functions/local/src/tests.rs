//! That names agree: folders, packages, functions of template.yaml, events, routes; and what needs a DynamoDB in the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::Exchange;
use serde_json::{Value, json};
use service::Context;
use service::tokens::{
    IssueRequest, ListRequest, RevokeRequest, RotateRequest, authorize, issue, list, revoke, rotate,
};
use store::{Connection, Credentials, Directory};

use crate::engine::Engine;
use crate::functions;
use crate::gateway::Gateway;
use crate::rights;
use crate::template::{Api, TEMPLATE};

/// A fresh directory in memory, for as long as the engine is kept.
pub(crate) async fn directory() -> (&'static Directory, Engine) {
    let engine = tokio::task::spawn_blocking(|| Engine::start(None)).await.unwrap().unwrap();
    let credentials = Credentials::Key(engine.key.clone());
    let connection = Connection { endpoint: Some(engine.url.clone()), table: "scim".to_owned(), credentials };
    let directory = Directory::connect(connection).await.unwrap();
    directory.create_table().await.unwrap();
    (Box::leak(Box::new(directory.with_access_check(rights::check))), engine)
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The properties of all resources of a type, by logical id.
pub(crate) fn declared(kind: &str) -> BTreeMap<String, Value> {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
    let resources = template["Resources"].as_object().unwrap().iter().filter(|(_, it)| it["Type"] == kind);
    resources.map(|(name, it)| (name.clone(), it["Properties"].clone())).collect()
}

/// `users-create` of `UsersCreate`.
fn folder(logical_id: &str) -> String {
    let words =
        logical_id.chars().flat_map(|c| if c.is_uppercase() { vec!['-', c.to_ascii_lowercase()] } else { vec![c] });
    words.collect::<String>().trim_start_matches('-').to_owned()
}

fn folders() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("functions")).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).filter(|name| name != "local").collect()
}

#[test]
fn a_function_has_one_name() {
    let declared = declared("AWS::Serverless::Function");
    let names: BTreeSet<String> = declared.keys().map(|logical_id| folder(logical_id)).collect();
    assert_eq!(names, folders());
    for (logical_id, function) in declared {
        assert_eq!(function["CodeUri"], format!("functions/{}", folder(&logical_id)));
    }
    for name in folders() {
        let manifest = fs::read_to_string(root().join("functions").join(&name).join("Cargo.toml")).unwrap();
        let names: Vec<&str> = manifest.lines().filter_map(|line| line.strip_prefix("name = ")).collect();
        assert!(!names.is_empty() && names.iter().all(|it| *it == format!("{name:?}")), "{name}: {names:?}");
    }
}

#[test]
fn every_function_has_an_accepted_event_and_no_event_is_without_function() {
    let events = fs::read_dir(root().join("events")).unwrap().map(|entry| entry.unwrap().file_name());
    let events: BTreeSet<String> = events.map(|name| name.into_string().unwrap()).collect();
    for name in folders() {
        assert!(events.contains(&format!("{name}.json")), "events/{name}.json is missing");
    }
    for event in events {
        let function = event.trim_end_matches(".json").split("--").next().unwrap().to_owned();
        assert!(folders().contains(&function), "events/{event} is for no function");
    }
}

#[test]
fn every_route_leads_to_a_function_and_back() {
    let routed: BTreeSet<String> = Api::read().unwrap().routes.into_iter().map(|route| route.function).collect();
    let known: BTreeSet<String> = functions::NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(routed, known);
}

#[test]
fn the_template_has_the_routes_of_the_protocol() {
    let routes = Api::read().unwrap().routes;
    let of = |function: &str, path: &str, method: Option<&str>| {
        routes.iter().any(|it| it.function == function && it.path == path && it.method.as_deref() == method)
    };
    let mut operations: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for route in routes.iter().filter(|route| route.function != "Fallback") {
        let methods = operations.entry(&route.path).or_default();
        match route.method.as_deref() {
            Some("HEAD") => assert!(of(&route.function, &route.path, Some("GET")), "{}: HEAD is GET's", route.path),
            Some(method) => drop(methods.insert(method)),
            None => panic!("{}: only Fallback takes any method", route.path),
        }
        let open = route.function == "Openapi";
        assert_eq!(route.open, open, "{} {:?}: who may call it", route.path, route.method);
    }
    let protocol: BTreeMap<&str, BTreeSet<&str>> =
        protocol::ROUTES.iter().map(|route| (route.path, route.methods.iter().copied().collect())).collect();
    assert_eq!(protocol, operations);
    for (path, methods) in &operations {
        // API Gateway looks for a method at the path that it matched, and nowhere else.
        let any = routes.iter().any(|route| route.path == *path && route.method.is_none());
        assert!(any, "{path} needs a route for all other methods to Fallback");
        let head = routes.iter().any(|route| route.path == *path && route.method.as_deref() == Some("HEAD"));
        assert!(head || !methods.contains("GET"), "{path} has GET and needs HEAD");
    }
}

#[test]
fn the_table_is_the_one_that_the_store_expects() {
    let tables = declared("AWS::DynamoDB::Table");
    let [table] = tables.values().collect::<Vec<_>>()[..] else { panic!("{} tables", tables.len()) };
    let keys = [(store::KEYS.partition, "HASH"), (store::KEYS.sort, "RANGE")];
    assert_eq!(table["KeySchema"], json!(keys.map(|(name, kind)| json!({"AttributeName": name, "KeyType": kind}))));
    let types = keys.map(|(name, _)| json!({"AttributeName": name, "AttributeType": "S"}));
    assert_eq!(table["AttributeDefinitions"], json!(types));
    assert_eq!(table["TimeToLiveSpecification"], json!({"AttributeName": store::KEYS.expiry, "Enabled": true}));
}

#[test]
fn every_refusal_of_the_gateway_is_a_scim_error() {
    for (name, refusal) in &Api::read().unwrap().refusals {
        let body: Value = serde_json::from_str(refusal.body()).unwrap();
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{name}");
        assert_eq!(body["status"], refusal.status_code.to_string(), "{name}");
        assert!(!body["detail"].as_str().unwrap().is_empty(), "{name}");
        // API Gateway would fill in variables, this gateway does not.
        assert!(!refusal.body().contains('$'), "{name}");
        let headers: BTreeMap<_, _> = refusal.headers().collect();
        assert_eq!(headers.get("Content-Type"), Some(&"application/scim+json"), "{name}");
        assert_eq!(headers.contains_key("WWW-Authenticate"), refusal.status_code == 401, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_has_what_it_needs() {
    let (directory, _engine) = directory().await;
    let gateway = Gateway::new(Api::read().unwrap(), directory, "127.0.0.1:1".to_owned(), Arc::default()).unwrap();
    assert_eq!(gateway.base_url(), "http://127.0.0.1:1/scim/v2");
}

fn wish(tenant: &str, scopes: Option<&str>) -> IssueRequest {
    let scopes = scopes.map(str::to_owned);
    IssueRequest { tenant: tenant.to_owned(), label: "Okta".to_owned(), expires_in_days: None, scopes, dialect: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lives_from_issue_to_revocation() {
    let (directory, _engine) = directory().await;
    let first = issue(directory, wish("acme", None)).await.unwrap();
    let other = issue(directory, wish("other", Some("read"))).await.unwrap();
    let caller = authorize(directory, &format!("bearer {}", first.token)).await.unwrap().unwrap();
    assert_eq!((caller.tenant.as_str(), &caller.token), ("acme", &first.metadata.id));
    assert!(caller.scopes.read && caller.scopes.write);
    let caller = authorize(directory, &other.token).await.unwrap().unwrap();
    assert!(caller.scopes.read && !caller.scopes.write);

    let rotate_first =
        |hours| RotateRequest { id: first.metadata.id.clone(), overlap_hours: Some(hours), expires_in_days: None };
    let second = rotate(directory, rotate_first(1)).await.unwrap();
    assert_eq!((&second.metadata.tenant, &second.metadata.label), (&first.metadata.tenant, &first.metadata.label));
    for token in [&first.token, &second.token] {
        assert!(authorize(directory, token).await.unwrap().is_some());
    }
    let third = rotate(directory, rotate_first(0)).await.unwrap();
    assert!(authorize(directory, &first.token).await.unwrap().is_none(), "no overlap");
    assert!(rotate(directory, rotate_first(0)).await.is_err(), "an expired token has no successor");

    let revoked = revoke(directory, RevokeRequest { id: second.metadata.id.clone() }).await.unwrap();
    assert_eq!(revoked.state, TokenState::Revoked);
    assert!(authorize(directory, &second.token).await.unwrap().is_none());
    assert!(authorize(directory, &third.token).await.unwrap().is_some());
    let listed = list(directory, ListRequest { tenant: "acme".to_owned() }).await.unwrap().tokens;
    let mut states: Vec<_> = listed.iter().map(|token| (token.id.as_str(), token.state)).collect();
    states.sort_unstable_by_key(|(id, _)| *id);
    let mut expect =
        vec![
            (first.metadata.id.as_str(), TokenState::Expired),
            (&second.metadata.id, TokenState::Revoked),
            (&third.metadata.id, TokenState::Active),
        ];
    expect.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(states, expect);
}

/// The right id and a right check are no secret: whoever makes both up is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_another_secret_is_refused() {
    let (directory, _engine) = directory().await;
    let [good, forged] = [2, 3].map(|secret| protocol::token::generate([1; 8], [secret; 32]));
    assert_eq!(good.id, forged.id);
    let about = store::Token {
        id: good.id.clone(),
        hash: good.hash(),
        tenant: "acme".to_owned(),
        scopes: "read write".to_owned(),
        dialect: "lenient".to_owned(),
        label: "Okta".to_owned(),
        created: 0,
        expires_at: u64::from(u32::MAX),
        last_used: None,
        revoked_at: None,
        successor: None,
    };
    directory.put_token(&about).await.unwrap();
    assert!(authorize(directory, &format!("Bearer {good}")).await.unwrap().is_some());
    assert!(authorize(directory, &format!("Bearer {forged}")).await.unwrap().is_none());
}

/// A successor lives as long as its predecessor was given; who has a day left is not given thirty by the overlap.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_lengthens_no_life() {
    let (directory, _engine) = directory().await;
    let first = issue(directory, IssueRequest { expires_in_days: Some(1), ..wish("acme", None) }).await.unwrap().metadata;
    let rotation = RotateRequest { id: first.id.clone(), overlap_hours: Some(30 * 24), expires_in_days: None };
    let next = rotate(directory, rotation).await.unwrap().metadata;
    let listed = list(directory, ListRequest { tenant: "acme".to_owned() }).await.unwrap().tokens;
    let old = listed.iter().find(|token| token.id == first.id).unwrap();
    assert_eq!(old.expires_at, first.expires_at);
    let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(instant(&next.expires_at).duration_since(instant(&next.created)).as_secs(), 24 * 60 * 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialect_is_kept_by_the_next_token_and_a_strict_one_needs_its_scheme() {
    let (directory, _engine) = directory().await;
    let strict =
        issue(directory, IssueRequest { dialect: Some("strict".to_owned()), ..wish("acme", None) }).await.unwrap();
    let next = RotateRequest { id: strict.metadata.id.clone(), overlap_hours: None, expires_in_days: None };
    let next = rotate(directory, next).await.unwrap();
    let dialects = list(directory, ListRequest { tenant: "acme".to_owned() }).await.unwrap().tokens;
    assert_eq!(dialects.into_iter().map(|token| token.dialect).collect::<Vec<_>>(), ["strict", "strict"]);
    let caller = authorize(directory, &format!("Bearer {}", next.token)).await.unwrap().unwrap();
    assert!(caller.dialect.is_strict() && authorize(directory, &next.token).await.unwrap().is_none());
    let lenient = issue(directory, wish("acme", None)).await.unwrap();
    assert_eq!(lenient.metadata.dialect, "lenient");
    let caller = authorize(directory, &lenient.token).await.unwrap().unwrap();
    let used: Vec<&str> = caller.dialect.used().map(|leniency| leniency.info().name).collect();
    assert_eq!(used, ["bareTokens"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_token_is_not_issued() {
    let (directory, _engine) = directory().await;
    for (wanted, says) in [
        (wish("Acme", None), "The tenant must be"),
        (wish("acme", Some("admin")), "`admin` is no scope"),
        (wish("acme", Some("")), "a token needs"),
        (IssueRequest { label: " ".to_owned(), ..wish("acme", None) }, "The label must be"),
        (IssueRequest { label: "é".repeat(129), ..wish("acme", None) }, "The label must be"),
        (IssueRequest { label: "a\nb".to_owned(), ..wish("acme", None) }, "The label must be"),
        (
            IssueRequest { dialect: Some("Strict".to_owned()), ..wish("acme", None) },
            "The dialect must be `strict` or `lenient`",
        ),
        (IssueRequest { expires_in_days: Some(3651), ..wish("acme", None) }, "expiresInDays must be 1 to 3650"),
    ] {
        let problem = issue(directory, wanted).await.map(drop).unwrap_err().to_string();
        assert!(problem.contains(says), "{problem}");
    }
    assert!(issue(directory, IssueRequest { label: "é".repeat(128), ..wish("acme", None) }).await.is_ok());
    let nobody = RevokeRequest { id: "00000000000".to_owned() };
    assert_eq!(revoke(directory, nobody).await.unwrap_err().status(), 404);
    for header in ["", "Bearer", "non-token", "Basic eDp5"] {
        assert!(authorize(directory, header).await.unwrap().is_none(), "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_store_the_authorizer_says_neither_yes_nor_no() {
    let (directory, engine) = directory().await;
    let token = issue(directory, wish("acme", None)).await.unwrap().token;
    drop(engine);
    let error = authorize(directory, &token).await.unwrap_err();
    assert_eq!(error.status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bulk_request_has_no_time_for_is_not_begun_and_reported() {
    let (directory, _engine) = directory().await;
    let token = issue(directory, wish("acme", None)).await.unwrap().token;
    let caller = authorize(directory, &token).await.unwrap().unwrap();
    let base_url = "https://api.example/scim/v2";
    let group = |name: &str, member: &str| {
        let data = json!({"displayName": name, "members": [{"value": format!("bulkId:{member}")}]});
        json!({"method": "POST", "path": "/Groups", "bulkId": name, "data": data})
    };
    let user = json!({"method": "POST", "path": "/Users", "bulkId": "u", "data": {"userName": "u"}});
    let body = json!({"Operations": [group("a", "b"), user, group("b", "a"), group("c", "a")]});
    for (time, expect) in [(Duration::ZERO, ["503", "503", "503", "409"]), (Duration::from_secs(60), ["201"; 4])] {
        let context =
            Context { directory, exchange: Exchange { caller: &caller, base_url, deadline: Instant::now() + time } };
        let response = service::bulk(&context, body.as_object().unwrap()).await.unwrap().body.unwrap();
        let reports = response["Operations"].as_array().unwrap();
        let statuses: Vec<&str> = reports.iter().map(|report| report["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, expect, "{reports:?}");
    }
}
