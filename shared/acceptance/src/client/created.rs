//! Remembers what a check has created, so that it can be deleted again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::Value;

use super::{Client, Request};
use crate::answer::Answer;

/// Deletes run at the same time.
const DELETES: usize = 4;

/// The paths of the resources that were created, groups before users, with the `Authorization` header that created each.
#[derive(Debug, Default)]
pub(crate) struct Created(Mutex<BTreeMap<String, String>>);

impl Created {
    /// Looks for resources that an answer says were created or deleted.
    pub(crate) fn note(&self, client: &Client, request: &Request, answer: &Answer) {
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

    /// Deletes everything; errors are passed over, as what a check leaves behind says nothing about it.
    pub(crate) fn delete_all(&self, client: &Client) {
        let all: Vec<(String, String)> = std::mem::take(&mut *self.lock()).into_iter().collect();
        // Groups first: whoever deletes a user from no group has less to do.
        let (groups, users): (Vec<_>, Vec<_>) = all.into_iter().partition(|(path, _)| path.starts_with("/Groups"));
        for paths in [groups, users] {
            thread::scope(|scope| {
                for share in paths.chunks(paths.len().div_ceil(DELETES).max(1)) {
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
