//! Metrics in CloudWatch's embedded metric format: a JSON line on standard output for each request or invocation,
//! at every log level. They are written only if the environment variable `SERVICE` contains the name of the
//! stack.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use crate::usage::{SpanUsage, milliseconds};

/// The CloudWatch namespace of all metrics.
pub const NAMESPACE: &str = "SCIM";

/// A metric and its dimensions.
#[derive(Debug)]
pub struct Metric {
    pub name: &'static str,
    pub unit: &'static str,
    /// The sets of dimensions under which CloudWatch stores it.
    pub sets: &'static [&'static [&'static str]],
}

const ALL: &[&str] = &["Service"];
const BY_OPERATION: &[&str] = &["Service", "Operation"];
const REQUESTS: Metric =
    Metric { name: "Requests", unit: "Count", sets: &[ALL, BY_OPERATION, &["Service", "Operation", "Status"]] };
const LATENCY: Metric = Metric { name: "Latency", unit: "Milliseconds", sets: &[BY_OPERATION] };
const CALLS: Metric = Metric { name: "DynamoDBCalls", unit: "Count", sets: &[ALL, BY_OPERATION] };
const UNITS: Metric = Metric { name: "DynamoDBUnits", unit: "Count", sets: &[ALL, BY_OPERATION] };
const LENIENCIES: Metric = Metric { name: "Leniencies", unit: "Count", sets: &[ALL, &["Service", "Leniency"]] };
const REFUSED_TOKENS: Metric = Metric { name: "RefusedTokens", unit: "Count", sets: &[ALL] };
const TOKENS_EXPIRING: Metric = Metric { name: "TokensExpiring", unit: "Count", sets: &[&["Service", "Days"]] };

/// All metrics.
pub const METRICS: [Metric; 7] = [REQUESTS, LATENCY, CALLS, UNITS, LENIENCIES, REFUSED_TOKENS, TOKENS_EXPIRING];

static SERVICE: OnceLock<String> = OnceLock::new();

/// Enables metrics, if the stack has a name.
pub(crate) fn start() {
    if let Some(name) = std::env::var("SERVICE").ok().filter(|name| !name.is_empty()) {
        SERVICE.get_or_init(|| name);
    }
}

/// Records that a token was presented and rejected.
pub fn record_refused_token() {
    print(|service| vec![line(service, &[], &[(&REFUSED_TOKENS, 1.0)])]);
}

/// Records how many tokens expire within a number of days.
pub fn record_expiring_tokens(days: u64, tokens: usize) {
    let count = u32::try_from(tokens).unwrap_or(u32::MAX);
    let days = days.to_string();
    print(|service| vec![line(service, &[("Days", &days)], &[(&TOKENS_EXPIRING, count.into())])]);
}

/// Records a request.
pub(crate) fn record_request(operation: &str, status: u16, duration: Duration, usage: &SpanUsage) {
    print(|service| request(service, operation, Some(status), duration, usage));
}

/// Records an invocation that is not a request.
pub(crate) fn record_invocation(operation: &str, duration: Duration, usage: &SpanUsage) {
    print(|service| request(service, operation, None, duration, usage));
}

fn request(service: &str, operation: &str, status: Option<u16>, duration: Duration, usage: &SpanUsage) -> Vec<Value> {
    let calls = f64::from(u32::try_from(usage.calls).unwrap_or(u32::MAX));
    let mut metrics = vec![(&LATENCY, milliseconds(duration)), (&CALLS, calls), (&UNITS, usage.units)];
    let status = status.map(|status| status.to_string());
    let mut dimensions = vec![("Operation", operation)];
    if let Some(status) = &status {
        metrics.push((&REQUESTS, 1.0));
        dimensions.push(("Status", status));
    }
    let leniencies: BTreeSet<&str> = usage.leniencies.iter().copied().collect();
    let leniencies = leniencies.into_iter().map(|name| line(service, &[("Leniency", name)], &[(&LENIENCIES, 1.0)]));
    std::iter::once(line(service, &dimensions, &metrics)).chain(leniencies).collect()
}

/// One document of the format: the metric definitions, then the members that they name.
fn line(service: &str, dimensions: &[(&str, &str)], metrics: &[(&Metric, f64)]) -> Value {
    let directives: Vec<Value> = metrics
        .iter()
        .map(|(metric, _)| {
            let metrics = json!([{"Name": metric.name, "Unit": metric.unit}]);
            json!({"Namespace": NAMESPACE, "Dimensions": metric.sets, "Metrics": metrics})
        })
        .collect();
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let timestamp = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
    let about = json!({"Timestamp": timestamp, "CloudWatchMetrics": directives});
    let mut document = Map::from_iter([("_aws".to_owned(), about), ("Service".to_owned(), service.into())]);
    document.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
    document.extend(metrics.iter().map(|(metric, value)| (metric.name.to_owned(), Value::from(*value))));
    Value::Object(document)
}

fn print(lines: impl FnOnce(&str) -> Vec<Value>) {
    let Some(service) = SERVICE.get() else { return };
    let text: String = lines(service).into_iter().map(|line| format!("{line}\n")).collect();
    // If standard output is closed, there is nowhere to report it.
    let _closed = std::io::stdout().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the rules of the format: every name has a member, which is a number for a metric and a string for a
    /// dimension.
    fn check(document: &Value) -> BTreeSet<String> {
        assert!(document["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
        let directives = document["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let mut named: BTreeSet<String> = BTreeSet::from(["_aws".to_owned()]);
        for directive in directives {
            assert_eq!(directive["Namespace"], "SCIM");
            for set in directive["Dimensions"].as_array().unwrap() {
                assert!(set.as_array().unwrap().len() <= 30);
                for name in set.as_array().unwrap() {
                    assert!(document[name.as_str().unwrap()].is_string(), "{name} in {document}");
                    named.insert(name.as_str().unwrap().to_owned());
                }
            }
            for metric in directive["Metrics"].as_array().unwrap() {
                assert!(document[metric["Name"].as_str().unwrap()].is_number(), "{metric} in {document}");
                named.insert(metric["Name"].as_str().unwrap().to_owned());
            }
        }
        let members: BTreeSet<String> = document.as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, named, "a member that no definition names");
        named
    }

    #[test]
    fn request_has_its_metrics_and_one_for_each_leniency() {
        let usage = SpanUsage { calls: 2, units: 2.5, leniencies: vec!["bareTokens", "emptyStrings", "bareTokens"] };
        let lines = request("scim", "users-create", Some(201), Duration::from_micros(12_340), &usage);
        assert_eq!(lines.len(), 3, "a leniency counts once per request");
        lines.iter().for_each(|line| drop(check(line)));
        let values = ["Service", "Operation", "Status", "Requests", "Latency", "DynamoDBCalls", "DynamoDBUnits"];
        let values = values.map(|name| lines[0][name].clone());
        assert_eq!(Value::from(values.to_vec()), json!(["scim", "users-create", "201", 1.0, 12.3, 2.0, 2.5]));
        assert_eq!((&lines[1]["Leniency"], &lines[2]["Leniency"]), (&json!("bareTokens"), &json!("emptyStrings")));
        assert_eq!(lines[1]["Leniencies"], 1.0);
    }

    #[test]
    fn invocation_is_not_counted_as_a_request() {
        let lines = request("scim", "authorizer", None, Duration::ZERO, &SpanUsage::default());
        let named = check(&lines[0]);
        assert!(lines.len() == 1 && !named.contains("Requests") && !named.contains("Status"), "{named:?}");
    }

    #[test]
    fn every_metric_has_the_dimension_service() {
        let values = [("Operation", "o"), ("Status", "200"), ("Leniency", "l"), ("Days", "7")];
        for metric in &METRICS {
            let used: Vec<_> =
                values.into_iter().filter(|(name, _)| metric.sets.iter().any(|set| set.contains(name))).collect();
            check(&line("scim", &used, &[(metric, 1.0)]));
            assert!(metric.sets.iter().all(|set| set[0] == "Service"));
        }
    }
}
