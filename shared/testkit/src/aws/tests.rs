//! Each behaviour alone.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::{AwsProxy, Behaviour};
use crate::{Engine, call_engine};

const TABLE: &str = "items";

/// An engine with an empty table, and a proxy in front of it.
struct Site {
    engine: Engine,
    proxy: AwsProxy,
}

impl Site {
    fn new(behaviours: &[Behaviour], speed: f64) -> Self {
        let engine = Engine::start();
        let table = json!({
            "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"},
            ],
        });
        engine.call("CreateTable", &table);
        let proxy = AwsProxy::with_speed(&engine.url, behaviours, 7, speed);
        Self { engine, proxy }
    }

    fn call(&self, operation: &str, request: &Value) -> Value {
        call_engine(self.proxy.url(), &self.engine.key, operation, request)
    }

    fn put(&self, partition: &str, sort: &str, text: &str) -> Value {
        let item = json!({ "pk": {"S": partition}, "sk": {"S": sort}, "text": {"S": text} });
        self.call("PutItem", &json!({ "TableName": TABLE, "Item": item, "ReturnConsumedCapacity": "TOTAL" }))
    }

    /// Creates these items by one transaction.
    fn create(&self, sorts: impl IntoIterator<Item = usize>, token: &str) -> Value {
        let put = |sort: usize| {
            json!({ "Put": {
                "TableName": TABLE, "Item": { "pk": {"S": "a"}, "sk": {"S": format!("{sort:03}")} },
                "ConditionExpression": "attribute_not_exists(#pk)", "ExpressionAttributeNames": { "#pk": "pk" },
            }})
        };
        let actions: Vec<Value> = sorts.into_iter().map(put).collect();
        self.call("TransactWriteItems", &json!({ "TransactItems": actions, "ClientRequestToken": token }))
    }

    fn count(&self) -> usize {
        self.engine.items(TABLE, "a").len()
    }
}

fn code(response: &Value) -> &str {
    response["__type"].as_str().and_then(|it| it.rsplit('#').next()).unwrap_or_default()
}

#[test]
fn transaction_is_seen_in_parts_and_whole_after_its_response() {
    let site = Site::new(&[Behaviour::TornTransactions], 0.2);
    let mut seen = Vec::new();
    thread::scope(|scope| {
        let transaction = scope.spawn(|| site.create(0..20, "one"));
        while !transaction.is_finished() {
            seen.push(site.count());
        }
        assert_eq!(code(&transaction.join().unwrap()), "");
    });
    assert!(seen.iter().any(|count| (1..20).contains(count)), "{seen:?}");
    assert_eq!(site.count(), 20);
    assert!(site.proxy.count(Behaviour::TornTransactions) > 0);

    assert_eq!(code(&site.create(0..20, "one")), "", "the same token");
    let failed = site.create(19..22, "two");
    assert_eq!(code(&failed), "TransactionCanceledException");
    let codes: Vec<_> = failed["CancellationReasons"].as_array().unwrap().iter().map(|it| it["Code"].clone()).collect();
    assert_eq!(codes, ["ConditionalCheckFailed", "None", "None"]);
    assert_eq!(site.count(), 20, "nothing of it is written");
}

