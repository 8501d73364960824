//! Calls of an engine without the SDK, in DynamoDB's JSON.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

/// Sends one operation in DynamoDB's JSON to an embedded engine and returns the response. An embedded engine checks
/// the id of the access key, not the signature.
pub fn call_engine(url: &str, key: &str, operation: &str, request: &Value) -> Value {
    let address = url.trim_start_matches("http://");
    let body = request.to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.0\r\n\
         x-amz-target: DynamoDB_20120810.{operation}\r\ncontent-length: {}\r\n\
         authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/dynamodb/aws4_request\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

/// All items of a table.
pub(crate) fn scan(call: &impl Fn(&str, &Value) -> Value, table: &str) -> Vec<Value> {
    let mut request = json!({ "TableName": table, "ConsistentRead": true });
    let mut items = Vec::new();
    loop {
        let page = call("Scan", &request);
        items.extend(page["Items"].as_array().expect("items").iter().cloned());
        if page["LastEvaluatedKey"].is_null() {
            return items;
        }
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
}
