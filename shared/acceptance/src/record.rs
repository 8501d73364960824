//! Records the texts that this process sends and that its servers print in the folder that the environment variable
//! `SCIM_SECRETS` names. `.ci/secrecy.py` searches logs for the texts that no log may contain.
//!
//! The file `sent-PID` has a line for each text: `secret "…"`, or `id "…"` for a text that logs may contain. The
//! file `said-PID` contains the lines that the servers print.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a run that cannot record what it sends has to stop")]

use std::collections::HashSet;
use std::env;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use serde_json::{Value, json};

use crate::request::Request;

/// The minimum length in characters of a recorded text; shorter texts are too likely to occur in a log by chance.
const MIN_LENGTH: usize = 8;
/// Members of messages and parameters whose values are keywords of SCIM or numbers.
const SCIM_NAMES: [&str; 9] =
    ["schemas", "op", "method", "attributes", "excludedAttributes", "sortBy", "sortOrder", "startIndex", "count"];
/// Path segments that are names of the service.
const ROUTES: [&str; 4] = ["ServiceProviderConfig", "ResourceTypes", "openapi.json", "aadOptscim062020"];

struct Files {
    sent: Mutex<(File, HashSet<String>)>,
    printed: Mutex<File>,
}

static FILES: LazyLock<Option<Files>> = LazyLock::new(|| {
    let folder = PathBuf::from(env::var_os("SCIM_SECRETS")?);
    let open = |name: &str| {
        let path = folder.join(format!("{name}-{}", std::process::id()));
        File::options().append(true).create(true).open(path).expect("SCIM_SECRETS names a folder")
    };
    Some(Files { sent: Mutex::new((open("sent"), HashSet::new())), printed: Mutex::new(open("said")) })
});

/// Records a line that a server has printed.
pub fn printed(line: &str) {
    if let Some(files) = FILES.as_ref() {
        writeln!(files.printed.lock().unwrap(), "{line}").unwrap();
    }
}

/// Records a text that no log may contain, unless it is an id or one of SCIM's own URIs.
pub fn secret(text: &str) {
    let Some(files) = FILES.as_ref() else { return };
    if text.chars().count() < MIN_LENGTH || text.starts_with("urn:ietf:params:scim:") {
        return;
    }
    let line = format!("{} {}", if is_id(text) { "id" } else { "secret" }, json!(text));
    let (file, known) = &mut *files.sent.lock().unwrap();
    if !known.contains(&line) {
        writeln!(file, "{line}").unwrap();
        known.insert(line);
    }
}

/// Records every text of a request that the client chooses.
pub(crate) fn sent(headers: &[(&'static str, String)], request: &Request) {
    if FILES.is_none() {
        return;
    }
    let credentials = headers.iter().filter(|(name, _)| *name == "Authorization");
    credentials.flat_map(|(_, value)| value.split_whitespace()).for_each(secret);
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    segments(path);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !is_scim_name(&name) && !ROUTES.contains(&&*name) {
            secret(&name);
        }
        record_text(&name, &value);
    }
    let body = request.body.as_deref().unwrap_or_default();
    match serde_json::from_slice(body) {
        Ok(body) => record_value("", &body),
        Err(_) => literals(&String::from_utf8_lossy(body)),
    }
}

fn record_value(name: &str, value: &Value) {
    match value {
        Value::String(value) => record_text(name, value),
        Value::Array(values) => values.iter().for_each(|value| record_value(name, value)),
        Value::Object(members) => {
            for (name, value) in members {
                literals(name);
                record_value(name, value);
            }
        }
        _ => {}
    }
}

fn record_text(name: &str, value: &str) {
    if name.eq_ignore_ascii_case("path") {
        literals(value);
        segments(value);
    } else if !is_scim_name(name) {
        literals(value);
        secret(value);
    }
}

/// Records the segments of a path that are not in `ROUTES`.
fn segments(path: &str) {
    for part in path.strip_prefix('/').into_iter().flat_map(|path| path.split('/')) {
        let plus = part.replace('+', "%2B");
        for (decoded, _) in form_urlencoded::parse(plus.as_bytes()).filter(|(part, _)| !ROUTES.contains(&&**part)) {
            secret(part);
            secret(&decoded);
        }
    }
}

/// Records the texts between quotation marks.
fn literals(text: &str) {
    text.split('"').skip(1).step_by(2).for_each(secret);
}

fn is_scim_name(name: &str) -> bool {
    SCIM_NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
