//! Reading a bulk request (RFC 7644 §3.7): a message of another shape is refused as a whole; what else is wrong with one
//! operation is the outcome of that one, so that the others are carried out.

use std::collections::{HashMap, HashSet};

use schema::{Dialect, Kind, Leniency, Object};
use serde_json::Value;

use super::{Bulk, Call, MAX_OPERATIONS, Method, Operation, REQUEST, reference};
use crate::Error;
use crate::message::{check_message, member, members};

impl Bulk {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`] for a body of another shape, [`Error::PayloadTooLarge`] for more than 1,000 operations, and
    /// what the dialect does not tolerate of the message; of an operation, that is the outcome of this one.
    pub fn parse(body: &Object, dialect: &Dialect) -> Result<Bulk, Error> {
        check_message(body, REQUEST, dialect)?;
        let [_, limit, sent] = members("The request", body, ["schemas", "failOnErrors", "Operations"], dialect)?;
        let fail_on_errors = read_limit(limit)?;
        let Some(Value::Array(sent)) = sent else {
            return Err(Error::InvalidSyntax("A bulk request has an array named Operations.".to_owned()));
        };
        if sent.len() > MAX_OPERATIONS {
            return Err(Error::PayloadTooLarge(format!(
                "The bulk request has {} operations and exceeds maxOperations ({MAX_OPERATIONS}). Nothing was done; send \
                 them in several requests.",
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
                    operations.push(read_operation(&format!("Operations[{at}]"), operation, dialect)?);
                }
                _ => return Err(Error::InvalidSyntax(format!("Operations[{at}] is not an object."))),
            }
        }
        refuse_duplicates(&mut operations);
        Ok(Bulk { fail_on_errors, operations })
    }
}

/// 0 and null set no limit.
fn read_limit(sent: Option<&Value>) -> Result<Option<usize>, Error> {
    let Some(sent) = sent.filter(|sent| !sent.is_null()) else { return Ok(None) };
    let number = sent.as_u64().ok_or_else(|| {
        Error::InvalidSyntax("failOnErrors is the number of errors to stop after, a whole number from 1.".to_owned())
    })?;
    Ok(usize::try_from(number).ok().filter(|number| *number > 0))
}

/// What has no method, or no path, is no operation, and its outcome could not be told (RFC 7644 §3.7.3: "method", "location").
fn read_operation(name: &str, operation: &Object, dialect: &Dialect) -> Result<Operation, Error> {
    let (sent, path) = (required(name, operation, "method")?, required(name, operation, "path")?);
    let method = Method::named(sent).map_or(sent, |verb| verb.method()).to_owned();
    let bulk_id = member(name, operation, "bulkId").ok().flatten().and_then(Value::as_str).map(str::to_owned);
    let call = read_call(name, operation, sent, path, dialect);
    let references = call.as_ref().map(reference::find).unwrap_or_default();
    Ok(Operation { method, bulk_id, path: path.to_owned(), call, references })
}

fn required<'o>(name: &str, operation: &'o Object, key: &str) -> Result<&'o str, Error> {
    let sent = text(name, key, member(name, operation, key)?)?.filter(|text| !text.is_empty());
    sent.ok_or_else(|| Error::InvalidSyntax(format!("{name} has no {key}.")))
}

fn read_call(name: &str, operation: &Object, method: &str, path: &str, dialect: &Dialect) -> Result<Call, Error> {
    let wrong = |problem: &str| Error::InvalidSyntax(format!("{name} {problem}"));
    let names = ["method", "path", "bulkId", "version", "data"];
    let [_, _, bulk_id, version, data] = members(name, operation, names, dialect)?;
    let verb = read_method(name, method, dialect)?;
    let (kind, id) = read_path(name, verb, path)?;
    if !path.starts_with('/') {
        dialect.tolerate(Leniency::RelativePaths, format_args!("{name}.path"))?;
    }
    let bulk_id = text(name, "bulkId", bulk_id)?;
    if verb == Method::Create && bulk_id.is_none_or(str::is_empty) {
        return Err(wrong(
            "is a POST and needs a bulkId, a name of your choice that no other POST of the request has.",
        ));
    }
    let version = text(name, "version", version)?.map(str::to_owned);
    let data = match (verb, data) {
        (Method::Delete, _) => Object::new(),
        (_, Some(Value::Object(data))) => data.clone(),
        _ => return Err(wrong("needs data: an object, the body that the same request would have by itself.")),
    };
    Ok(Call { verb, kind, id, version, data })
}

fn read_method(name: &str, written: &str, dialect: &Dialect) -> Result<Method, Error> {
    let Some(verb) = Method::named(written) else {
        let detail = format!("{name} has a method that is none of POST, PUT, PATCH and DELETE.");
        return Err(Error::InvalidSyntax(detail));
    };
    if written != verb.method() {
        dialect.tolerate(Leniency::OperationCase, format_args!("{name}.method"))?;
    }
    Ok(verb)
}

fn text<'o>(name: &str, key: &str, value: Option<&'o Value>) -> Result<Option<&'o str>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::InvalidSyntax(format!("The {key} of {name} is not a string."))),
    }
}

/// `/Users` for POST, `/Users/{id}` for the others (RFC 7644 §3.7 "path"); what another path would answer to a single
/// request otherwise.
fn read_path(name: &str, verb: Method, path: &str) -> Result<(Kind, String), Error> {
    let relative = path.strip_prefix('/').unwrap_or(path);
    let relative = relative.strip_suffix('/').unwrap_or(relative);
    let (endpoint, id) = match relative.split_once('/') {
        Some((endpoint, id)) => (endpoint, Some(id)),
        None => (relative, None),
    };
    let is_reference = id.and_then(reference::named).is_some();
    if path.contains(['?', '#']) && !is_reference {
        return Err(Error::InvalidSyntax(format!("The path of {name} takes no parameters.")));
    }
    let kind = Kind::ALL.into_iter().find(|kind| kind.endpoint().strip_prefix('/') == Some(endpoint));
    let several = id.is_some_and(|id| id.contains('/')) && !is_reference;
    let Some(kind) = kind.filter(|_| !several) else {
        return Err(Error::NotFound(format!(
            "The path of {name} leads to no resource. It is /Users or /Groups for POST, and /Users/{{id}} or \
             /Groups/{{id}} for PUT, PATCH and DELETE."
        )));
    };
    match (verb, id) {
        (Method::Create, Some(_)) => Err(Error::MethodNotAllowed { allow: "PUT, PATCH, DELETE".to_owned() }),
        (Method::Create, None) => Ok((kind, String::new())),
        (_, Some(id)) => Ok((kind, id.to_owned())),
        (_, None) => Err(Error::MethodNotAllowed { allow: "POST".to_owned() }),
    }
}

/// A bulkId is unique within a request (RFC 7644 §3.7); of two, nobody could tell which one a reference means.
fn refuse_duplicates(operations: &mut [Operation]) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for bulk_id in operations.iter().filter_map(Operation::defines) {
        *counts.entry(bulk_id).or_default() += 1;
    }
    let twice: HashSet<String> =
        counts.into_iter().filter(|(_, count)| *count > 1).map(|(bulk_id, _)| bulk_id.to_owned()).collect();
    for operation in operations.iter_mut() {
        if operation.call.is_ok() && operation.defines().is_some_and(|bulk_id| twice.contains(bulk_id)) {
            let detail =
                "Another POST of the request has the same bulkId; none of them was carried out. Give each its own.";
            operation.call = Err(Error::InvalidSyntax(detail.to_owned()));
            operation.references.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::bulk;
    use super::*;

    fn parse(body: &Value) -> Result<Bulk, Error> {
        Bulk::parse(body.as_object().unwrap(), &Dialect::lenient())
    }

    #[test]
    fn a_message_of_another_shape_is_refused_as_a_whole() {
        let delete = json!({"method": "DELETE", "path": "/Users/1"});
        let many = |count: usize| Value::Array(vec![delete.clone(); count]);
        for (body, status, says) in [
            (json!({}), 400, "Operations"),
            (json!({"Operations": {}}), 400, "Operations"),
            (json!({"Operations": null}), 400, "Operations"),
            (json!({"Operations": [delete, 1]}), 400, "Operations[1]"),
            (json!({"Operations": [], "operations": []}), 400, "more than once"),
            // What could not be reported.
            (json!({"Operations": [delete, {}]}), 400, "Operations[1] has no method"),
            (
                json!({"Operations": [{"method": 1, "path": "/Users/1"}]}),
                400,
                "method of Operations[0] is not a string",
            ),
            (json!({"Operations": [{"method": null, "path": "/Users/1"}]}), 400, "no method"),
            (json!({"Operations": [{"method": "", "path": "/Users/1"}]}), 400, "no method"),
            (json!({"Operations": [{"method": "PUT", "Method": "PUT", "path": "/Users/1"}]}), 400, "more than once"),
            (json!({"Operations": [{"method": "DELETE"}]}), 400, "no path"),
            (json!({"Operations": [{"method": "DELETE", "path": ""}]}), 400, "no path"),
            (json!({"Operations": [{"method": "DELETE", "path": 1}]}), 400, "path of Operations[0] is not a string"),
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
    fn what_differs_in_form_has_a_name_and_is_refused_by_a_strict_dialect() {
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
            let first = |read: Result<Bulk, Error>| match read?.operations.into_iter().next() {
                Some(operation) => operation.call.map(drop),
                None => Ok(()),
            };
            let (lenient, strict) = (Dialect::lenient(), Dialect::strict());
            let read = |dialect: &Dialect| first(Bulk::parse(body.as_object().unwrap(), dialect));
            assert_eq!(read(&lenient), Ok(()), "{body}");
            let used: Vec<&str> = lenient.used().map(|leniency| leniency.info().name).collect();
            assert_eq!(used.join(" "), name, "{body}");
            let refused = read(&strict).map_err(|error| (error.status(), error.to_string().contains("is strict")));
            assert_eq!(refused, if name.is_empty() { Ok(()) } else { Err((400, true)) }, "{body}");
        }
    }

    #[test]
    fn a_wrong_operation_is_refused_by_itself() {
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
            let call = read.operations[0].call.as_ref().map(|call| (call.verb, call.kind, call.id.as_str()));
            assert_eq!(call.map_err(Error::status), expect, "{operation}");
        }
    }

    #[test]
    fn a_bulk_id_is_there_once() {
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
