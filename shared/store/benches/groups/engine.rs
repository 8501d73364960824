//! The engine and a table of the benchmark's own.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{self, Region};
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures_util::stream::{self, StreamExt};
use store::{Connection, Credentials, Directory};
use uuid::Uuid;

const AT: &str = "2026-01-02T03:04:05.678Z";

/// A directory with so many users, and their ids.
pub(crate) async fn directory(url: &str, users: usize) -> (Directory, Vec<String>) {
    let table = format!("t{}", Uuid::now_v7());
    let connection = Connection {
        endpoint: Some(url.to_owned()),
        table: table.clone(),
        credentials: Credentials::Key("local".to_owned()),
    };
    let directory = Directory::connect(connection).await.unwrap();
    directory.create_table().await.unwrap();
    (directory, load(url, &table, users).await)
}

/// Users as groups know them. They have no names, which take a transaction each: both engines get slower with each one.
async fn load(url: &str, table: &str, users: usize) -> Vec<String> {
    let config = config::Builder::new()
        .region(Region::from_static("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(config::Credentials::new("local", "local", None, None, "benchmark"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    let client = Client::from_conf(config.build());
    let ids: Vec<String> = (0..users).map(|_| Uuid::now_v7().to_string()).collect();
    let batches = ids.chunks(25).map(|ids| {
        let puts = ids.iter().map(|id| {
            let put = PutRequest::builder().set_item(Some(user(id))).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        client.batch_write_item().request_items(table, puts.collect()).send()
    });
    let answers = stream::iter(batches.collect::<Vec<_>>()).buffer_unordered(16).collect::<Vec<_>>().await;
    let left = answers.into_iter().map(|answer| answer.unwrap().unprocessed_items.unwrap_or_default().len());
    assert_eq!(left.sum::<usize>(), 0, "the engine has left some out");
    ids
}

fn user(id: &str) -> HashMap<String, AttributeValue> {
    let resource = format!("{{\"userName\":\"{id}@example.com\",\"active\":true}}");
    let texts = [("pk", "acme#user"), ("sk", id), ("resource", &resource), ("created", AT), ("lastModified", AT)];
    let texts = texts.map(|(name, text)| (name.to_owned(), AttributeValue::S(text.to_owned())));
    texts.into_iter().chain([("version".to_owned(), AttributeValue::N("1".to_owned()))]).collect()
}
