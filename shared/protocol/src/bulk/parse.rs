//! Parses a bulk request (RFC 7644 §3.7). A body that is not a bulk message is rejected as a whole; any other
//! mistake in an operation is the outcome of that operation, so that the others are carried out.

use std::collections::{HashMap, HashSet};

use schema::{Dialect, Kind, Leniency, Object};
use serde_json::Value;

use super::{BulkRequest, Call, Method, Operation, reference};
use crate::Error;
use crate::limits::BULK_OPERATIONS;
use crate::message::{check_message, message_member, message_members};

/// The schema URI of a bulk request.
const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

impl BulkRequest {
    /// Parses the body of a request.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`] for a body that is not a bulk message, [`Error::PayloadTooLarge`] for more than
    /// [`BULK_OPERATIONS`] operations, and the error of a deviation in the message that the dialect does not
    /// tolerate. A deviation in an operation is the outcome of that operation.
    pub fn parse(body: &Object, dialect: &Dialect) -> Result<BulkRequest, Error> {
        check_message(body, REQUEST, dialect)?;
        let [_, limit, sent] =
            message_members("The request", body, ["schemas", "failOnErrors", "Operations"], dialect)?;
        let fail_on_errors = parse_fail_on_errors(limit)?;
        let Some(Value::Array(sent)) = sent else {
            return Err(Error::InvalidSyntax(
                "The request has no array `Operations`. Send the bulk operations in it.".to_owned(),
            ));
        };
        if sent.len() > BULK_OPERATIONS {
            return Err(Error::PayloadTooLarge(format!(
                "The bulk request has {} operations and exceeds maxOperations ({BULK_OPERATIONS}). Nothing was done. \
                 Send the operations in several requests.",
                sent.len()
            )));
        }
        if sent.is_empty() {
            dialect.tolerate(Leniency::NoOperations, "Operations")?;
        }
        let mut operations = Vec::with_capacity(sent.len());
        for (at, operation) in sent.iter().enumerate() {
            match operation {
                Value::Object(operation) => {
                    operations.push(parse_operation(&format!("Operations[{at}]"), operation, dialect)?);
                }
                _ => {
                    return Err(Error::InvalidSyntax(format!(
                        "Operations[{at}] must be an object. Send an object with `method`, `path` and `data`."
                    )));
                }
            }
        }
        refuse_duplicates(&mut operations);
        Ok(BulkRequest { fail_on_errors, operations })
    }
}

/// Parses `failOnErrors`. 0 and null set no limit.
fn parse_fail_on_errors(sent: Option<&Value>) -> Result<Option<usize>, Error> {
    let Some(sent) = sent.filter(|sent| !sent.is_null()) else { return Ok(None) };
    let number = sent.as_u64().ok_or_else(|| {
        Error::InvalidSyntax(
            "failOnErrors must be an integer: the number of errors after which to stop, or 0 for no limit.".to_owned(),
        )
    })?;
    Ok(usize::try_from(number).ok().filter(|number| *number > 0))
}

/// Parses an operation. Without a method or a path its outcome could not be reported (RFC 7644 §3.7.3: "method",
/// "location"), so the whole request is rejected.
fn parse_operation(name: &str, operation: &Object, dialect: &Dialect) -> Result<Operation, Error> {
    let sent = required(name, operation, "method")?;
    let path = required(name, operation, "path")?;
    let method = Method::from_name(sent).map_or(sent, |method| method.as_str()).to_owned();
    let bulk_id = message_member(name, operation, "bulkId").ok().flatten().and_then(Value::as_str).map(str::to_owned);
    let call = parse_call(name, operation, sent, path, dialect);
    let references = call.as_ref().map(reference::find).unwrap_or_default();
    Ok(Operation { method, bulk_id, path: path.to_owned(), call, references })
}

fn required<'o>(name: &str, operation: &'o Object, key: &str) -> Result<&'o str, Error> {
    let sent = text(name, key, message_member(name, operation, key)?)?.filter(|text| !text.is_empty());
    sent.ok_or_else(|| {
        Error::InvalidSyntax(format!("{name} has no {key}. Send `method` and `path` in each operation."))
    })
}

