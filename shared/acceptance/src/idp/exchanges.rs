//! Plays the exchanges in `tests/exchanges`: what IdPs send and what they need to see, one conversation per file.
//!
//! A step has `method`, `path`, `status`, and may have `request` (the body), `response` (held against the answer as
//! `expect::holds` does) and `keep` (name → JSON pointer into the answer). `{random}` is the same new word all through a file,
//! `{base}` the base URL, and `{x}` what an earlier step kept as `x`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::client::{Client, Request};
use crate::okta::Okta;
use crate::server::{Server, unique};

/// `text` with each `{name}` filled in.
fn fill(text: &str, kept: &BTreeMap<String, String>) -> String {
    kept.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// A JSON value filled in.
fn fill_value(value: &Value, kept: &BTreeMap<String, String>) -> Value {
    serde_json::from_str(&fill(&value.to_string(), kept)).unwrap()
}

pub(crate) fn method(name: &str) -> &'static str {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    known.into_iter().find(|known| *known == name).unwrap_or_else(|| panic!("no method {name}"))
}

fn play(scim: &Client, steps: &[Value]) {
    let mut kept = BTreeMap::from([("random".to_owned(), unique("x")), ("base".to_owned(), scim.base.clone())]);
    for step in steps {
        let path = fill(step["path"].as_str().unwrap(), &kept);
        let mut request = Request::new(method(step["method"].as_str().unwrap()), path);
        if let Some(body) = step.get("request") {
            request = request.json(&fill_value(body, &kept));
        }
        let status = u16::try_from(step["status"].as_u64().unwrap()).unwrap();
        let mut answer = scim.send(&request).expect(status);
        if let Some(response) = step.get("response") {
            answer = answer.holding(&fill_value(response, &kept));
        }
        for (name, pointer) in step["keep"].as_object().into_iter().flatten() {
            let value = answer.body.pointer(pointer.as_str().unwrap()).and_then(Value::as_str);
            answer.check(value.is_some(), &format!("wanted something at {pointer} to keep"));
            kept.insert(name.clone(), value.unwrap().to_owned());
        }
    }
}

#[test]
fn every_exchange_goes_as_written() {
    let server = Server::start();
    let scim = Okta::of(&server).scim;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        eprintln!("exchange {}", file.display());
        let exchange: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        play(&scim, exchange["steps"].as_array().unwrap());
    }
}
