//! The check of the table: whether the items that make up a directory agree with each other, and the repair of those
//! that do not.
//!
//! Every commit keeps the items in agreement. A table that was restored to a point in time can hold a part of a
//! transaction, and an operator can delete an item by hand. The check goes through the table page by page, in memory
//! that does not depend on the size of the directory:
//!
//! 1. *Compare* (`compare`): each item of a page is compared with those that have to be beside it, by reads that may see
//!    a change that is being written.
//! 2. *Examine* (`resource`, `edge`, `pending`, `counter`): what differs is read again as it is at one moment. What
//!    differs then is a finding, and the examination plans the transaction that repairs it, on condition that nothing has
//!    changed since.
//!
//! A repair needs several passes: counts follow from other items, which the first pass puts in order.

mod compare;
mod counter;
mod edge;
mod examined;
mod pending;
mod problem;
mod resource;
mod subject;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use protocol::Tenant;
use schema::ResourceId;

use self::examined::Examined;
use self::subject::Subject;
use crate::attributes::Item;
use crate::key::{self, Key};
use crate::transaction::transact::TransactError;
use crate::{Backoff, Directory, Error, Keys, Stored};

pub use problem::Problem;

/// The number of resources that are examined at the same time.
const MAX_CONCURRENT_EXAMINATIONS: usize = 8;
/// How often a subject is examined and repaired until nothing is found. Each time may bring the next problem to light.
const MAX_REPAIRS: usize = 6;
/// The bound of the pause before a subject is examined again, in milliseconds.
const PAUSE_MS: u64 = 200;
/// How long the repairs of a page may go on after the end of the time, so that a function can answer.
const MAX_OVERTIME: Duration = Duration::from_secs(20);
/// The token in the change records of repairs.
const TOKEN: &str = "DirectoryCheck";

/// The keys that a resource should have, as its attributes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedKeys {
    pub keys: Keys,
    /// The key that an earlier release gave its unique name. The item of the name may have this key instead.
    pub former_name: Option<String>,
    /// The keys that earlier releases gave its e-mail addresses. Items of them do no harm.
    pub former_emails: Vec<String>,
}

/// Computes the keys of a resource; `None` if its attributes are not valid.
pub type KeysOf = fn(&Stored) -> Option<ExpectedKeys>;

/// The place in the table where a check continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckPosition {
    pub pk: String,
    pub sk: String,
}

/// A check of the table.
#[derive(Clone, Copy)]
pub struct Check<'a> {
    pub directory: &'a Directory,
    pub keys_of: KeysOf,
    /// The only tenant whose items are checked, if not all are. A scan reads the items of all tenants nevertheless.
    pub tenant: Option<&'a Tenant>,
    /// Whether counts are checked. A repair does that in its second pass, and in those that follow.
    pub with_counts: bool,
    pub repair: bool,
    /// The time after which nothing new is repaired.
    pub until: Instant,
}

/// The result of one page of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedPage {
    pub findings: Vec<Finding>,
    /// The number of items of the page.
    pub items: usize,
    /// `None` if this was the last page.
    pub next: Option<CheckPosition>,
    /// Why a part of the page was not checked, so that it has to be checked again.
    pub error: Option<Error>,
}

/// A problem that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub tenant: Tenant,
    /// The resource that has the problem, or of which the items are.
    pub resource: Option<ResourceId>,
    pub problem: Problem,
    pub outcome: RepairOutcome,
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairOutcome {
    /// Only a check was asked for.
    NotTried,
    Repaired,
    /// Somebody has to decide.
    ByHand,
    /// The repair was tried several times, and other changes came first. A new check may repair it.
    Failed,
}

