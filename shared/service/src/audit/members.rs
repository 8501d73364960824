//! Who was in a group at an instant: from those who are in it now, by taking back what happened since; or, if the group is
//! gone, from its beginning on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::event::{Change, Part, Verb};
use protocol::{Error, Tenant};
use schema::{Kind, ResourceId};
use store::Directory;

use super::{Content, PAGE, Question, before, before_all_of, instant, is_of, limit, text, wrong};
use crate::failure::failed;

/// So many ids are 400 KB.
const MOST: usize = 10_000;
/// An answer that takes longer is not awaited.
const PATIENCE: Duration = Duration::from_secs(240);
/// So often a group may change while its members are read.
const TRIES: usize = 5;

pub(super) async fn tell(
    directory: &Directory,
    tenant: &Tenant,
    group: &ResourceId,
    question: &Question,
    begins: Option<Timestamp>,
) -> Result<(Content, Option<String>), Error> {
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
    Ok((Content::Members { at: text(at), members: page, complete }, next_token))
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
}

/// What a record says of a group's members.
struct Step {
    version: Option<u64>,
    at: Timestamp,
    members: Part,
}

impl Reader<'_> {
    /// The group and its members in one and the same version; nothing, if there is no such group.
    async fn now(&self) -> Result<Option<Now>, Error> {
        for _ in 0..TRIES {
            let read = self.directory.get(self.tenant, Kind::Group, self.group).await.map_err(failed)?;
            let Some(group) = read else { return Ok(None) };
            let members = self.directory.members(self.tenant, self.group, None).await.map_err(failed)?;
            let again = self.directory.get(self.tenant, Kind::Group, self.group).await.map_err(failed)?;
            if again.is_some_and(|again| again.version == group.version) {
                let members = members.into_iter().map(|member| member.id).collect();
                return Ok(Some(Now { created: group.created.parse().ok(), version: group.version, members }));
            }
        }
        Err(Error::TooManyRequests { retry_after: 1 })
    }

    /// Takes back what happened after the instant. That needs the records since then alone, however old the group is.
    async fn backward(&self, now: Now, begins: Option<Timestamp>) -> Result<(BTreeSet<ResourceId>, bool), Error> {
        if now.created.is_some_and(|created| created > self.at) {
            return Ok((BTreeSet::new(), true));
        }
        let (mut steps, _) = self.steps(before(self.at)).await?;
        steps.retain(|step| step.at > self.at && step.version.is_none_or(|version| version <= now.version));
        let mut members = now.members;
        for step in steps.into_iter().rev() {
            for id in &step.members.added {
                members.remove(id);
            }
            members.extend(step.members.removed);
        }
        // The group's own creation is the first of its records; without one of that time nobody can say what else is missing.
        let complete = begins.is_some_and(|begins| begins <= self.at);
        Ok((members, complete))
    }

    /// Does again what happened until the instant, from the group's first record on.
    async fn forward(&self) -> Result<(BTreeSet<ResourceId>, bool), Error> {
        let (steps, own) = self.steps(before_all_of(self.group)).await?;
        let Some(end) = own.iter().find(|(verb, _)| *verb == Verb::Deleted) else {
            return Err(Error::NotFound(
                "There is no group with this id, and no record that there was one. It may be older than the trail."
                    .to_owned(),
            ));
        };
        if end.1 <= self.at {
            return Ok((BTreeSet::new(), true));
        }
        let mut members = BTreeSet::new();
        for step in steps.into_iter().filter(|step| step.at <= self.at) {
            for id in &step.members.removed {
                members.remove(id);
            }
            members.extend(step.members.added);
        }
        Ok((members, own.iter().any(|(verb, _)| *verb == Verb::Created)))
    }

    /// What the records after an id say of the group's members, by the group's versions, and what happened to the group itself.
    async fn steps(&self, after: Option<ResourceId>) -> Result<(Vec<Step>, Vec<(Verb, Timestamp)>), Error> {
        let (mut steps, mut own, mut after) = (Vec::new(), Vec::new(), after);
        loop {
            let page = self.directory.changes(self.tenant, after.as_ref(), PAGE).await.map_err(failed)?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|last| last.id.clone()).or(after);
            for change in page {
                if is_of(&change, self.group) {
                    own.push((change.verb, change.at));
                }
                steps.extend(self.step(change).await?);
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
        for step in &mut steps {
            last = step.version.unwrap_or(last);
            step.version = step.version.or(Some(last));
        }
        steps.sort_by_key(|step| step.version);
        Ok((steps, own))
    }

    async fn step(&self, change: Change) -> Result<Option<Step>, Error> {
        let at = change.at;
        if let Some(left) = change.left.iter().find(|left| left.group == *self.group) {
            let members = Part { added: Vec::new(), removed: vec![change.resource] };
            return Ok(Some(Step { version: left.version, at, members }));
        }
        if !is_of(&change, self.group) {
            return Ok(None);
        }
        let mut members = change.members;
        if change.in_parts {
            for part in self.directory.parts_of_change(self.tenant, &change.id).await.map_err(failed)? {
                members.added.extend(part.added);
                members.removed.extend(part.removed);
            }
        }
        Ok((!members.is_empty()).then_some(Step { version: change.after, at, members }))
    }
}
