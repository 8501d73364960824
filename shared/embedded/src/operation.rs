//! The operations of DynamoDB that the server supports.

use axum::http::StatusCode;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::idempotency_tokens::IdempotencyTokens;
use crate::response::{WireResponse, error_response};

/// Carries out an operation on the database.
pub(crate) fn answer(database: &Database, tokens: &IdempotencyTokens, operation: &str, body: &str) -> WireResponse {
    match operation {
        "GetItem" => run(body, |request| database.get_item(request)),
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "TransactGetItems" => run(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => transact(database, tokens, body),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "DeleteTable" => run(body, |request| database.delete_table(request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "DescribeTimeToLive" => run(body, |request| database.describe_time_to_live(request)),
        "UpdateTimeToLive" => run(body, |request| database.update_time_to_live(request)),
        _ => error_response("UnknownOperationException", "The embedded engine does not support this operation."),
    }
}

/// Carries out a transaction once, even if it is sent several times with the same token.
fn transact(database: &Database, tokens: &IdempotencyTokens, body: &str) -> WireResponse {
    let mut request: TransactWriteItemsRequest = match parse(body) {
        Ok(request) => request,
        Err(error) => return error,
    };
    match request.client_request_token.take() {
        Some(token) => tokens.run_once(token, body, || respond(database.transact_write_items(request))),
        None => respond(database.transact_write_items(request)),
    }
}

fn run<Request: DeserializeOwned, Response: Serialize>(
    body: &str,
    carry_out: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> WireResponse {
    match parse(body) {
        Ok(request) => respond(carry_out(request)),
        Err(error) => error,
    }
}

fn parse<Request: DeserializeOwned>(body: &str) -> Result<Request, WireResponse> {
    serde_json::from_str(body).map_err(|error| error_response("SerializationException", &error.to_string()))
}

fn respond<Response: Serialize>(result: Result<Response, DynoxideError>) -> WireResponse {
    let failed = match result.map(|response| serde_json::to_string(&response)) {
        Ok(Ok(body)) => return (StatusCode::OK, body),
        Ok(Err(error)) => DynoxideError::InternalServerError(error.to_string()),
        Err(error) => error,
    };
    let status = StatusCode::from_u16(failed.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
    (status, failed.to_json())
}
