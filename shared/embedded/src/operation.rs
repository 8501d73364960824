//! The operations of DynamoDB that are served.

use axum::http::StatusCode;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::idempotency_tokens::IdempotencyTokens;
use crate::{Answer, Engine, refusal};

pub(crate) fn answer(engine: &Engine, operation: &str, body: &str) -> Answer {
    let database = &engine.database;
    match operation {
        "GetItem" => run(body, |request| database.get_item(request)),
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "TransactWriteItems" => transact(database, &engine.repeats, body),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "DeleteTable" => run(body, |request| database.delete_table(request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "DescribeTimeToLive" => run(body, |request| database.describe_time_to_live(request)),
        "UpdateTimeToLive" => run(body, |request| database.update_time_to_live(request)),
        _ => refusal("UnknownOperationException", "The embedded engine does not have this operation."),
    }
}

/// A transaction, once, however often it is sent with its token.
fn transact(database: &Database, repeats: &IdempotencyTokens, body: &str) -> Answer {
    let mut request: TransactWriteItemsRequest = match read(body) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    match request.client_request_token.take() {
        Some(token) => repeats.once(token, body, || written(database.transact_write_items(request))),
        None => written(database.transact_write_items(request)),
    }
}

fn run<Request: DeserializeOwned, Response: Serialize>(
    body: &str,
    carry_out: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> Answer {
    match read(body) {
        Ok(request) => written(carry_out(request)),
        Err(refused) => refused,
    }
}

fn read<Request: DeserializeOwned>(body: &str) -> Result<Request, Answer> {
    serde_json::from_str(body).map_err(|error| refusal("SerializationException", &error.to_string()))
}

fn written<Response: Serialize>(result: Result<Response, DynoxideError>) -> Answer {
    let failed = match result.map(|response| serde_json::to_string(&response)) {
        Ok(Ok(body)) => return (StatusCode::OK, body),
        Ok(Err(error)) => DynoxideError::InternalServerError(error.to_string()),
        Err(error) => error,
    };
    let status = StatusCode::from_u16(failed.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
    (status, failed.to_json())
}
