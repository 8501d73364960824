//! What this run sends and what its servers say, written down where `SCIM_SECRETS` names a folder, for `.ci/secrecy.py`: it searches
//! logs for whatever was sent and may not stand in one.
//!
//! `sent-PID` has a line for each text: `secret "…"`, or `id "…"`, which logs may hold. `said-PID` has the lines of the servers.

use std::collections::HashSet;
use std::env;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use serde_json::{Value, json};

use crate::client::Request;

/// What is shorter is too likely to stand somewhere by chance.
const LEAST: usize = 8;
/// Names of messages and of parameters whose values are words of SCIM's, or numbers.
const OF_SCIM: [&str; 9] =
    ["schemas", "op", "method", "attributes", "excludedAttributes", "sortBy", "sortOrder", "startIndex", "count"];
/// Parts of paths.
const ROUTES: [&str; 4] = ["ServiceProviderConfig", "ResourceTypes", "openapi.json", "aadOptscim062020"];

struct Files {
    sent: Mutex<(File, HashSet<String>)>,
    said: Mutex<File>,
}

static FILES: LazyLock<Option<Files>> = LazyLock::new(|| {
    let folder = PathBuf::from(env::var_os("SCIM_SECRETS")?);
    let open = |name: &str| {
        let path = folder.join(format!("{name}-{}", std::process::id()));
        File::options().append(true).create(true).open(path).expect("SCIM_SECRETS names a folder")
    };
    Some(Files { sent: Mutex::new((open("sent"), HashSet::new())), said: Mutex::new(open("said")) })
});

/// A line that a server has printed.
pub(crate) fn said(line: &str) {
    if let Some(files) = FILES.as_ref() {
        writeln!(files.said.lock().unwrap(), "{line}").unwrap();
    }
}

/// A text that no log may hold, unless it is an id, or of SCIM's own.
pub(crate) fn secret(text: &str) {
    let Some(files) = FILES.as_ref() else { return };
    if text.chars().count() < LEAST || text.starts_with("urn:ietf:params:scim:") {
        return;
    }
    let line = format!("{} {}", if is_id(text) { "id" } else { "secret" }, json!(text));
    let (file, known) = &mut *files.sent.lock().unwrap();
    if !known.contains(&line) {
        writeln!(file, "{line}").unwrap();
        known.insert(line);
    }
}

/// Every text of a request that is the client's own.
pub(crate) fn sent(headers: &[(&'static str, String)], request: &Request) {
    if FILES.is_none() {
        return;
    }
    let credentials = headers.iter().filter(|(name, _)| *name == "Authorization");
    credentials.flat_map(|(_, value)| value.split_whitespace()).for_each(secret);
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    parts(path);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !is_of_scim(&name) && !ROUTES.contains(&&*name) {
            secret(&name);
        }
        text(&name, &value);
    }
    let body = request.body.as_deref().unwrap_or_default();
    match serde_json::from_slice(body) {
        Ok(body) => gather("", &body),
        Err(_) => literals(&String::from_utf8_lossy(body)),
    }
}

fn gather(name: &str, value: &Value) {
    match value {
        Value::String(value) => text(name, value),
        Value::Array(values) => values.iter().for_each(|value| gather(name, value)),
        Value::Object(members) => {
            for (name, value) in members {
                literals(name);
                gather(name, value);
            }
        }
        _ => {}
    }
}

fn text(name: &str, value: &str) {
    if name.eq_ignore_ascii_case("path") {
        literals(value);
        parts(value);
    } else if !is_of_scim(name) {
        literals(value);
        secret(value);
    }
}

/// Parts of the path of a URL that no route has.
fn parts(path: &str) {
    for part in path.strip_prefix('/').into_iter().flat_map(|path| path.split('/')) {
        let plus = part.replace('+', "%2B");
        for (decoded, _) in form_urlencoded::parse(plus.as_bytes()).filter(|(part, _)| !ROUTES.contains(&&**part)) {
            secret(part);
            secret(&decoded);
        }
    }
}

/// What stands in quotes.
fn literals(text: &str) {
    text.split('"').skip(1).step_by(2).for_each(secret);
}

fn is_of_scim(name: &str) -> bool {
    OF_SCIM.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
