//! Checks whether the items of the table agree with each other, and repairs those that do not. The function
//! `directory-check` does it on AWS, and `cargo run -- check` on a laptop.

use std::collections::BTreeMap;
use std::time::Instant;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use protocol::{Error, Tenant};
use serde::{Deserialize, Serialize};
use store::{
    CheckPage, CheckPosition, Directory, Error as StoreError, ExpectedKeys, Finding, RepairOutcome, StoredResource,
    TableCheck,
};

use crate::error::to_client_error;
use crate::keys;

/// The most passes of a repair. A table that needs more is being changed by hand meanwhile.
const MAX_PASSES: u32 = 6;
/// How often a page is checked again of which a part could not be checked.
const MAX_FAILURES: u32 = 5;
/// No further page is checked after this number of findings in one answer.
const FINDINGS_PER_ANSWER: usize = 1000;

/// The scope of a check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckQuery {
    /// The only tenant that is checked; all tenants if absent.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Whether the problems that are found are repaired.
    #[serde(default)]
    pub repair: bool,
    /// The `nextToken` of the previous answer.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// The findings of a check.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckAnswer {
    /// The number of items that were checked.
    pub items: usize,
    pub findings: Vec<CheckFinding>,
    /// The meaning of each kind of problem, and the effect of a repair.
    pub problems: BTreeMap<&'static str, &'static str>,
    /// The check is not complete: the same call with this token continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A problem of a resource or a tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckFinding {
    pub tenant: String,
    pub problem: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// `found`, `repaired`, `byHand` or `failed`.
    pub outcome: &'static str,
    /// The number of items that show it.
    pub count: usize,
}

/// Where a check continues. A repair goes through the table until a pass that checks counts has repaired nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
struct CheckProgress {
    /// The number of complete passes.
    #[serde(default)]
    passes: u32,
    /// Whether this pass has repaired anything.
    #[serde(default)]
    has_repaired: bool,
    /// How often the next page could not be checked as a whole.
    #[serde(default)]
    failures: u32,
    #[serde(default)]
    last: Option<(String, String)>,
}

impl CheckProgress {
    /// The last position that was checked, after which the next page begins.
    fn position(&self) -> Option<CheckPosition> {
        self.last.clone().map(|(pk, sk)| CheckPosition { pk, sk })
    }

    /// Counts an attempt to check the next page that failed in part.
    ///
    /// # Errors
    /// The error of the store, after too many of these attempts.
    fn count_failure(&mut self, cause: StoreError) -> Result<(), Error> {
        self.failures += 1;
        if self.failures > MAX_FAILURES {
            return Err(to_client_error(cause));
        }
        tracing::warn!(%cause, "a part of a page cannot be checked now; the next call checks it again");
        Ok(())
    }

    /// Notes where the next page begins. Returns whether the check is complete.
    fn advance(&mut self, next: Option<CheckPosition>, repair: bool) -> bool {
        self.last = next.map(|next| (next.pk, next.sk));
        if self.last.is_some() {
            return false;
        }
        self.passes += 1;
        // The first pass of a repair checks no counts.
        let is_clean = self.passes > 1 && !std::mem::take(&mut self.has_repaired);
        !repair || is_clean || self.passes == MAX_PASSES
    }
}

