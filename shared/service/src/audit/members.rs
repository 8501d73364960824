//! Who was in a group at an instant: from those who are in it now, by taking back what happened since; or, if the group is
//! gone, from its beginning on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::event::{Change, ChangeType, MemberDelta};
use protocol::{Error, Tenant};
use schema::{Kind, ResourceId};
use store::{Directory, PendingChanges};

use super::{AuditQuery, AuditResult, PAGE, before, before_all_of, instant, is_of, limit, text, wrong};
use crate::error::to_client_error;

/// So many ids are 400 KB.
const MOST: usize = 10_000;
/// An answer that takes longer is not awaited.
const PATIENCE: Duration = Duration::from_secs(240);

pub(super) async fn tell(
    directory: &Directory,
    tenant: &Tenant,
    group: &ResourceId,
    question: &AuditQuery,
    begins: Option<Timestamp>,
) -> Result<(AuditResult, Option<String>), Error> {
    if question.resource.is_some() || question.from.is_some() || question.to.is_some() {
        return Err(wrong("With membersOf there is `at`; resource, from and to are for changes."));
    }
    let at = instant("at", question.at.as_deref())?.unwrap_or_else(Timestamp::now);
    let limit = limit(question.limit, MOST, MOST)?;
    let reader = Reader { directory, tenant, group, at, until: Instant::now() + PATIENCE };
    let (members, complete) = match reader.now().await? {
        Some(now) => reader.backward(now, begins).await?,
        None => reader.forward().await?,
    };
    let after = question.next_token.as_deref().unwrap_or_default();
    let mut page: Vec<String> = members.iter().map(ToString::to_string).filter(|id| id.as_str() > after).collect();
    let more = page.len() > limit;
    page.truncate(limit);
    let next_token = page.last().filter(|_| more).cloned();
    Ok((AuditResult::Members { at: text(at), members: page, complete }, next_token))
}

struct Reader<'a> {
    directory: &'a Directory,
    tenant: &'a Tenant,
    group: &'a ResourceId,
    at: Timestamp,
    until: Instant,
}

/// A group as it is.
struct Now {
    created: Option<Timestamp>,
    version: u64,
    members: BTreeSet<ResourceId>,
    /// What is deleted in the tenant, and may still be among the members.
    pending_changes: PendingChanges,
}

/// What records say of a group.
#[derive(Default)]
struct History {
    /// By the group's versions.
    steps: Vec<Step>,
    has_creation: bool,
    /// Whatever was deleted, and when.
    ended: BTreeMap<ResourceId, Timestamp>,
}

/// What a record says of a group's members.
struct Step {
    version: Option<u64>,
    at: Timestamp,
    members: MemberDelta,
}

impl Reader<'_> {
    /// The group and its members in one and the same version; nothing, if there is no such group.
    async fn now(&self) -> Result<Option<Now>, Error> {
        let pending_changes = self.directory.pending_changes(self.tenant).await.map_err(to_client_error)?;
        let group = self.directory.get(self.tenant, Kind::Group, self.group).await.map_err(to_client_error)?;
        let Some(group) = group else { return Ok(None) };
        let read = self.directory.members(self.tenant, group).await.map_err(to_client_error)?;
        Ok(read.map(|(group, members)| {
            let members = members.into_iter().map(|member| member.id).collect();
            Now { created: group.created.parse().ok(), version: group.version, members, pending_changes }
        }))
    }

    /// Takes back what happened after the instant. That needs the records since then alone, however old the group is.
    async fn backward(&self, now: Now, begins: Option<Timestamp>) -> Result<(BTreeSet<ResourceId>, bool), Error> {
        if now.created.is_some_and(|created| created > self.at) {
            return Ok((BTreeSet::new(), true));
        }
        let History { steps, ended, .. } = self.history(before(self.at)).await?;
        let mut members = now.members;
        let since = |step: &Step| step.at > self.at && step.version.is_none_or(|version| version <= now.version);
        for step in steps.into_iter().filter(since).rev() {
            for id in &step.members.added {
                members.remove(id);
            }
            members.extend(step.members.removed);
        }
        // Who is deleted is no member from then on, though the group's record of it may be still to come.
        members.retain(|id| !now.pending_changes.hides(id) || ended.get(id).is_some_and(|end| *end > self.at));
        Ok((members, begins.is_some_and(|begins| begins <= self.at)))
    }

    /// Does again what happened until the instant, from the group's first record on.
    async fn forward(&self) -> Result<(BTreeSet<ResourceId>, bool), Error> {
        let History { steps, has_creation, ended } = self.history(before_all_of(self.group)).await?;
        let Some(end) = ended.get(self.group) else {
            return Err(Error::NotFound(
                "There is no group with this id, and no record that there was one. It may be older than the trail."
                    .to_owned(),
            ));
        };
        if *end <= self.at {
            return Ok((BTreeSet::new(), true));
        }
        let mut members = BTreeSet::new();
        for step in steps.into_iter().filter(|step| step.at <= self.at) {
            for id in &step.members.removed {
                members.remove(id);
            }
            members.extend(step.members.added);
        }
        members.retain(|id| ended.get(id).is_none_or(|end| *end > self.at));
        Ok((members, has_creation))
    }

    /// What the records after an id say.
    async fn history(&self, mut after: Option<ResourceId>) -> Result<History, Error> {
        let mut history = History::default();
        loop {
            let page = self.directory.changes(self.tenant, after.as_ref(), PAGE).await.map_err(to_client_error)?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|last| last.id.clone()).or(after);
            for change in page {
                match change.verb {
                    ChangeType::Created => history.has_creation |= is_of(&change, self.group),
                    ChangeType::Updated => {}
                    ChangeType::Deleted => drop(history.ended.insert(change.resource.clone(), change.at)),
                }
                history.steps.extend(self.step(change).await?);
            }
            if is_last {
                break;
            }
            if Instant::now() > self.until {
                return Err(Error::TooMany(
                    "There are too many records since then to be read in one answer.".to_owned(),
                ));
            }
        }
        // Those without a version stay where they were written.
        let mut last = 0;
        for step in &mut history.steps {
            last = step.version.unwrap_or(last);
            step.version = step.version.or(Some(last));
        }
        history.steps.sort_by_key(|step| step.version);
        Ok(history)
    }

    async fn step(&self, change: Change) -> Result<Option<Step>, Error> {
        let at = change.at;
        if let Some(left) = change.left.iter().find(|left| left.group == *self.group) {
            let members = MemberDelta { added: Vec::new(), removed: vec![change.resource] };
            return Ok(Some(Step { version: left.version, at, members }));
        }
        if !is_of(&change, self.group) {
            return Ok(None);
        }
        let mut members = change.members;
        if change.is_chunked {
            for part in self.directory.chunks_of_change(self.tenant, &change.id).await.map_err(to_client_error)? {
                members.added.extend(part.added);
                members.removed.extend(part.removed);
            }
        }
        Ok((!members.is_empty()).then_some(Step { version: change.after, at, members }))
    }
}
