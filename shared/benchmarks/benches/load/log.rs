//! The responses of a run and their times.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use axum::http::Method;
use tokio::time::Instant;

/// A server with more than `MAX_LATE` responses that are later than this does not keep up.
const MAX_DELAY: Duration = Duration::from_secs(2);
const MAX_LATE: usize = 50;
/// A run with this many errors ends.
const MAX_ERRORS: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RequestKind {
    TestConnection,
    FindUser,
    CreateUser,
    GetUser,
    ReplaceUser,
    ActivateUser,
    RenameUser,
    DeleteUser,
    ListUsers,
    FindGroup,
    CreateGroup,
    ChangeMembers,
    GetGroup,
    GetGroupBare,
    DeleteGroup,
    ListGroups,
}

impl RequestKind {
    pub(crate) fn method(self) -> Method {
        match self {
            Self::CreateUser | Self::CreateGroup => Method::POST,
            Self::ReplaceUser => Method::PUT,
            Self::ActivateUser | Self::RenameUser | Self::ChangeMembers => Method::PATCH,
            Self::DeleteUser | Self::DeleteGroup => Method::DELETE,
            _ => Method::GET,
        }
    }
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TestConnection => "test the connection, `count=2`",
            Self::FindUser => "find a user, `userName eq`",
            Self::CreateUser => "POST a user",
            Self::GetUser => "GET a user",
            Self::ReplaceUser => "PUT a user",
            Self::ActivateUser => "PATCH `active`",
            Self::RenameUser => "PATCH a name",
            Self::DeleteUser => "DELETE a user",
            Self::ListUsers => "list 100 users, by `startIndex`",
            Self::FindGroup => "find a group, `displayName eq`",
            Self::CreateGroup => "POST a group",
            Self::ChangeMembers => "PATCH members",
            Self::GetGroup => "GET a group",
            Self::GetGroupBare => "GET a group without members",
            Self::DeleteGroup => "DELETE a group",
            Self::ListGroups => "list the groups, with members",
        })
    }
}

/// The responses since a moment.
pub(crate) struct Log {
    pub(crate) begun: Instant,
    /// The microseconds from due request to response, by operation.
    pub(crate) times: BTreeMap<RequestKind, Vec<u32>>,
    /// Responses in each second.
    pub(crate) per_second: Vec<u32>,
    /// Responses with 429 or 503.
    pub(crate) throttled: u64,
    pub(crate) errors: Vec<String>,
    /// Late responses.
    pub(crate) late: usize,
}

impl Log {
    pub(crate) fn new(begun: Instant) -> Self {
        let times = BTreeMap::new();
        let per_second = Vec::new();
        let errors = Vec::new();
        Self { begun, times, per_second, throttled: 0, errors, late: 0 }
    }

    pub(crate) fn record_response(&mut self, operation: RequestKind, due: Instant) {
        let late = due.elapsed();
        let second = self.begun.elapsed().as_secs() as usize;
        self.late += usize::from(late > MAX_DELAY);
        self.times.entry(operation).or_default().push(u32::try_from(late.as_micros()).unwrap_or(u32::MAX));
        if self.per_second.len() <= second {
            self.per_second.resize(second + 1, 0);
        }
        self.per_second[second] += 1;
    }

    pub(crate) fn is_late(&self) -> bool {
        self.late > MAX_LATE
    }

    /// Whether the run should end.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.errors.len() >= MAX_ERRORS
    }

    pub(crate) fn requests(&self) -> usize {
        self.times.values().map(Vec::len).sum()
    }

    /// The times of all responses.
    pub(crate) fn all_times(&self) -> Times {
        Times::of(self.times.values().flatten())
    }
}

/// Milliseconds, sorted.
pub(crate) struct Times(Vec<f64>);

impl Times {
    pub(crate) fn of<'a>(microseconds: impl IntoIterator<Item = &'a u32>) -> Self {
        let mut times: Vec<u32> = microseconds.into_iter().copied().collect();
        times.sort_unstable();
        Self(times.into_iter().map(|time| f64::from(time) / 1000.0).collect())
    }

    /// The percentile; 0 if there is no time.
    pub(crate) fn at(&self, percent: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last.min(self.0.len() * percent / 100)).copied().unwrap_or_default()
    }
}
