//! The bounds of the work of one query (RFC 7644 §3.12, `tooMany`).

use std::time::{Duration, Instant};

use protocol::Error;
use protocol::limits::{
    LIST_SECONDS, QUERY_COMPARISONS, SCANNED_BYTES, SCANNED_MEMBERS, SCANNED_RESOURCES, SCANNED_VALUES,
    SORTED_TEXT_BYTES,
};
use schema::Kind;
use store::StoredResource;

/// The longest time that one request scans. API Gateway waits 29 seconds for a response, and then responds with 504
/// without a reason.
const SCAN_BUDGET: Duration = Duration::from_secs(LIST_SECONDS);

/// The work of a query so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    started: Instant,
    /// Resources that were read.
    pub(super) resources: usize,
    /// Bytes of these resources, as JSON.
    pub(super) bytes: usize,
    /// JSON values in these resources.
    pub(super) values: usize,
    /// Members of groups that were read for the filter.
    pub(super) members: usize,
    /// Comparisons of the filter with their values.
    pub(super) comparisons: usize,
    /// Bytes of the texts by which the matches are sorted.
    pub(super) sorted_text: usize,
}

impl Bounds {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), resources: 0, bytes: 0, values: 0, members: 0, comparisons: 0, sorted_text: 0 }
    }

    /// Checks the number of resources that a query is going to read.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub(super) fn check_candidates(&self, candidates: usize) -> Result<(), Error> {
        Self { resources: self.resources + candidates, ..*self }.check(false)
    }

    /// Counts the members, or the groups, of resources that the filter reads, before they are read. The groups of a
    /// user take a call, which takes as long as twenty members.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub(super) fn count_edges<'s>(&mut self, resources: impl Iterator<Item = &'s StoredResource>) -> Result<(), Error> {
        const CALL: u64 = 20;
        let edges = |it: &StoredResource| match it.kind {
            Kind::User => it.group_count.min(1) * CALL,
            Kind::Group => it.member_summary.count,
        };
        let edges: u64 = resources.map(edges).sum();
        self.members = self.members.saturating_add(usize::try_from(edges).unwrap_or(usize::MAX));
        self.check(false)
    }

    /// Checks the work so far. `has_more` says that the query may read more.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub(super) fn check(&self, has_more: bool) -> Result<(), Error> {
        self.check_after(self.started.elapsed(), has_more)
    }

    /// Checks the work so far, before the filter is evaluated on a resource that was read. One large resource can take
    /// a tenth of a second.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub(super) fn check_evaluation(&self) -> Result<(), Error> {
        Self { resources: 0, ..*self }.check(true)
    }

    fn check_after(&self, elapsed: Duration, has_more: bool) -> Result<(), Error> {
        let excess = if self.resources > SCANNED_RESOURCES || (self.resources == SCANNED_RESOURCES && has_more) {
            format!("scan more than {SCANNED_RESOURCES} resources")
        } else if self.bytes > SCANNED_BYTES {
            format!("scan more than {} MB of resources", SCANNED_BYTES / (1024 * 1024))
        } else if self.values > SCANNED_VALUES {
            format!("scan resources with more than {SCANNED_VALUES} values")
        } else if self.members > SCANNED_MEMBERS {
            "read the members of too many groups, or the groups of too many users".to_owned()
        } else if self.comparisons > QUERY_COMPARISONS {
            format!("compare more than {QUERY_COMPARISONS} values")
        } else if self.sorted_text > SORTED_TEXT_BYTES {
            format!("sort by more than {} MB of text", SORTED_TEXT_BYTES / (1024 * 1024))
        } else if has_more && elapsed > SCAN_BUDGET {
            format!("scan more resources than can be read in {LIST_SECONDS} seconds")
        } else {
            return Ok(());
        };
        Err(Error::TooMany(format!(
            "This query would have to {excess}. Add a filter that narrows it down: `id eq` or `externalId eq`; for \
             users `userName eq` or `sw`, `emails.value eq` or `groups.value eq`; for groups `displayName eq` or `sw`, \
             or `members.value eq`. Without sortBy and filter, nothing is scanned."
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_beyond_its_bounds_is_refused() {
        let check = |resources, bytes, comparisons, has_more, seconds| {
            let bounds = Bounds { resources, bytes, comparisons, ..Bounds::new() };
            bounds.check_after(Duration::from_secs(seconds), has_more).map_err(|error| error.to_string())
        };
        for within in [
            check(0, 0, 0, true, 0),
            check(SCANNED_RESOURCES, SCANNED_BYTES, QUERY_COMPARISONS, false, 0),
            check(SCANNED_RESOURCES - 1, SCANNED_BYTES, QUERY_COMPARISONS, true, 17),
            check(5, 5, 5, false, 60),
        ] {
            assert_eq!(within, Ok(()));
        }
        for (beyond, word) in [
            (check(SCANNED_RESOURCES, 0, 0, true, 0), "more than 50000 resources"),
            (check(SCANNED_RESOURCES + 1, 0, 0, false, 0), "more than 50000 resources"),
            (check(1, SCANNED_BYTES + 1, 0, false, 0), "MB of resources"),
            (check(1, 0, QUERY_COMPARISONS + 1, false, 0), "compare more than"),
            (
                Bounds { values: SCANNED_VALUES + 1, ..Bounds::new() }.check(false).map_err(|error| error.to_string()),
                "more than 3000000 values",
            ),
            (
                Bounds { members: SCANNED_MEMBERS + 1, ..Bounds::new() }
                    .check(false)
                    .map_err(|error| error.to_string()),
                "the groups of too many users",
            ),
            (
                Bounds { sorted_text: SORTED_TEXT_BYTES + 1, ..Bounds::new() }
                    .check(false)
                    .map_err(|error| error.to_string()),
                "more than 32 MB of text",
            ),
            (check(1, 0, 0, true, 19), "18 seconds"),
        ] {
            assert!(beyond.is_err_and(|detail| detail.contains(word)), "{word}");
        }
    }
}
