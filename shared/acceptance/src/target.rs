//! The server under test, and the assumptions about it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Client;
use crate::connection::HttpConnection;
use crate::created::CreatedResources;
use crate::request::Request;

/// The number of deletes that run at the same time when a check ends.
const CONCURRENT_DELETES: usize = 4;

/// A SCIM server to check.
#[derive(Clone)]
pub struct Target {
    /// The base URL of the endpoints, without a slash at the end: `https://example.com/scim/v2`.
    pub base_url: String,
    /// A bearer token that may read and write everything.
    pub token: String,
    /// A strict token, which rejects requests that deviate from the RFCs, if the server has such tokens.
    pub strict_token: Option<String>,
    /// A token of another tenant on the same server, if the server has several tenants.
    pub other_tenant_token: Option<String>,
    /// Whether the directory is empty and no other client uses it.
    pub is_exclusive: bool,
    /// Whether the client repeats requests after a response with 429 or 503.
    pub repeats_requests: bool,
    /// How long the client waits for a response.
    pub timeout: Duration,
    /// How long one check may send requests.
    pub check_timeout: Duration,
    /// How many random sequences a randomised check tries.
    pub random_cases: u32,
    /// How many users the check that pages through a large directory creates.
    pub large_directory: usize,
    /// A folder of recorded exchanges.
    pub recordings: Option<PathBuf>,
    pub(crate) created: Arc<CreatedResources>,
    /// The time after which the running check may not send requests.
    pub(crate) deadline: Option<Instant>,
}

impl Target {
    /// Creates a target with default settings. The base URL may end with a slash.
    #[must_use]
    pub fn new(base_url: &str, token: &str) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            strict_token: None,
            other_tenant_token: None,
            is_exclusive: false,
            repeats_requests: false,
            timeout: Duration::from_secs(60),
            check_timeout: Duration::from_secs(300),
            random_cases: 2,
            large_directory: 2_000,
            recordings: None,
            created: Arc::default(),
            deadline: None,
        }
    }

    /// A client with the target's token.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client_with(&self.token)
    }

    /// A client with the strict token.
    #[must_use]
    pub fn strict_client(&self) -> Option<Client> {
        self.strict_token.as_deref().map(|token| self.client_with(token))
    }

    /// A client with the other tenant's token.
    #[must_use]
    pub fn other_tenant_client(&self) -> Option<Client> {
        self.other_tenant_token.as_deref().map(|token| self.client_with(token))
    }

    fn client_with(&self, token: &str) -> Client {
        let connection = HttpConnection::new(&self.base_url, token, self.timeout, self.created.clone());
        Client::new(connection, self.repeats_requests, self.check_timeout, self.deadline)
    }

    /// The same target with its own record of created resources and a deadline, for one check.
    pub(crate) fn for_one_check(&self) -> Self {
        Self { created: Arc::default(), deadline: Instant::now().checked_add(self.check_timeout), ..self.clone() }
    }

    /// Deletes the created resources that still exist, and ignores errors, because a failed delete is no failure of the
    /// check.
    pub(crate) fn clean_up(&self) {
        let client = self.client();
        // Groups are deleted first, because the delete of a user who is in no group is cheaper.
        for resources in self.created.take() {
            thread::scope(|scope| {
                for share in resources.chunks(resources.len().div_ceil(CONCURRENT_DELETES).max(1)) {
                    let client = &client;
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

    /// The reason to skip a check that needs an empty directory: the number of resources in the directory.
    pub(crate) fn resources_found(&self) -> Option<String> {
        ["/Users", "/Groups"].iter().find_map(|endpoint| {
            let answer = self.client().try_get(&format!("{endpoint}?count=0")).ok()?;
            let total = answer.body.get("totalResults").and_then(Value::as_u64)?;
            (total > 0).then(|| format!("needs an empty directory, and {endpoint} lists {total} resources"))
        })
    }
}

/// A name that no other check and no other run uses: the prefix and 16 hexadecimal digits.
#[must_use]
pub fn unique(prefix: &str) -> String {
    format!("{prefix}{:016x}", RandomState::new().build_hasher().finish())
}
