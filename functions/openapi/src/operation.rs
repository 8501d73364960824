//! The operations of each path: parameters, bodies and responses (RFC 7644 §3.2 to §4).

use protocol::LIST_PARAMETERS;
use serde_json::{Value, json};

use crate::reference::{content, reference};

pub(crate) const TAGS: [(&str, &str); 5] = [
    ("Users", "RFC 7643 §4.1."),
    ("Groups", "RFC 7643 §4.2."),
    ("Queries", "Queries over all resource types (RFC 7644 §3.4.2.1, §3.4.3)."),
    ("Bulk", "Many operations in one request (RFC 7644 §3.7)."),
    ("Discovery", "What the service supports (RFC 7644 §4)."),
];

const PROJECTION: &[&str] = &["attributes", "excludedAttributes"];

/// An operation, without the error responses that all operations have in common.
struct Operation {
    id: String,
    tag: &'static str,
    summary: String,
    parameters: Vec<&'static str>,
    /// The schema of the request body.
    body: Option<Value>,
    /// Status, schema of the body, and headers of each successful response.
    success: Vec<(&'static str, Option<Value>, Vec<&'static str>)>,
    /// The statuses of error responses.
    errors: Vec<&'static str>,
    /// OpenAPI links from the response to other operations.
    links: Option<Value>,
}

/// The operation of a method at a path relative to the base URL; `None` if there is none.
pub(crate) fn operation(path: &str, method: &str) -> Option<Value> {
    let operation = match (path, method) {
        ("/Users" | "/Users/{id}", _) => resource("User", "Users", path.ends_with('}'), method)?,
        ("/Groups" | "/Groups/{id}", _) => resource("Group", "Groups", path.ends_with('}'), method)?,
        ("/" | "/.search" | "/Users/.search" | "/Groups/.search", _) => query(path, method)?,
        ("/Bulk", "POST") => bulk(),
        ("/Me", _) => me(method),
        (_, "GET") => discovery(path)?,
        _ => return None,
    };
    let mut described = operation.describe();
    if path == "/openapi.json" {
        described["security"] = json!([]);
    }
    Some(described)
}

/// POST, GET, PUT, PATCH and DELETE of a type (RFC 7644 §3.3 to §3.6).
fn resource(kind: &str, tag: &'static str, one: bool, method: &str) -> Option<Operation> {
    let answer = json!({"allOf": [reference("schemas", kind), {"required": ["schemas", "id"]}]});
    let name = json!({"type": "string", "minLength": 1, "maxLength": 900});
    let sent = json!({"required": [naming(kind)], "properties": {naming(kind): name}});
    let sent = json!({"allOf": [reference("schemas", kind), sent]});
    let (id, summary, parameters, body) = match (one, method) {
        (false, "GET") => return Some(list(format!("list{tag}"), tag, format!("Lists {tag}."), Some(kind))),
        (false, "POST") => {
            (format!("create{kind}"), format!("Creates a {kind}."), [PROJECTION, &["If-Match"]].concat(), Some(sent))
        }
        (true, "GET") => {
            (format!("get{kind}"), format!("Reads a {kind}."), [PROJECTION, &["If-None-Match"]].concat(), None)
        }
        (true, "PUT") => (format!("replace{kind}"), format!("Replaces a {kind}."), change(), Some(sent)),
        (true, "PATCH") => {
            let body = reference("schemas", "PatchOp");
            (format!("patch{kind}"), format!("Changes a {kind} atomically."), change(), Some(body))
        }
        (true, "DELETE") => {
            (format!("delete{kind}"), format!("Deletes a {kind}."), vec!["If-Match", "If-None-Match"], None)
        }
        _ => return None,
    };
    let links = (method == "POST").then(|| links(kind));
    let ok = ("200", Some(answer.clone()), vec!["ETag", "Location"]);
    let success = match method {
        "POST" => vec![("201", Some(answer), vec!["ETag", "Location"])],
        "GET" => vec![ok, ("304", None, vec!["ETag"])],
        "DELETE" => vec![("204", None, vec![])],
        _ => vec![ok, ("204", None, vec!["ETag", "Preference-Applied"])],
    };
    let errors = match method {
        "GET" => vec!["400", "404", "412"],
        "POST" => vec!["400", "409", "412", "413", "415"],
        "DELETE" => vec!["400", "404", "412"],
        _ => vec!["400", "404", "409", "412", "413", "415"],
    };
    Some(Operation { id, tag, summary, parameters, body, success, errors, links })
}

/// Links to the operations on a resource that was created.
fn links(kind: &str) -> Value {
    let of = |verb: &str| {
        let operation = format!("{verb}{kind}");
        (operation.clone(), json!({"operationId": operation, "parameters": {"id": "$response.body#/id"}}))
    };
    Value::Object(["get", "replace", "patch", "delete"].map(of).into_iter().collect())
}

fn change() -> Vec<&'static str> {
    [PROJECTION, &["If-Match", "If-None-Match", "Prefer"]].concat()
}