#[test]
fn concurrent_transactions_on_one_item_conflict() {
    let site = Site::new(&[Behaviour::TornTransactions, Behaviour::Conflicts], 0.1);
    let responses: Vec<Value> = thread::scope(|scope| {
        let site = &site;
        let all: Vec<_> = (0..8)
            .map(|n| scope.spawn(move || site.create([n + 1, 0, n + 100, n + 200, n + 300], &n.to_string())))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let committed = responses.iter().filter(|response| code(response).is_empty()).count();
    assert!(committed <= 1, "{responses:?}");
    let conflicts = responses.iter().filter(|it| it.to_string().contains("TransactionConflict"));
    assert!(conflicts.count() > 0, "{responses:?}");
    assert_eq!(site.count(), committed * 5);
}

#[test]
fn partition_key_without_throughput_is_throttled_alone() {
    let site = Site::new(&[Behaviour::Throughput], 1.0);
    let large = "x".repeat(200_000);
    let responses: Vec<Value> = (0..8).map(|n| site.put("hot", &n.to_string(), &large)).collect();
    assert_eq!(code(responses.last().unwrap()), "ThrottlingException", "196 units each");
    assert_eq!(code(&site.put("cold", "0", "")), "");

    let request = |partition: &str| json!({ "PutRequest": { "Item": { "pk": {"S": partition}, "sk": {"S": "z"} } } });
    let batch = json!({ "RequestItems": { TABLE: [request("hot"), request("cold")] } });
    let response = site.call("BatchWriteItem", &batch);
    assert_eq!(response["UnprocessedItems"], json!({ TABLE: [request("hot")] }));
    let key = |partition: &str| json!({ "pk": {"S": partition}, "sk": {"S": "z"} });
    let response =
        site.call("BatchGetItem", &json!({ "RequestItems": { TABLE: { "Keys": [key("hot"), key("cold")] } } }));
    assert_eq!(response["Responses"][TABLE].as_array().map(Vec::len), Some(1), "reads have units of their own");

    thread::sleep(Duration::from_secs(2));
    assert_eq!(code(&site.put("hot", "0", "")), "");
}

#[test]
fn write_without_condition_is_carried_out_again_after_a_later_one() {
    let site = Site::new(&[Behaviour::LateDuplicates], 100.0);
    let is_undone = (0..400).any(|n| {
        site.put("a", "one", "old");
        site.put("a", "one", "new");
        thread::sleep(Duration::from_millis(n % 60));
        site.engine.items(TABLE, "a")[0]["text"]["S"] == "old"
    });
    assert!(is_undone);
}

#[test]
fn response_ends_in_the_middle_of_its_body() {
    let site = Site::new(&[Behaviour::CutResponses], 1.0);
    let address = site.proxy.url().trim_start_matches("http://");
    let body = json!({ "TableName": TABLE }).to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.DescribeTable\r\ncontent-length: {}\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    let mut response = Vec::new();
    for _ in 0..10_000 {
        stream.write_all(request.as_bytes()).unwrap();
        let mut chunk = [0; 8192];
        let read = stream.read(&mut chunk).unwrap();
        response = chunk[..read].to_vec();
        if site.proxy.count(Behaviour::CutResponses) > 0 {
            break;
        }
    }
    stream.read_to_end(&mut response).unwrap();
    let response = String::from_utf8(response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    assert!(head.contains(" 200 ") && length.is_some_and(|length: usize| body.len() < length), "{response}");
}

#[test]
fn snapshot_can_hold_a_part_of_a_transaction() {
    let site = Site::new(&[Behaviour::TornTransactions], 0.02);
    let counts: Vec<usize> = thread::scope(|scope| {
        let transaction = scope.spawn(|| site.create(0..20, "one"));
        let mut counts = Vec::new();
        while !transaction.is_finished() {
            let copy = format!("copy-{}", counts.len());
            site.proxy.snapshot(&site.engine.key, TABLE, &copy);
            counts.push(site.engine.items(&copy, "a").len());
        }
        counts
    });
    assert!(counts.iter().any(|count| (1..20).contains(count)), "{counts:?}");
}

#[test]
fn behaviours_are_parsed_by_their_names() {
    assert_eq!(Behaviour::parse("all"), Behaviour::ALL);
    for behaviour in Behaviour::ALL {
        assert_eq!(Behaviour::parse(behaviour.name()), [behaviour]);
    }
    assert_eq!(Behaviour::parse("conflicts,throughput"), [Behaviour::Conflicts, Behaviour::Throughput]);
}

#[test]
fn transaction_of_items_with_more_than_4_mb_is_refused() {
    let site = Site::new(&[Behaviour::TransactionSize], 1.0);
    let sorts: Vec<String> = (0..14).map(|n| n.to_string()).collect();
    for sort in &sorts {
        site.put("a", sort, &"x".repeat(300 * 1024));
    }
    let change = |sorts: &[String], token: &str| {
        let update = |sort: &String| {
            json!({ "Update": {
                "TableName": TABLE, "Key": { "pk": {"S": "a"}, "sk": {"S": sort} }, "UpdateExpression": "ADD #n :one",
                "ExpressionAttributeNames": { "#n": "n" }, "ExpressionAttributeValues": { ":one": {"N": "1"} },
            }})
        };
        let actions: Vec<Value> = sorts.iter().map(update).collect();
        site.call("TransactWriteItems", &json!({ "TransactItems": actions, "ClientRequestToken": token }))
    };
    assert_eq!(change(&sorts, "1")["CancellationReasons"][0]["Code"], "ValidationError");
    assert_eq!(site.proxy.count(Behaviour::TransactionSize), 1);
    assert!(site.engine.items(TABLE, "a").iter().all(|item| item.get("n").is_none()));
    assert_eq!(change(&sorts[..13], "2"), json!({}));
}
