//! Plays the exchanges in the folder `exchanges`. Each file is one conversation: the requests that an identity
//! provider sends and the responses that it needs.
//!
//! A step has `method`, `path`, `status`, and may have `request` (the body), `response` (which the response must
//! contain, in the sense of `answer::contains`) and `keep` (name → JSON pointer into the response). `{random}` is the
//! same new word throughout a file, `{base}` is the base URL, and `{x}` is the value that an earlier step kept as `x`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::Client;
use crate::idp::okta::Okta;
use crate::request::Request;
use crate::target::{Target, unique};

checks![entra_user_and_group, okta_group_push_by_patch, okta_group_push_by_put, okta_user_life,];

/// Replaces each `{name}` in a text by the kept value.
fn fill(text: &str, kept: &BTreeMap<String, String>) -> String {
    kept.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Replaces each `{name}` in a JSON value by the kept value.
fn fill_value(value: &Value, kept: &BTreeMap<String, String>) -> Value {
    serde_json::from_str(&fill(&value.to_string(), kept)).unwrap()
}

pub(crate) fn method(name: &str) -> &'static str {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    known.into_iter().find(|known| *known == name).unwrap_or_else(|| panic!("unknown method {name}"))
}

fn play(scim: &Client, steps: &[Value]) {
    let mut kept = BTreeMap::from([("random".to_owned(), unique("x")), ("base".to_owned(), scim.base().to_owned())]);
    for step in steps {
        let path = fill(step["path"].as_str().unwrap(), &kept);
        let mut request = Request::new(method(step["method"].as_str().unwrap()), path);
        if let Some(body) = step.get("request") {
            request = request.json(&fill_value(body, &kept));
        }
        let status = u16::try_from(step["status"].as_u64().unwrap()).unwrap();
        let mut answer = scim.send(&request).expect(status);
        if let Some(response) = step.get("response") {
            answer = answer.containing(&fill_value(response, &kept));
        }
        for (name, pointer) in step["keep"].as_object().into_iter().flatten() {
            let value = answer.body.pointer(pointer.as_str().unwrap()).and_then(Value::as_str);
            answer.check(value.is_some(), &format!("expected a string at {pointer}"));
            kept.insert(name.clone(), value.unwrap().to_owned());
        }
    }
}

fn play_file(target: &Target, text: &str) {
    let exchange: Value = serde_json::from_str(text).unwrap();
    play(&Okta::of(target).scim, exchange["steps"].as_array().unwrap());
}

fn entra_user_and_group(target: &Target) {
    play_file(target, include_str!("../../exchanges/entra-user-and-group.json"));
}

fn okta_group_push_by_patch(target: &Target) {
    play_file(target, include_str!("../../exchanges/okta-group-push-by-patch.json"));
}

fn okta_group_push_by_put(target: &Target) {
    play_file(target, include_str!("../../exchanges/okta-group-push-by-put.json"));
}

fn okta_user_life(target: &Target) {
    play_file(target, include_str!("../../exchanges/okta-user-life.json"));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_file_of_the_folder_is_a_check() {
        let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/exchanges")).unwrap();
        let mut names: Vec<String> =
            files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().replace('-', "_")).collect();
        names.sort();
        let checks = CHECKS.iter().map(|check| check.name.rsplit("::").next().unwrap());
        assert_eq!(names, checks.collect::<Vec<_>>());
    }
}
