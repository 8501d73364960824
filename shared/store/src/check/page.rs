//! The check of one page of the table: it compares the items, then examines and repairs those that do not agree.

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::stream::{self, StreamExt};
use protocol::Tenant;
use schema::ResourceId;

use super::examination::Examination;
use super::subject::CheckSubject;
use super::{CheckPosition, MAX_OVERTIME, PAUSE_MS, Problem, TableCheck};
use crate::attributes::Item;
use crate::key::{self, Key};
use crate::transaction::transact::TransactError;
use crate::{Backoff, Error, item};

/// The number of resources that are examined at the same time.
const MAX_CONCURRENT_EXAMINATIONS: usize = 8;
/// How often the check examines and repairs a subject until it finds no problem. Each repair may reveal the next
/// problem.
const MAX_REPAIRS: usize = 6;

/// The result of one page of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckPage {
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
    /// The resource that has the problem, or to which the items belong.
    pub resource: Option<ResourceId>,
    pub problem: Problem,
    pub outcome: RepairOutcome,
}

/// The result of the repair of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairOutcome {
    /// The caller requested a check without repairs.
    NotTried,
    Repaired,
    /// There is no automatic repair, so an operator has to decide.
    ByHand,
    /// The repair was tried several times, but concurrent changes prevented it. A new check may repair it.
    Failed,
}

impl TableCheck<'_> {
    /// Checks the items of one page of the table, which begins after `from`, and repairs them if `repair` is set.
    ///
    /// # Errors
    /// The errors of a read: `Throttled`, `Unavailable`, `Refused`; of a repair, also `Contended`. The page can be
    /// checked again.
    pub async fn page(&self, from: Option<&CheckPosition>) -> Result<CheckPage, Error> {
        let start = from.map(|from| Key { pk: from.pk.clone(), sk: from.sk.clone() }.attributes());
        let (items, last) = self.directory.scan_page(self.tenant, start).await?;
        let next = last.map(|last| position(&last)).transpose()?;
        let mut page = CheckPage { findings: Vec::new(), items: items.len(), next, error: None };
        // Repairs of one resource at the same time would conflict.
        let mut subjects_of = BTreeMap::<_, Vec<CheckSubject>>::new();
        for (tenant, subject) in self.compare(items).await? {
            subjects_of.entry((tenant, subject.resource())).or_default().push(subject);
        }
        let examinations = subjects_of
            .iter()
            .map(|((tenant, _), subjects)| self.examine_subjects(tenant, subjects))
            .collect::<Vec<_>>();
        let mut examinations = stream::iter(examinations).buffered(MAX_CONCURRENT_EXAMINATIONS);
        while let Some((findings, error)) = examinations.next().await {
            page.findings.extend(findings);
            page.error = page.error.or(error);
        }
        match page.error {
            // The caller has to report what was repaired.
            Some(error) if page.findings.is_empty() => Err(error),
            _ => Ok(page),
        }
    }

    /// Examines and repairs subjects one after the other, until one fails.
    async fn examine_subjects(&self, tenant: &Tenant, subjects: &[CheckSubject]) -> (Vec<Finding>, Option<Error>) {
        let mut findings = Vec::new();
        for subject in subjects {
            match self.examine_and_repair(tenant, subject).await {
                Ok(found) => findings.extend(found),
                Err(error) => return (findings, Some(error)),
            }
        }
        (findings, None)
    }

    /// Examines a subject, and repairs it until no problem is found.
    async fn examine_and_repair(&self, tenant: &Tenant, subject: &CheckSubject) -> Result<Vec<Finding>, Error> {
        let mut problems: Vec<Problem> = Vec::new();
        let mut resource = subject.resource();
        let mut outcome = RepairOutcome::Failed;
        let mut backoff = Backoff::new(PAUSE_MS, PAUSE_MS);
        for _ in 0..MAX_REPAIRS {
            let examination = match self.examine(tenant, subject).await {
                Err(Error::Corrupt(_) | Error::NewerFormat) => Examination::unrepairable(Problem::Unreadable),
                // The caller has to report what was repaired before.
                Err(Error::Contended | Error::Throttled | Error::Unavailable(_)) if !problems.is_empty() => break,
                result => result?,
            };
            resource = examination.resource.clone().or(resource);
            if examination.problems.is_empty() {
                outcome = RepairOutcome::Repaired;
                break;
            }
            problems.extend(
                examination.problems.iter().filter(|problem| !problems.contains(problem)).copied().collect::<Vec<_>>(),
            );
            if self.repair && Instant::now() > self.until + MAX_OVERTIME {
                break;
            }
            if !self.repair || !examination.is_repairable() {
                outcome = if self.repair { RepairOutcome::ByHand } else { RepairOutcome::NotTried };
                break;
            }
            match self.send_repair(tenant, examination).await {
                Ok(()) => {}
                Err(Error::Contended | Error::Throttled | Error::Unavailable(_)) => break,
                Err(error) => return Err(error),
            }
            backoff.wait().await;
        }
        let finding = |problem| Finding { tenant: tenant.clone(), resource: resource.clone(), problem, outcome };
        Ok(problems.into_iter().map(finding).collect())
    }

    async fn examine(&self, tenant: &Tenant, subject: &CheckSubject) -> Result<Examination, Error> {
        match subject {
            CheckSubject::Resource { kind, id, version } => self.examine_resource(tenant, *kind, id, *version).await,
            CheckSubject::Deleted { kind, id } => self.examine_deleted(tenant, *kind, id).await,
            CheckSubject::Owner { key, kind, id } => self.examine_owner(tenant, key, *kind, id).await,
            CheckSubject::Edge { group, member } => self.examine_edge(tenant, group, member).await,
            CheckSubject::Pending(id) => self.examine_pending(tenant, id).await,
            CheckSubject::Chunks(change) => self.examine_chunks(tenant, change).await,
            CheckSubject::Count(kind) => self.examine_resource_count(tenant, *kind).await,
            CheckSubject::Unreadable(_) => Ok(Examination::unrepairable(Problem::Unreadable)),
        }
    }

    /// Sends a planned repair. If something has changed since the examination, nothing is written, and the next
    /// examination finds the remaining problems.
    async fn send_repair(&self, tenant: &Tenant, examination: Examination) -> Result<(), Error> {
        let sent = match examination.actions.as_slice() {
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
        match examination.settle {
            Some(id) => self.settle(tenant, &id).await,
            None => Ok(()),
        }
    }
}

fn position(last: &Item) -> Result<CheckPosition, Error> {
    let text = |name| item::text(last, name).map(str::to_owned);
    Ok(CheckPosition { pk: text(key::PK)?, sk: text(key::SK)? })
}