impl Check<'_> {
    /// Checks the items of one page of the table, which begins after `from`, and repairs them if that was asked for.
    ///
    /// # Errors
    /// The errors of a read: `Throttled`, `Unavailable`, `Refused`; of a repair, also `Contended`. The page can be
    /// checked again.
    pub async fn page(&self, from: Option<&CheckPosition>) -> Result<CheckedPage, Error> {
        let start = from.map(|from| Key { pk: from.pk.clone(), sk: from.sk.clone() }.attributes());
        let (items, last) = self.directory.scan_page(self.tenant, start).await?;
        let next = last.map(|last| position(&last)).transpose()?;
        let count = items.len();
        let subjects = self.compare(items).await?;
        // Repairs of one resource would only come in each other's way.
        let mut of_resource = BTreeMap::<_, Vec<Subject>>::new();
        for (tenant, subject) in subjects {
            of_resource.entry((tenant, subject.resource())).or_default().push(subject);
        }
        let examined = of_resource.iter().map(async |((tenant, _), subjects)| {
            let mut findings = Vec::new();
            for subject in subjects {
                match self.examine_and_repair(tenant, subject).await {
                    Ok(found) => findings.extend(found),
                    Err(error) => return (findings, Some(error)),
                }
            }
            (findings, None)
        });
        let examined = examined.collect::<Vec<_>>();
        let mut examined = stream::iter(examined).buffered(MAX_CONCURRENT_EXAMINATIONS);
        let mut page = CheckedPage { findings: Vec::new(), items: count, next, error: None };
        while let Some((findings, error)) = examined.next().await {
            page.findings.extend(findings);
            page.error = page.error.or(error);
        }
        match page.error {
            // What was repaired has to be reported.
            Some(error) if page.findings.is_empty() => Err(error),
            _ => Ok(page),
        }
    }

    /// Examines a subject, and repairs it until nothing is found any more.
    async fn examine_and_repair(&self, tenant: &Tenant, subject: &Subject) -> Result<Vec<Finding>, Error> {
        let mut problems: Vec<Problem> = Vec::new();
        let mut resource = subject.resource();
        let mut outcome = RepairOutcome::Failed;
        let mut backoff = Backoff::new(PAUSE_MS, PAUSE_MS);
        for _ in 0..MAX_REPAIRS {
            let examined = match self.examine(tenant, subject).await {
                Err(Error::Corrupt(_) | Error::NewerFormat) => Examined::by_hand(Problem::Unreadable),
                // What was repaired before has to be reported.
                Err(Error::Contended | Error::Throttled | Error::Unavailable(_)) if !problems.is_empty() => break,
                examined => examined?,
            };
            resource = examined.resource.clone().or(resource);
            if examined.problems.is_empty() {
                outcome = RepairOutcome::Repaired;
                break;
            }
            problems.extend(
                examined.problems.iter().filter(|problem| !problems.contains(problem)).copied().collect::<Vec<_>>(),
            );
            if self.repair && Instant::now() > self.until + MAX_OVERTIME {
                break;
            }
            if !self.repair || examined.is_by_hand() {
                outcome = if self.repair { RepairOutcome::ByHand } else { RepairOutcome::NotTried };
                break;
            }
            match self.carry_out(tenant, examined).await {
                Ok(()) => {}
                Err(Error::Contended | Error::Throttled | Error::Unavailable(_)) => break,
                Err(error) => return Err(error),
            }
            backoff.wait().await;
        }
        let finding = |problem| Finding { tenant: tenant.clone(), resource: resource.clone(), problem, outcome };
        Ok(problems.into_iter().map(finding).collect())
    }

    async fn examine(&self, tenant: &Tenant, subject: &Subject) -> Result<Examined, Error> {
        match subject {
            Subject::Resource { kind, id, version } => self.examine_resource(tenant, *kind, id, *version).await,
            Subject::Deleted { kind, id } => self.examine_deleted(tenant, *kind, id).await,
            Subject::Owner { key, kind, id } => self.examine_owner(tenant, key, *kind, id).await,
            Subject::Edge { group, member } => self.examine_edge(tenant, group, member).await,
            Subject::Pending(id) => self.examine_pending(tenant, id).await,
            Subject::Chunks(change) => self.examine_chunks(tenant, change).await,
            Subject::Count(kind) => self.examine_count(tenant, *kind).await,
            Subject::Unreadable(_) => Ok(Examined::by_hand(Problem::Unreadable)),
        }
    }

    /// Sends a planned repair. If something has changed since the examination, nothing is written, and the next
    /// examination shows what is left.
    async fn carry_out(&self, tenant: &Tenant, examined: Examined) -> Result<(), Error> {
        let sent = match examined.actions.as_slice() {
            [] => Ok(()),
            actions => self.directory.transact(actions).await,
        };
        match sent {
            Ok(()) => {}
            Err(
                TransactError::AlreadyApplied
                | TransactError::Permanent(
                    Error::Stale | Error::Missing | Error::NameTaken | Error::MembersNotFound(_) | Error::Corrupt(_),
                ),
            ) => return Ok(()),
            Err(TransactError::Retryable(error) | TransactError::Permanent(error)) => return Err(error),
        }
        match examined.settle {
            Some(id) => self.settle(tenant, &id).await,
            None => Ok(()),
        }
    }
}

fn position(last: &Item) -> Result<CheckPosition, Error> {
    let text = |name| crate::item::text(last, name).map(str::to_owned);
    Ok(CheckPosition { pk: text(key::PK)?, sk: text(key::SK)? })
}