fn naming(kind: &str) -> &'static str {
    if kind == "User" { "userName" } else { "displayName" }
}

/// A list of one type of resource, or of any (RFC 7644 §3.4.2).
fn list(id: String, tag: &'static str, summary: String, kind: Option<&str>) -> Operation {
    let item = kind.map_or_else(|| reference("schemas", "Object"), |kind| reference("schemas", kind));
    let items = json!({"type": "array", "items": item});
    let answer = json!({"allOf": [reference("schemas", "ListResponse"), {"properties": {"Resources": items}}]});
    let success = vec![("200", Some(answer), vec![])];
    Operation {
        id,
        tag,
        summary,
        parameters: LIST_PARAMETERS.to_vec(),
        body: None,
        success,
        errors: vec!["400"],
        links: None,
    }
}

/// `/`, and a search by POST (RFC 7644 §3.4.2.1, §3.4.3).
fn query(path: &str, method: &str) -> Option<Operation> {
    let (id, tag, kind) = match (path, method) {
        ("/", "GET") => ("listAll", "Queries", None),
        ("/.search", "POST") => ("search", "Queries", None),
        ("/Users/.search", "POST") => ("searchUsers", "Users", Some("User")),
        ("/Groups/.search", "POST") => ("searchGroups", "Groups", Some("Group")),
        _ => return None,
    };
    let summary = format!("Finds {}.", kind.map_or("resources of every type".to_owned(), |kind| format!("{kind}s")));
    let mut operation = list(id.to_owned(), tag, summary, kind);
    if method == "POST" {
        operation.parameters.clear();
        operation.body = Some(reference("schemas", "SearchRequest"));
        operation.errors.extend(["413", "415"]);
    }
    Some(operation)
}

fn bulk() -> Operation {
    Operation {
        id: "bulk".to_owned(),
        tag: "Bulk",
        summary: "Performs many operations.".to_owned(),
        parameters: Vec::new(),
        body: Some(reference("schemas", "BulkRequest")),
        success: vec![("200", Some(reference("schemas", "BulkResponse")), vec![])],
        errors: vec!["400", "413", "415"],
        links: None,
    }
}

/// RFC 7644 §3.11: every method returns 501.
fn me(method: &str) -> Operation {
    Operation {
        id: format!("{}Me", method.to_ascii_lowercase()),
        tag: "Discovery",
        summary: "Not implemented: a token belongs to an identity provider, not to a user.".to_owned(),
        parameters: Vec::new(),
        body: None,
        success: Vec::new(),
        errors: vec!["501"],
        links: None,
    }
}

fn discovery(path: &str) -> Option<Operation> {
    let list = reference("schemas", "ListResponse");
    let (id, summary, answer) = match path {
        "/ServiceProviderConfig" => {
            ("serviceProviderConfig", "Returns the supported features.", reference("schemas", "ServiceProviderConfig"))
        }
        "/ResourceTypes" => ("resourceTypes", "Lists the resource types.", list),
        "/ResourceTypes/{name}" => ("resourceType", "Reads a resource type.", reference("schemas", "ResourceType")),
        "/Schemas" => ("schemas", "Lists the schemas.", list),
        "/Schemas/{urn}" => ("schema", "Reads a schema.", reference("schemas", "Schema")),
        "/openapi.json" => ("openapi", "Returns this document.", reference("schemas", "Object")),
        _ => return None,
    };
    let success = vec![("200", Some(answer), vec![])];
    let errors = if path.ends_with('}') { vec!["404"] } else { Vec::new() };
    Some(Operation {
        id: id.to_owned(),
        tag: "Discovery",
        summary: summary.to_owned(),
        parameters: Vec::new(),
        body: None,
        success,
        errors,
        links: None,
    })
}

impl Operation {
    fn describe(self) -> Value {
        let mut responses = json!({});
        for (status, body, headers) in &self.success {
            let headers: serde_json::Map<_, _> =
                headers.iter().map(|name| ((*name).to_owned(), reference("headers", name))).collect();
            let mut response = json!({"description": "Success.", "headers": headers});
            if let Some(body) = body {
                response["content"] = content(body);
            }
            if let Some(links) = &self.links {
                response["links"] = links.clone();
            }
            responses[*status] = response;
        }
        // The gateway and the checks of every request return these for each operation. This document needs no token,
        // reads no database, and ignores the request.
        let everywhere: &[&str] = match self.id.as_str() {
            "openapi" => &["429", "500", "504"],
            _ => &["400", "401", "403", "406", "413", "429", "500", "503", "504"],
        };
        for status in everywhere.iter().copied().chain(self.errors) {
            responses[status] = reference("responses", status);
        }
        let parameters: Vec<Value> = self.parameters.iter().map(|name| reference("parameters", name)).collect();
        let mut operation = json!({
            "operationId": self.id, "tags": [self.tag], "summary": self.summary, "parameters": parameters,
            "responses": responses,
        });
        if let Some(body) = self.body {
            operation["requestBody"] = json!({"required": true, "content": content(&body)});
        }
        operation
    }
}
