//! Names agree: folders, packages, functions and routes of template.yaml, sample events, the table's keys and the
//! protocol's routes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use gateway::template::{Api, TEMPLATE};
use gateway::{Gateway, functions};
use serde_json::{Value, json};

use crate::directory::{directory, root};

/// The properties of all resources of a type in template.yaml, by logical id.
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
fn folder_package_and_template_agree_on_the_name_of_a_function() {
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
fn every_function_has_a_sample_event_and_every_event_a_function() {
    let events = fs::read_dir(root().join("events")).unwrap().map(|entry| entry.unwrap().file_name());
    let events: BTreeSet<String> = events.map(|name| name.into_string().unwrap()).collect();
    for name in folders() {
        assert!(events.contains(&format!("{name}.json")), "events/{name}.json is missing");
    }
    for event in events {
        let function = event.trim_end_matches(".json").split("--").next().unwrap().to_owned();
        assert!(folders().contains(&function), "events/{event} names no function");
    }
}

#[test]
fn routes_and_functions_match_one_to_one() {
    let routed: BTreeSet<String> = Api::read().unwrap().routes.into_iter().map(|route| route.function).collect();
    let known: BTreeSet<String> = functions::NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(routed, known);
}

#[test]
fn template_routes_are_those_of_the_protocol() {
    let routes = Api::read().unwrap().routes;
    let of = |function: &str, path: &str, method: Option<&str>| {
        routes.iter().any(|it| it.function == function && it.path == path && it.method.as_deref() == method)
    };
    let mut operations: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for route in routes.iter().filter(|route| route.function != "Fallback") {
        let methods = operations.entry(&route.path).or_default();
        match route.method.as_deref() {
            Some("HEAD") => assert!(
                of(&route.function, &route.path, Some("GET")),
                "{}: the function of GET also serves HEAD",
                route.path
            ),
            Some(method) => drop(methods.insert(method)),
            None => panic!("{}: only Fallback may serve any method", route.path),
        }
        let is_public = route.function == "Openapi";
        assert_eq!(route.is_public, is_public, "{} {:?}: only Openapi needs no token", route.path, route.method);
    }
    let protocol: BTreeMap<&str, BTreeSet<&str>> =
        protocol::ROUTES.iter().map(|route| (route.path, route.methods.iter().copied().collect())).collect();
    assert_eq!(protocol, operations);
    for (path, methods) in &operations {
        // API Gateway selects the method among those of the path that it has matched.
        let any = routes.iter().any(|route| route.path == *path && route.method.is_none());
        assert!(any, "{path} needs a route for all other methods to Fallback");
        let head = routes.iter().any(|route| route.path == *path && route.method.as_deref() == Some("HEAD"));
        assert!(head || !methods.contains("GET"), "{path} has GET and needs HEAD");
    }
}

#[test]
fn table_has_the_keys_that_the_store_uses() {
    let tables = declared("AWS::DynamoDB::Table");
    let [table] = tables.values().collect::<Vec<_>>()[..] else { panic!("{} tables", tables.len()) };
    let keys = [(store::KEYS.partition, "HASH"), (store::KEYS.sort, "RANGE")];
    assert_eq!(table["KeySchema"], json!(keys.map(|(name, kind)| json!({"AttributeName": name, "KeyType": kind}))));
    let types = keys.map(|(name, _)| json!({"AttributeName": name, "AttributeType": "S"}));
    assert_eq!(table["AttributeDefinitions"], json!(types));
    assert_eq!(table["TimeToLiveSpecification"], json!({"AttributeName": store::KEYS.expiry, "Enabled": true}));
}

#[test]
fn every_gateway_response_is_a_scim_error() {
    for (name, response) in &Api::read().unwrap().gateway_responses {
        let body: Value = serde_json::from_str(response.body()).unwrap();
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{name}");
        assert_eq!(body["status"], response.status_code.to_string(), "{name}");
        assert!(!body["detail"].as_str().unwrap().is_empty(), "{name}");
        // API Gateway replaces variables, and this gateway does not.
        assert!(!response.body().contains('$'), "{name}");
        let headers: BTreeMap<_, _> = response.headers().collect();
        assert_eq!(headers.get("Content-Type"), Some(&"application/scim+json"), "{name}");
        assert_eq!(headers.contains_key("WWW-Authenticate"), response.status_code == 401, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gateway_starts_with_the_template() {
    let (directory, _engine) = directory().await;
    let gateway = Gateway::new(Api::read().unwrap(), directory, "127.0.0.1:1".to_owned()).unwrap();
    assert_eq!(gateway.base_url(), "http://127.0.0.1:1/scim/v2");
}
