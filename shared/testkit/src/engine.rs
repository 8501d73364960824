//! The embedded DynamoDB of the tests.

use std::env;
use std::net::TcpListener;
use std::sync::OnceLock;

use embedded::Database;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::call::{call_engine, scan};
use crate::environment::variable;
use crate::{AwsProxy, Behaviour};

/// An embedded DynamoDB in memory, which stops when it is dropped. Its calls block the threads that serve them, so
/// it has its own runtime.
#[derive(Debug)]
pub struct Engine {
    pub url: String,
    /// The id of the access key that it accepts.
    pub key: String,
    runtime: Option<Runtime>,
}

impl Engine {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = "local".to_owned();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let served_key = key.clone();
        runtime.spawn(async move {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            embedded::serve(listener, Database::memory().unwrap(), served_key).await.unwrap();
        });
        Self { url, key, runtime: Some(runtime) }
    }

    /// The items of a partition in DynamoDB's JSON, ordered by sort key.
    pub fn items(&self, table: &str, partition_key: &str) -> Vec<Value> {
        let query = json!({
            "TableName": table, "ConsistentRead": true, "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": partition_key}},
        });
        let response = self.call("Query", &query);
        response["Items"].as_array().unwrap_or_else(|| panic!("Query returns {response}")).clone()
    }

    /// All items of a table in DynamoDB's JSON.
    pub fn all_items(&self, table: &str) -> Vec<Value> {
        scan(&|operation, request| self.call(operation, request), table)
    }

    /// Sends one operation in DynamoDB's JSON and returns the response.
    pub fn call(&self, operation: &str, request: &Value) -> Value {
        call_engine(&self.url, &self.key, operation, request)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The URL of an engine: the one that `DYNAMODB_ENDPOINT` names, or else one in memory, the same for the whole
/// process. With `SCIM_AWS`, it is that of a proxy that shows these [`Behaviour`]s of AWS, such as
/// `throughput,conflicts` or `all`, by the seed `AWS_SEED`.
pub fn engine() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    URL.get_or_init(|| {
        let url = env::var("DYNAMODB_ENDPOINT").unwrap_or_else(|_| ENGINE.get_or_init(Engine::start).url.clone());
        match env::var("SCIM_AWS") {
            Ok(names) => {
                let seed = variable("AWS_SEED", fastrand::u64(1..1_000_000));
                eprintln!("AWS: SCIM_AWS={names} AWS_SEED={seed}");
                AwsProxy::before(&url, &Behaviour::parse(&names), seed).url().to_owned()
            }
            Err(_) => url,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_keeps_what_is_put_and_serves_its_own_key_alone() {
        let engine = Engine::start();
        let table = json!({
            "TableName": "items", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"},
            ],
        });
        engine.call("CreateTable", &table);
        let item = json!({"pk": {"S": "a"}, "sk": {"S": "é"}});
        engine.call("PutItem", &json!({"TableName": "items", "Item": item}));
        assert_eq!(engine.items("items", "a"), [item]);
        let refused = call_engine(&engine.url, "other", "ListTables", &json!({}));
        assert!(refused.to_string().contains("UnrecognizedClientException"), "{refused}");
    }
}