/// Checks the table, and starts no further page of it after `until`.
///
/// # Errors
/// [`Error::InvalidValue`] for an invalid name of a tenant or `nextToken`, and in another region than the table's; the
/// errors of the store if it did not respond before anything was found.
pub async fn check(directory: &Directory, query: &CheckQuery, until: Instant) -> Result<CheckAnswer, Error> {
    let tenant = query.tenant.as_deref().map(tenant_named).transpose()?;
    check_region(directory).await?;
    let mut progress = query.next_token.as_deref().map_or_else(|| Ok(CheckProgress::default()), read_token)?;
    let mut answer = CheckAnswer::default();
    loop {
        let check = TableCheck {
            directory,
            keys_of: expected_keys,
            tenant: tenant.as_ref(),
            with_counts: progress.passes > 0 || !query.repair,
            repair: query.repair,
            until,
        };
        let (next, error) = match check.page(progress.position().as_ref()).await {
            Ok(page) => {
                progress.has_repaired |= page.findings.iter().any(|it| it.outcome == RepairOutcome::Repaired);
                answer.add(page, check.with_counts)
            }
            Err(error) if answer.items == 0 => return Err(to_client_error(error)),
            Err(error) => (None, Some(error)),
        };
        if let Some(cause) = error {
            progress.count_failure(cause)?;
            return answer.with_next_token(&progress);
        }
        progress.failures = 0;
        if progress.advance(next, query.repair) {
            return Ok(answer);
        }
        if Instant::now() >= until || answer.findings.len() >= FINDINGS_PER_ANSWER {
            return answer.with_next_token(&progress);
        }
    }
}

fn tenant_named(name: &str) -> Result<Tenant, Error> {
    Tenant::named(name).ok_or_else(|| invalid("tenant", "the name of a tenant, such as acme, or leave it out"))
}

async fn check_region(directory: &Directory) -> Result<(), Error> {
    directory.read_home_region().await.map_err(to_client_error)?;
    match directory.foreign_region() {
        Some(region) => Err(Error::InvalidValue(format!("The table belongs to the region {region}. Check it there."))),
        None => Ok(()),
    }
}

impl CheckAnswer {
    /// Adds a page. A pass that checks counts shows the problems that a repair leaves to people. Returns where the next
    /// page begins, and the error because of which the page has to be checked again.
    fn add(&mut self, page: CheckPage, has_counts: bool) -> (Option<CheckPosition>, Option<StoreError>) {
        // A page that has to be checked again is counted then.
        self.items += if page.error.is_none() { page.items } else { 0 };
        let shown = page.findings.into_iter().filter(|it| has_counts || it.outcome != RepairOutcome::ByHand);
        for Finding { tenant, resource, problem, outcome } in shown {
            self.problems.insert(problem.name(), problem.description());
            let outcome = match outcome {
                RepairOutcome::NotTried => "found",
                RepairOutcome::Repaired => "repaired",
                RepairOutcome::ByHand => "byHand",
                RepairOutcome::Failed => "failed",
            };
            self.add_finding(CheckFinding {
                tenant: tenant.as_str().to_owned(),
                problem: problem.name(),
                resource: resource.map(|id| id.to_string()),
                outcome,
                count: 1,
            });
        }
        (page.next, page.error)
    }

    /// The answer with the token for the rest of the check.
    fn with_next_token(mut self, progress: &CheckProgress) -> Result<Self, Error> {
        self.next_token = Some(token(progress)?);
        Ok(self)
    }

    /// Adds a finding, or counts it if the items before have shown the same.
    fn add_finding(&mut self, finding: CheckFinding) {
        let is_same = |other: &&mut CheckFinding| CheckFinding { count: 1, ..(*other).clone() } == finding;
        match self.findings.last_mut().filter(is_same) {
            Some(same) => same.count += 1,
            None => self.findings.push(finding),
        }
    }
}

/// The keys that a resource should have; `None` if its attributes are not valid.
fn expected_keys(stored: &StoredResource) -> Option<ExpectedKeys> {
    let (keys, former_name) = keys::expected_keys(stored).ok()?;
    Some(ExpectedKeys { keys, former_name, former_emails: keys::former_email_keys(stored) })
}

fn token(progress: &CheckProgress) -> Result<String, Error> {
    let json = serde_json::to_vec(progress).map_err(|_| Error::Internal)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(json))
}

fn read_token(token: &str) -> Result<CheckProgress, Error> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
    let progress = json.and_then(|json| serde_json::from_slice(&json).ok());
    progress.ok_or_else(|| invalid("nextToken", "the nextToken of the previous answer"))
}

fn invalid(name: &str, wanted: &str) -> Error {
    Error::InvalidValue(format!("{name}: send {wanted}."))
}
