//! Bulk requests (RFC 7644 §3.7): what they ask for, in which order it can be done, and how the outcome is reported.

mod batch;
mod context;
mod order;
mod parse;
mod reference;

use std::collections::BTreeSet;

use schema::{Kind, Object};
use serde_json::{Value, json};

pub use batch::Batch;
pub use order::{ExecutionStep, order};
pub use reference::Reference;

use crate::{Error, Precondition};

/// The most operations in one request.
pub const MAX_OPERATIONS: usize = 1000;
/// The largest body of a request, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 2 * 1024 * 1024;

const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// A bulk request.
#[derive(Debug)]
pub struct Bulk {
    /// After so many errors no further operation is begun; `None` to go on through all.
    pub fail_on_errors: Option<usize>,
    pub operations: Vec<Operation>,
}

/// An operation of a request.
#[derive(Debug)]
pub struct Operation {
    /// As it was sent, for the answer; what is none of the four methods, too.
    pub method: String,
    pub bulk_id: Option<String>,
    path: String,
    /// What is to be done, or why it cannot be.
    pub call: Result<Call, Error>,
    /// What it needs of other operations.
    pub references: Vec<Reference>,
}

/// What an operation does, by its method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Create,
    Replace,
    Patch,
    Delete,
}

/// One request to a resource's endpoint.
#[derive(Debug, Clone)]
pub struct Call {
    pub verb: Method,
    pub kind: Kind,
    /// Of the resource; empty in a POST as it was read. It may be a reference, as may values in `data`.
    pub id: String,
    /// The entity tag that the resource has to have, for all but POST.
    pub version: Option<String>,
    /// Empty in a DELETE.
    pub data: Object,
}

/// What came of an operation.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The resource's id, where it is known.
    pub id: Option<String>,
    pub result: Result<Done, Error>,
}

/// An operation that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    pub status: u16,
    /// The entity tag; a deleted resource has none.
    pub version: Option<String>,
    /// The names of the attributes that it changed.
    pub changed: BTreeSet<String>,
}

impl Method {
    const ALL: [Method; 4] = [Method::Create, Method::Replace, Method::Patch, Method::Delete];

    fn method(self) -> &'static str {
        match self {
            Method::Create => "POST",
            Method::Replace => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// A method in any case.
    fn named(method: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|verb| verb.method().eq_ignore_ascii_case(method))
    }
}

impl Call {
    /// `version` is what `If-Match` is to a single request.
    pub fn precondition(&self) -> Precondition {
        Precondition::new(self.version.as_deref(), None)
    }
}

impl Operation {
    /// Whether it creates what others can refer to.
    fn defines(&self) -> Option<&str> {
        self.bulk_id.as_deref().filter(|_| self.method == Method::Create.method())
    }

    /// Its part of the response (RFC 7644 §3.7.3). `response` stands there for errors alone.
    pub fn report(&self, base_url: &str, outcome: &Outcome) -> Value {
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

    /// Every operation has one but a POST that failed. What is no path of a resource is given back as it is.
    fn location(&self, base_url: &str, outcome: &Outcome) -> Option<String> {
        let is_post = self.method == Method::Create.method();
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
pub(crate) mod tests {
    use super::*;

    /// A request with these operations.
    pub(crate) fn bulk(operations: &Value) -> Bulk {
        let body = json!({"schemas": [REQUEST], "Operations": operations});
        Bulk::parse(body.as_object().unwrap(), &schema::Dialect::lenient()).unwrap()
    }

    #[test]
    fn a_report_is_the_rfcs() {
        let done = |status, version: Option<&str>| {
            Ok(Done { status, version: version.map(str::to_owned), changed: BTreeSet::new() })
        };
        let gone = Error::NotFound("gone".to_owned());
        let user = |method: &str, path: &str| json!({"method": method, "path": path, "bulkId": "q", "data": {}});
        for (operation, id, result, expect) in [
            (
                user("post", "/Users"),
                Some("1"),
                done(201, Some("W/\"1\"")),
                json!({"location": "b/Users/1", "method": "POST", "bulkId": "q", "version": "W/\"1\"", "status": "201"}),
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
            let outcome = Outcome { id: id.map(str::to_owned), result };
            let request = bulk(&json!([operation]));
            assert_eq!(request.operations[0].report("b", &outcome), expect);
        }
    }
}
