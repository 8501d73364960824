//! What was sent, and how long it took.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use axum::http::Method;
use tokio::time::Instant;

/// A server that is so late so often does not keep up.
const LATE: Duration = Duration::from_secs(2);
const TOO_OFTEN: usize = 50;
/// More need not be known.
const ERRORS: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
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

impl Operation {
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

impl fmt::Display for Operation {
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

/// What happened since it was begun.
pub(crate) struct Log {
    pub(crate) begun: Instant,
    /// Of each answer, in microseconds since it was due.
    pub(crate) times: BTreeMap<Operation, Vec<u32>>,
    /// Answers in each second.
    pub(crate) per_second: Vec<u32>,
    /// By 429 or 503.
    pub(crate) put_off: u64,
    pub(crate) errors: Vec<String>,
    /// How many answers were late.
    pub(crate) late: usize,
}

impl Log {
    pub(crate) fn new(begun: Instant) -> Self {
        let (times, per_second, errors) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { begun, times, per_second, put_off: 0, errors, late: 0 }
    }

    pub(crate) fn answered(&mut self, operation: Operation, due: Instant) {
        let (late, second) = (due.elapsed(), self.begun.elapsed().as_secs() as usize);
        self.late += usize::from(late > LATE);
        self.times.entry(operation).or_default().push(u32::try_from(late.as_micros()).unwrap_or(u32::MAX));
        if self.per_second.len() <= second {
            self.per_second.resize(second + 1, 0);
        }
        self.per_second[second] += 1;
    }

    pub(crate) fn is_late(&self) -> bool {
        self.late > TOO_OFTEN
    }

    /// Whether there is no use in going on.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.errors.len() >= ERRORS
    }

    pub(crate) fn requests(&self) -> usize {
        self.times.values().map(Vec::len).sum()
    }

    /// Milliseconds of all answers, in order.
    pub(crate) fn all_times(&self) -> Times {
        Times::of(self.times.values().flatten())
    }
}

/// Milliseconds, in order.
pub(crate) struct Times(Vec<f64>);

impl Times {
    pub(crate) fn of<'a>(microseconds: impl IntoIterator<Item = &'a u32>) -> Self {
        let mut times: Vec<u32> = microseconds.into_iter().copied().collect();
        times.sort_unstable();
        Self(times.into_iter().map(|time| f64::from(time) / 1000.0).collect())
    }

    /// What so much of a hundred are at most; 0 of nothing.
    pub(crate) fn at(&self, percent: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last.min(self.0.len() * percent / 100)).copied().unwrap_or_default()
    }
}