fn parse_call(name: &str, operation: &Object, method: &str, path: &str, dialect: &Dialect) -> Result<Call, Error> {
    let invalid = |problem: &str| Error::InvalidSyntax(format!("{name} {problem}"));
    let names = ["method", "path", "bulkId", "version", "data"];
    let [_, _, bulk_id, version, data] = message_members(name, operation, names, dialect)?;
    let method = parse_method(name, method, dialect)?;
    let (kind, id) = parse_path(name, method, path)?;
    if !path.starts_with('/') {
        dialect.tolerate(Leniency::RelativePaths, format_args!("{name}.path"))?;
    }
    let bulk_id = text(name, "bulkId", bulk_id)?;
    if method == Method::Create && bulk_id.is_none_or(str::is_empty) {
        return Err(invalid("is a POST and needs a bulkId, a name of your choice that is unique in the request."));
    }
    let version = text(name, "version", version)?.map(str::to_owned);
    let data = match (method, data) {
        (Method::Delete, _) => Object::new(),
        (_, Some(Value::Object(data))) => data.clone(),
        _ => return Err(invalid("needs `data`, an object with the body that the same single request would have.")),
    };
    Ok(Call { method, kind, id, version, data })
}

fn parse_method(name: &str, written: &str, dialect: &Dialect) -> Result<Method, Error> {
    let Some(method) = Method::from_name(written) else {
        let detail = format!("{name}.method must be POST, PUT, PATCH or DELETE.");
        return Err(Error::InvalidSyntax(detail));
    };
    if written != method.as_str() {
        dialect.tolerate(Leniency::OperationCase, format_args!("{name}.method"))?;
    }
    Ok(method)
}

fn text<'o>(name: &str, key: &str, value: Option<&'o Value>) -> Result<Option<&'o str>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::InvalidSyntax(format!("{name}.{key} must be a string."))),
    }
}

/// Parses `/Users` for a POST, and `/Users/{id}` for the others (RFC 7644 §3.7 "path").
///
/// # Errors
/// The error that a single request with this path would get.
fn parse_path(name: &str, method: Method, path: &str) -> Result<(Kind, String), Error> {
    let relative = path.strip_prefix('/').unwrap_or(path);
    let relative = relative.strip_suffix('/').unwrap_or(relative);
    let (endpoint, id) = match relative.split_once('/') {
        Some((endpoint, id)) => (endpoint, Some(id)),
        None => (relative, None),
    };
    let is_reference = id.and_then(reference::bulk_id_of).is_some();
    if path.contains(['?', '#']) && !is_reference {
        return Err(Error::InvalidSyntax(format!("{name}.path cannot have parameters. Remove them.")));
    }
    let kind = Kind::ALL.into_iter().find(|kind| kind.endpoint().strip_prefix('/') == Some(endpoint));
    let has_more_segments = id.is_some_and(|id| id.contains('/')) && !is_reference;
    let Some(kind) = kind.filter(|_| !has_more_segments) else {
        return Err(Error::NotFound(format!(
            "{name}.path is not the path of a resource. Send /Users or /Groups for POST, and /Users/{{id}} or \
             /Groups/{{id}} for PUT, PATCH and DELETE."
        )));
    };
    match (method, id) {
        (Method::Create, Some(_)) => Err(Error::MethodNotAllowed { allow: "PUT, PATCH, DELETE".to_owned() }),
        (Method::Create, None) => Ok((kind, String::new())),
        (_, Some(id)) => Ok((kind, id.to_owned())),
        (_, None) => Err(Error::MethodNotAllowed { allow: "POST".to_owned() }),
    }
}

