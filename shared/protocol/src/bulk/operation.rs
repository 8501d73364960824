//! The operations of a bulk request and their outcomes, as the response reports them (RFC 7644 §3.7, §3.7.3).

use std::collections::BTreeSet;

use schema::Object;
use serde_json::{Value, json};

use super::call::{Call, Method};
use super::reference::Reference;
use crate::Error;

/// The schema URI of the response to a bulk request.
const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// A bulk request.
#[derive(Debug)]
pub struct BulkRequest {
    /// The number of errors after which no further operation starts; `None` to carry out all operations.
    pub fail_on_errors: Option<usize>,
    pub operations: Vec<Operation>,
}

/// An operation of a request.
#[derive(Debug)]
pub struct Operation {
    /// The method for the report: in capitals if it is one of the four, otherwise as it was sent.
    pub method: String,
    pub bulk_id: Option<String>,
    pub(super) path: String,
    /// The request to carry out, or the error of an invalid operation.
    pub call: Result<Call, Error>,
    /// References to resources that other operations create.
    pub references: Vec<Reference>,
}

/// The outcome of an operation.
#[derive(Debug, Clone)]
pub struct OperationOutcome {
    /// The resource's id, if it is known.
    pub id: Option<String>,
    pub result: Result<Success, Error>,
}

/// The result of an operation that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success {
    pub status: u16,
    /// The entity tag; `None` for a deleted resource.
    pub version: Option<String>,
    /// The names of the attributes that it changed.
    pub changed: BTreeSet<String>,
}

impl Operation {
    /// The bulkId of the resource that it creates, if it is a POST.
    pub(super) fn created_bulk_id(&self) -> Option<&str> {
        self.bulk_id.as_deref().filter(|_| self.method == Method::Create.as_str())
    }

    /// Its element in the response (RFC 7644 §3.7.3). Only errors have `response`.
    pub fn report(&self, base_url: &str, outcome: &OperationOutcome) -> Value {
        let mut report = Object::new();
        report.extend(self.location(base_url, outcome).map(|it| ("location".to_owned(), it.into())));
        report.insert("method".to_owned(), self.method.as_str().into());
        report.extend(self.bulk_id.as_deref().map(|it| ("bulkId".to_owned(), it.into())));
        match &outcome.result {
            Ok(done) => {
                report.extend(done.version.as_deref().map(|it| ("version".to_owned(), it.into())));
                report.insert("status".to_owned(), done.status.to_string().into());
            }
            Err(error) => {
                report.insert("status".to_owned(), error.status().to_string().into());
                report.insert("response".to_owned(), error.body());
            }
        }
        Value::Object(report)
    }

    /// The `location` of every operation except a failed POST. A path that is not a resource's is returned as it
    /// was sent.
    fn location(&self, base_url: &str, outcome: &OperationOutcome) -> Option<String> {
        let is_post = self.method == Method::Create.as_str();
        if is_post && outcome.result.is_err() {
            return None;
        }
        match (&self.call, &outcome.id) {
            (Ok(call), Some(id)) => Some(format!("{base_url}{}/{id}", call.kind.endpoint())),
            _ => Some(format!("{base_url}/{}", self.path.trim_start_matches('/'))),
        }
    }
}

/// The body of the response, with the reports of all operations that were processed.
pub fn response(reports: Vec<Value>) -> Object {
    Object::from_iter([("schemas".to_owned(), json!([RESPONSE])), ("Operations".to_owned(), Value::Array(reports))])
}

#[cfg(test)]
mod tests {
    use super::super::parse::tests::bulk;
    use super::*;

    #[test]
    fn report_has_the_members_of_the_rfc() {
        let done = |status, version: Option<&str>| {
            Ok(Success { status, version: version.map(str::to_owned), changed: BTreeSet::new() })
        };
        let gone = Error::NotFound("gone".to_owned());
        let user = |method: &str, path: &str| json!({"method": method, "path": path, "bulkId": "q", "data": {}});
        for (operation, id, result, expect) in [
            (
                user("post", "/Users"),
                Some("1"),
                done(201, Some("W/\"1\"")),
                json!({"location": "b/Users/1", "method": "POST", "bulkId": "q", "version": "W/\"1\"",
                    "status": "201"}),
            ),
            (
                user("POST", "/Users"),
                Some("1"),
                Err(gone.clone()),
                json!({"method": "POST", "bulkId": "q", "status": "404", "response": gone.body()}),
            ),
            (
                json!({"method": "DELETE", "path": "Groups/2"}),
                Some("2"),
                done(204, None),
                json!({"location": "b/Groups/2", "method": "DELETE", "status": "204"}),
            ),
            (
                json!({"method": "DELETE", "path": "/Nope/2"}),
                None,
                Err(gone.clone()),
                json!({"location": "b/Nope/2", "method": "DELETE", "status": "404", "response": gone.body()}),
            ),
            (
                user("PUT", "/Users/bulkId:x"),
                Some("3"),
                Err(gone.clone()),
                json!({
                    "location": "b/Users/3", "method": "PUT", "bulkId": "q", "status": "404", "response": gone.body(),
                }),
            ),
            (
                json!({"method": "GET", "path": "/"}),
                None,
                Err(gone.clone()),
                json!({"location": "b/", "method": "GET", "status": "404", "response": gone.body()}),
            ),
        ] {
            let outcome = OperationOutcome { id: id.map(str::to_owned), result };
            let request = bulk(&json!([operation]));
            assert_eq!(request.operations[0].report("b", &outcome), expect);
        }
    }
}
