//! Records the resources that a check has created, so that they can be deleted when it ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::answer::Answer;
use crate::request::Request;

/// The paths of the created resources, groups before users, with the `Authorization` header that created each.
#[derive(Debug, Default)]
pub(crate) struct CreatedResources(Mutex<BTreeMap<String, String>>);

impl CreatedResources {
    /// Records the resources that a response reports as created or deleted.
    pub(crate) fn record_changes(&self, base: &str, authorization: Option<&str>, request: &Request, answer: &Answer) {
        let path_of = |url: &str| url.strip_prefix(base).map(str::to_owned);
        let mut created: Vec<String> = Vec::new();
        match (request.method, answer.status) {
            ("POST", 201) => created.extend(path_of(answer.header("location"))),
            ("POST", 200) if request.path.starts_with("/Bulk") => {
                let reports = answer.body.get("Operations").and_then(Value::as_array).into_iter().flatten();
                let made = reports.filter(|report| report["method"] == "POST" && report["status"] == "201");
                created.extend(made.filter_map(|report| report["location"].as_str()).filter_map(path_of));
            }
            ("DELETE", 204) => drop(self.lock().remove(&request.path)),
            _ => {}
        }
        if let Some(authorization) = authorization {
            self.lock().extend(created.into_iter().map(|path| (path, authorization.to_owned())));
        }
    }

    /// Removes and returns the recorded resources: the groups, and the users.
    pub(crate) fn take(&self) -> [Vec<(String, String)>; 2] {
        let all = std::mem::take(&mut *self.lock());
        let (groups, users) = all.into_iter().partition(|(path, _)| path.starts_with("/Groups"));
        [groups, users]
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
