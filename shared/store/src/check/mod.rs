//! The check of the table: whether the items that make up a directory agree with each other, and the repair of items
//! that do not.
//!
//! Every commit keeps the items in agreement. A table that was restored to a point in time can hold a part of a
//! transaction, and an operator can delete an item by hand. The check goes through the table page by page, in memory
//! that does not depend on the size of the directory:
//!
//! 1. *Compare* (`compare`): the check compares each item of a page with the items that have to exist beside it
//!    (`expectation`), by reads that may see a change that is being written.
//! 2. *Examine* (`resource`, `edge`, `pending`, `chunks`, `edge_counts`, `resource_counts`): the check reads items that
//!    do not agree again, as they are at one moment. If they still do not agree, that is a finding, and the examination
//!    plans the transaction that repairs it, on condition that nothing has changed since.
//!
//! A repair needs several passes: counts follow from other items, which the first pass puts in order.

mod chunks;
mod compare;
mod edge;
mod edge_counts;
mod examination;
mod expectation;
mod item_expectations;
mod new_version;
mod page;
mod pending;
mod problem;
mod put_pending;
mod resource;
mod resource_counts;
mod resource_keys;
mod snapshot;
mod subject;

use std::time::{Duration, Instant};

use protocol::Tenant;

use crate::{Directory, Keys, StoredResource};

pub use page::{CheckPage, Finding, RepairOutcome};
pub use problem::Problem;

/// The bound of the pause before a subject is examined again, in milliseconds.
const PAUSE_MS: u64 = 200;
/// How often a count is repeated until nothing changes meanwhile.
const MAX_COUNTS: usize = 10;
/// How long the repairs of a page may continue after `TableCheck::until`, so that a function can still respond.
const MAX_OVERTIME: Duration = Duration::from_secs(20);
/// The token in the change records of repairs.
const TOKEN: &str = "DirectoryCheck";

/// The keys that a resource should have according to its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedKeys {
    pub keys: Keys,
    /// The key that an earlier release gave its unique name. The item of the name may have this key instead.
    pub former_name: Option<String>,
    /// The keys that earlier releases gave its e-mail addresses. Items with these keys are allowed.
    pub former_emails: Vec<String>,
}

/// Computes the keys of a resource; `None` if its attributes are not valid.
pub type KeysOf = fn(&StoredResource) -> Option<ExpectedKeys>;

/// The place in the table where a check continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckPosition {
    pub pk: String,
    pub sk: String,
}

/// A check of the table.
#[derive(Clone, Copy)]
pub struct TableCheck<'a> {
    pub directory: &'a Directory,
    pub keys_of: KeysOf,
    /// The tenant whose items are checked; all tenants if absent. A scan reads the items of all tenants in any case.
    pub tenant: Option<&'a Tenant>,
    /// Whether counts are checked. A repair does that in its second pass, and in those that follow.
    pub with_counts: bool,
    pub repair: bool,
    /// The time after which the check starts no repair.
    pub until: Instant,
}
