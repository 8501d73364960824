//! Monitoring: the alarms and the dashboard of template.yaml use metrics that exist, and operators find the tokens
//! that will expire.

use std::collections::BTreeSet;

use edge::metrics::{METRICS, NAMESPACE};
use gateway::iam::as_function;
use gateway::template::TEMPLATE;
use serde_json::{Value, json};
use service::tokens::{IssueRequest, RevokeRequest, RotateRequest, issue, revoke, rotate};

use crate::directory::{directory, event};
use crate::template::declared;

/// The name of a metric in this service's namespace, and the names of its dimensions.
type Metric = (String, Vec<String>);

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn alarm_metrics() -> BTreeSet<Metric> {
    let alarms = declared("AWS::CloudWatch::Alarm").into_values().filter(|alarm| alarm["Namespace"] == NAMESPACE);
    let name = |dimension: &Value| text(&dimension["Name"]);
    alarms
        .map(|it| (text(&it["MetricName"]), it["Dimensions"].as_array().unwrap().iter().map(name).collect()))
        .collect()
}

/// A widget names a metric as `["SCIM", name, dimension, value, …, {…}]`, or by a search expression:
/// `SEARCH('{SCIM,Dimension,…} … MetricName="name"', …)`.
fn dashboard_metrics() -> BTreeSet<Metric> {
    let dashboards = declared("AWS::CloudWatch::Dashboard");
    let body: String = text(&dashboards["Dashboard"]["DashboardBody"]);
    // This parameter is a number, so the template has no quotes around it.
    let body: Value = serde_json::from_str(&body.replace("${LatencyAlarmMs}", "0")).unwrap();
    let widgets = body["widgets"].as_array().unwrap().iter();
    let metrics = widgets.filter_map(|widget| widget["properties"]["metrics"].as_array()).flatten();
    metrics.filter_map(|metric| named_metric(metric).or_else(|| searched_metric(metric))).collect()
}

fn named_metric(metric: &Value) -> Option<Metric> {
    let words: Vec<&str> = metric.as_array()?.iter().filter_map(Value::as_str).collect();
    let (namespace, rest) = words.split_first()?;
    let (name, dimensions) = rest.split_first()?;
    let dimensions = dimensions.chunks(2).map(|pair| pair[0].to_owned()).collect();
    (*namespace == NAMESPACE).then(|| ((*name).to_owned(), dimensions))
}

fn searched_metric(metric: &Value) -> Option<Metric> {
    let expression = metric[0]["expression"].as_str()?;
    let (_, rest) = expression.split_once(&format!("{{{NAMESPACE},"))?;
    let (dimensions, rest) = rest.split_once('}')?;
    let (_, rest) = rest.split_once("MetricName=\"")?;
    let (name, _) = rest.split_once('"')?;
    Some((name.to_owned(), dimensions.split(',').map(str::to_owned).collect()))
}

#[test]
fn alarms_and_dashboard_use_metrics_that_exist() {
    let emitted = METRICS.iter().flat_map(|metric| metric.sets.iter().map(|set| (metric.name.to_owned(), *set)));
    let mut emitted: BTreeSet<Metric> =
        emitted.map(|(name, set)| (name, set.iter().map(|&dimension| dimension.to_owned()).collect())).collect();
    // A metric filter makes these from the access log.
    let filters = declared("AWS::Logs::MetricFilter");
    for made in filters.values().flat_map(|filter| filter["MetricTransformations"].as_array().unwrap()) {
        let keys = made["Dimensions"].as_array().unwrap().iter().map(|dimension| text(&dimension["Key"]));
        emitted.insert((text(&made["MetricName"]), keys.collect()));
    }
    let alarms = alarm_metrics();
    let dashboard = dashboard_metrics();
    assert!(alarms.len() >= 2 && dashboard.len() >= 9, "{alarms:?} {dashboard:?}");
    let unknown: Vec<_> = alarms.union(&dashboard).filter(|metric| !emitted.contains(metric)).collect();
    assert!(unknown.is_empty(), "no function emits {unknown:?}");
    for metric in &METRICS {
        assert!(dashboard.iter().any(|(name, _)| name == metric.name), "{} is not on the dashboard", metric.name);
    }
    assert_eq!(TEMPLATE.matches("SERVICE: !Ref AWS::StackName").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_will_expire_without_successor_are_found() {
    let (directory, _engine) = directory().await;
    let wish = |tenant: &str, days| IssueRequest {
        tenant: tenant.to_owned(),
        label: "Okta".to_owned(),
        expires_in_days: Some(days),
        scopes: None,
        dialect: None,
    };
    let mut ids = Vec::new();
    for (tenant, days) in [("acme", 5), ("other", 20), ("acme", 80), ("acme", 100), ("acme", 3), ("acme", 4)] {
        ids.push(issue(directory, wish(tenant, days)).await.unwrap().metadata.id);
    }
    let rotation = RotateRequest { id: ids[4].clone(), overlap_hours: Some(1), expires_in_days: Some(200) };
    rotate(directory, rotation).await.unwrap();
    revoke(directory, RevokeRequest { id: ids[5].clone() }).await.unwrap();
    let work = edge::invoke_event(directory, tokens_expiring::handle, event("tokens-expiring"), None);
    let found = as_function("TokensExpiring", work).await.unwrap();
    let found = found["tokens"].as_array().unwrap().iter();
    let found: Vec<Value> = found.map(|it| json!([it["id"], it["tenant"], it["withinDays"]])).collect();
    assert_eq!(found, [json!([ids[0], "acme", 7]), json!([ids[1], "other", 30]), json!([ids[2], "acme", 90])]);
}

/// Each function runs with its IAM policy, as on AWS.
#[tokio::test(flavor = "multi_thread")]
async fn operator_functions_issue_list_rotate_and_revoke() {
    let (directory, _engine) = directory().await;
    let event = json!({"tenant": "acme", "label": "Okta production", "expiresInDays": 3650});
    let work = edge::invoke_event(directory, tokens_issue::handle, event, None);
    let first = as_function("TokensIssue", work).await.unwrap();
    let event = json!({"id": first["id"], "overlapHours": 1});
    let work = edge::invoke_event(directory, tokens_rotate::handle, event, None);
    let second = as_function("TokensRotate", work).await.unwrap();
    let work = edge::invoke_event(directory, tokens_revoke::handle, json!({"id": second["id"]}), None);
    assert_eq!(as_function("TokensRevoke", work).await.unwrap()["state"], "revoked");
    let work = edge::invoke_event(directory, tokens_list::handle, json!({"tenant": "acme"}), None);
    let listed = as_function("TokensList", work).await.unwrap();
    let state = |id: &Value| listed["tokens"].as_array().unwrap().iter().find(|it| it["id"] == *id).unwrap().clone();
    assert_eq!(
        (state(&first["id"])["state"].clone(), state(&second["id"])["state"].clone()),
        (json!("active"), json!("revoked"))
    );
    assert_eq!(state(&first["id"])["successor"], second["id"]);
    assert!(!listed.to_string().contains("scim_"));
}