/// Rejects operations that have the same bulkId, because a reference to it would be ambiguous (RFC 7644 §3.7).
fn refuse_duplicates(operations: &mut [Operation]) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for bulk_id in operations.iter().filter_map(Operation::created_bulk_id) {
        *counts.entry(bulk_id).or_default() += 1;
    }
    let duplicates: HashSet<String> =
        counts.into_iter().filter(|(_, count)| *count > 1).map(|(bulk_id, _)| bulk_id.to_owned()).collect();
    for operation in operations.iter_mut() {
        if operation.call.is_ok() && operation.created_bulk_id().is_some_and(|bulk_id| duplicates.contains(bulk_id)) {
            let detail = "Several POSTs of the request have the same bulkId, so none of them was carried out. Give \
                each one a unique bulkId.";
            operation.call = Err(Error::InvalidSyntax(detail.to_owned()));
            operation.references.clear();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// A request with these operations.
    pub(in crate::bulk) fn bulk(operations: &Value) -> BulkRequest {
        let body = json!({"schemas": [REQUEST], "Operations": operations});
        BulkRequest::parse(body.as_object().unwrap(), &Dialect::lenient()).unwrap()
    }

    fn parse(body: &Value) -> Result<BulkRequest, Error> {
        BulkRequest::parse(body.as_object().unwrap(), &Dialect::lenient())
    }

    #[test]
    fn malformed_bulk_message_is_refused_as_a_whole() {
        let delete = json!({"method": "DELETE", "path": "/Users/1"});
        let many = |count: usize| Value::Array(vec![delete.clone(); count]);
        for (body, status, says) in [
            (json!({}), 400, "Operations"),
            (json!({"Operations": {}}), 400, "Operations"),
            (json!({"Operations": null}), 400, "Operations"),
            (json!({"Operations": [delete, 1]}), 400, "Operations[1]"),
            (json!({"Operations": [], "operations": []}), 400, "more than once"),
            // Operations whose outcome could not be reported.
            (json!({"Operations": [delete, {}]}), 400, "Operations[1] has no method"),
            (json!({"Operations": [{"method": 1, "path": "/Users/1"}]}), 400, "Operations[0].method must be a string"),
            (json!({"Operations": [{"method": null, "path": "/Users/1"}]}), 400, "no method"),
            (json!({"Operations": [{"method": "", "path": "/Users/1"}]}), 400, "no method"),
            (json!({"Operations": [{"method": "PUT", "Method": "PUT", "path": "/Users/1"}]}), 400, "more than once"),
            (json!({"Operations": [{"method": "DELETE"}]}), 400, "no path"),
            (json!({"Operations": [{"method": "DELETE", "path": ""}]}), 400, "no path"),
            (json!({"Operations": [{"method": "DELETE", "path": 1}]}), 400, "Operations[0].path must be a string"),
            (json!({"failOnErrors": "1", "Operations": []}), 400, "failOnErrors"),
            (json!({"failOnErrors": -1, "Operations": []}), 400, "failOnErrors"),
            (json!({"failOnErrors": 1.5, "Operations": []}), 400, "failOnErrors"),
            (json!({"Operations": many(1001)}), 413, "(1000)"),
        ] {
            let error = parse(&body).unwrap_err();
            assert_eq!(error.status(), status, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
        assert_eq!(parse(&json!({"Operations": many(1000)})).unwrap().operations.len(), 1000);
        for (sent, expect) in [(json!(0), None), (Value::Null, None), (json!(2), Some(2))] {
            let body = json!({"SCHEMAS": [REQUEST.to_uppercase()], "failonerrors": sent, "Operations": []});
            assert_eq!(parse(&body).unwrap().fail_on_errors, expect);
        }
    }

    #[test]
    fn deviation_is_recorded_by_lenient_and_refused_by_strict_dialect() {
        let operation = json!({"method": "DELETE", "path": "/Users/1"});
        let with = |name: &str, value: Value| {
            let mut operation = operation.as_object().unwrap().clone();
            operation.insert(name.to_owned(), value);
            json!({"schemas": [REQUEST], "Operations": [operation]})
        };
        for (body, name) in [
            (json!({"schemas": [REQUEST], "Operations": [operation]}), ""),
            (json!({"Operations": [operation]}), "missingSchemas"),
            (json!({"schemas": [], "Operations": [operation]}), "missingSchemas"),
            (json!({"schemas": REQUEST, "Operations": [operation]}), "singleForList"),
            (json!({"schemas": [REQUEST, schema::USER], "Operations": [operation]}), "unknownSchemas"),
            (json!({"schemas": [REQUEST], "operations": [operation]}), "operationCase"),
            (json!({"schemas": [REQUEST], "FailOnErrors": 1, "Operations": [operation]}), "operationCase"),
            (json!({"schemas": [REQUEST], "comment": 1, "Operations": [operation]}), "unknownAttributes"),
            (json!({"schemas": [REQUEST], "Operations": []}), "noOperations"),
            (with("method", json!("Delete")), "operationCase"),
            (with("path", json!("Users/1")), "relativePaths"),
            (with("comment", json!(1)), "unknownAttributes"),
            (with("Version", json!("W/\"1\"")), "operationCase"),
        ] {
            let first = |read: Result<BulkRequest, Error>| match read?.operations.into_iter().next() {
                Some(operation) => operation.call.map(drop),
                None => Ok(()),
            };
            let lenient = Dialect::lenient();
            let strict = Dialect::strict();
            let read = |dialect: &Dialect| first(BulkRequest::parse(body.as_object().unwrap(), dialect));
            assert_eq!(read(&lenient), Ok(()), "{body}");
            let used: Vec<&str> = lenient.used().map(|leniency| leniency.info().name).collect();
            assert_eq!(used.join(" "), name, "{body}");
            let refused = read(&strict).map_err(|error| (error.status(), error.to_string().contains("is strict")));
            assert_eq!(refused, if name.is_empty() { Ok(()) } else { Err((400, true)) }, "{body}");
        }
    }

    #[test]
    fn invalid_operation_does_not_affect_others() {
        let post = |path: &str| json!({"method": "POST", "path": path, "bulkId": "a", "data": {}});
        let delete = |path: &str| json!({"method": "DELETE", "path": path});
        for (operation, expect) in [
            (json!({"method": "GET", "path": "/Users/1"}), Err(400)),
            (json!({"method": "DELETE", "path": "/Users/1", "version": 1}), Err(400)),
            (json!({"method": "POST", "path": "/Users", "data": {}}), Err(400)),
            (json!({"method": "POST", "path": "/Users", "bulkId": "", "data": {}}), Err(400)),
            (json!({"method": "POST", "path": "/Users", "bulkId": "a"}), Err(400)),
            (json!({"method": "PATCH", "path": "/Users/1", "data": [{}]}), Err(400)),
            (json!({"method": "PUT", "path": "/Users/1", "data": null}), Err(400)),
            (post("/Users"), Ok((Method::Create, Kind::User, ""))),
            (post("Groups/"), Ok((Method::Create, Kind::Group, ""))),
            (post("/Users/1"), Err(405)),
            (post("/"), Err(404)),
            (post("/Bulk"), Err(404)),
            (post("/Me"), Err(404)),
            (post("/users"), Err(404)),
            (post("/v2/Users"), Err(404)),
            (post("https://api.example/v2/Users"), Err(404)),
            (delete("/Users"), Err(405)),
            (delete("/Users/1"), Ok((Method::Delete, Kind::User, "1"))),
            (delete("/Users/1/2"), Err(404)),
            (delete("/Users/1?attributes=id"), Err(400)),
            (delete("/Groups/bulkId:a/b?c"), Ok((Method::Delete, Kind::Group, "bulkId:a/b?c"))),
            (json!({"METHOD": "delete", "Path": "/Users/1", "data": 1}), Ok((Method::Delete, Kind::User, "1"))),
        ] {
            let read = bulk(&json!([operation]));
            let call = read.operations[0].call.as_ref().map(|call| (call.method, call.kind, call.id.as_str()));
            assert_eq!(call.map_err(Error::status), expect, "{operation}");
        }
    }

    #[test]
    fn operations_with_duplicate_bulk_id_are_refused() {
        let read = bulk(&json!([
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {}},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": {}},
            {"method": "post", "path": "/Groups", "bulkId": "a", "data": {}},
            {"method": "PUT", "path": "/Groups/1", "bulkId": "b", "data": {}},
        ]));
        let outcomes: Vec<bool> = read.operations.iter().map(|operation| operation.call.is_ok()).collect();
        assert_eq!(outcomes, [false, true, false, true]);
    }
}
