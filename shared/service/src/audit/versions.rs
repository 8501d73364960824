//! The versions of a group that records describe: whether one is missing among those that a query needs. Records expire
//! one by one, in any order, and after a change of their retention newer ones can expire first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::event::{Change, ChangeType};
use schema::ResourceId;
use store::created_at_ms;

#[derive(Debug, Default)]
pub(super) struct Versions {
    written: BTreeMap<u64, VersionTimes>,
    /// The last version, if the group is deleted.
    last: Option<u64>,
}

/// When a version of the group was written.
#[derive(Debug)]
struct VersionTimes {
    at: Timestamp,
    previous_at: Option<Timestamp>,
}

impl Versions {
    /// Adds the version of the group that a record describes, if any.
    pub(super) fn add(&mut self, change: &Change, group: &ResourceId) {
        let exit = change.group_exits.iter().find(|exit| exit.group == *group);
        let (version, previous_at) = match exit {
            Some(exit) => (exit.version, exit.previous_at),
            None if change.resource == *group => (change.after, change.previous_at),
            None => return,
        };
        if exit.is_none() && change.change_type == ChangeType::Deleted {
            self.last = change.before;
        }
        if let Some(version) = version {
            self.written.insert(version, VersionTimes { at: written_at(change), previous_at });
        }
    }

    /// Whether there is a record of every version after this instant, up to `current`.
    pub(super) fn are_complete_since(&self, current: u64, at: Timestamp) -> bool {
        for version in (1..=current).rev() {
            let Some(written) = self.written.get(&version) else { return false };
            if written.at <= at || written.previous_at.is_some_and(|previous_at| previous_at <= at) {
                return true;
            }
        }
        true
    }

    /// Whether there is a record of every version until this instant, from the first one on.
    pub(super) fn are_complete_until(&self, at: Timestamp) -> bool {
        for version in 1.. {
            match self.written.get(&version) {
                Some(written) if written.at > at => return true,
                Some(_) if self.last == Some(version) => return true,
                Some(_) => {}
                None => return false,
            }
        }
        true
    }
}

/// A record that follows from another change has the time of that change, and an id of the time when it was written.
fn written_at(change: &Change) -> Timestamp {
    let id = created_at_ms(&change.id).and_then(|at| Timestamp::from_millisecond(i64::try_from(at).ok()?).ok());
    id.map_or(change.at, |id| id.max(change.at))
}
