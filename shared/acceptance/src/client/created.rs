//! Records the resources that a check has created, so that they can be deleted when it ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::Value;

use super::{Client, Request};
use crate::answer::Answer;

/// The number of deletes that run at the same time.
const CONCURRENT_DELETES: usize = 4;

/// The paths of the created resources, groups before users, with the `Authorization` header that created each.
#[derive(Debug, Default)]
pub(crate) struct Created(Mutex<BTreeMap<String, String>>);

impl Created {
    /// Records the resources that a response reports as created or deleted.
    pub(crate) fn record_changes(&self, client: &Client, request: &Request, answer: &Answer) {
        let path_of = |url: &str| url.strip_prefix(&client.base).map(str::to_owned);
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
        if let Some(authorization) = &client.authorization {
            self.lock().extend(created.into_iter().map(|path| (path, authorization.clone())));
        }
    }

    /// Deletes all recorded resources, and ignores errors, because a failed delete is no failure of the check.
    pub(crate) fn delete_all(&self, client: &Client) {
        let all: Vec<(String, String)> = std::mem::take(&mut *self.lock()).into_iter().collect();
        // Groups are deleted first, because the delete of a user who is in no group is cheaper.
        let (groups, users): (Vec<_>, Vec<_>) = all.into_iter().partition(|(path, _)| path.starts_with("/Groups"));
        for paths in [groups, users] {
            thread::scope(|scope| {
                for share in paths.chunks(paths.len().div_ceil(CONCURRENT_DELETES).max(1)) {
                    scope.spawn(move || {
                        for (path, authorization) in share {
                            let client = client.with_authorization(Some(authorization));
                            let _ = client.try_send(&Request::new("DELETE", path));
                        }
                    });
                }
            });
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
