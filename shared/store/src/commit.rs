//! The one write of resources: a value that says all of a change, committed in one transaction or not at all.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use protocol::Caller;
use schema::{Kind, Object, ResourceId};
use uuid::Uuid;

use crate::action::{Action, Meaning};
use crate::error::failure;
use crate::membership::Edges;
use crate::plan::{self, Planned};
use crate::retry::Backoff;
use crate::unanswered::Unanswered;
use crate::{Directory, Error, Index, Member, MemberSummary, SettleState, Stored};

/// DynamoDB's limit of items in one transaction.
pub const ITEMS_PER_COMMIT: usize = 100;
/// So many members can be added to a group, removed from it or changed in one commit, whatever else changes.
pub const MEMBER_CHANGES_PER_COMMIT: usize = 30;
/// So many lookups a resource may have, so that its delete always fits in one commit.
pub const LOOKUPS_PER_RESOURCE: usize = protocol::limits::LOOKUPS_PER_RESOURCE;
/// DynamoDB's limit of an item, less what stands beside the resource's JSON.
pub const RESOURCE_BYTES: usize = protocol::limits::RESOURCE_BYTES;
/// The longest unique name, in bytes of its key.
pub const NAME_BYTES: usize = crate::key::LONGEST;

/// A change of one resource and of the edges that go with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    pub kind: Kind,
    pub id: ResourceId,
    pub write: Write,
    /// Members that a group gains. One that is also in `remove` is a member already, and gets what stands here.
    pub add: Vec<Member>,
    /// Members that a group loses.
    pub remove: Vec<Member>,
    /// For a delete: the groups that lose this member.
    pub leave: Vec<GroupExit>,
    pub change: ChangeRecord,
}

impl Commit {
    /// What it makes of the resource that it changes.
    #[must_use]
    pub fn outcome(&self, before: Stored, settled: SettleState) -> Stored {
        let edges = Edges::of(self);
        let resource = match &self.write {
            Write::Update { after, .. } | Write::Create { after } => after.resource.clone(),
            Write::Delete { .. } => before.resource,
        };
        let member_summary = MemberSummary {
            count: before.member_summary.count.saturating_add_signed(edges.gain()),
            checksum: before.member_summary.checksum.saturating_add_signed(edges.checksum()),
            pending: (settled == SettleState::Unfinished).then(|| self.change.id.clone()),
        };
        Stored {
            version: before.version + 1,
            last_modified: self.change.at.clone(),
            resource,
            member_summary,
            ..before
        }
    }
}

/// A group that a deleted member leaves, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupExit {
    pub group: ResourceId,
    pub version: u64,
}

/// What happens to the resource itself. `before` are the keys of the version that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Version 1; its name has to be free.
    Create { after: Snapshot },
    /// From the version `expected` to the next.
    Update { expected: u64, before: Keys, after: Snapshot },
    /// From the version `expected`, as a member of so many groups, to nothing; its name is free then.
    Delete { expected: u64, before: Keys, groups: u64, rest: RemainingEdges },
}

/// What edges of a deleted resource there are besides those that `leave` and `remove` name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemainingEdges {
    None,
    /// Some, also of a group's change that is still to be applied.
    Some {
        pending: Option<ResourceId>,
    },
}

/// What a commit leaves to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitState {
    Complete,
    /// It counts whole from now on, but its edges are to follow: [`Directory::settle`].
    Pending,
}

/// A commit that only has to be sent.
#[must_use = "what is prepared is to be sent or forgotten"]
pub struct Prepared<'a> {
    caller: &'a Caller,
    commit: &'a Commit,
    planned: Planned,
}

impl Prepared<'_> {
    /// Whether something was written for it already.
    pub fn is_large(&self) -> bool {
        !self.planned.parts.is_empty()
    }
}

/// A resource without its members, and by what it is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub resource: Object,
    pub keys: Keys,
}

/// By what a resource is found besides its id, each already in the form in which it is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// The unique name.
    pub name: String,
    pub lookups: Vec<(Index, String)>,
}

/// What the caller adds to the change record; the rest of it follows from the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRecord {
    /// A UUID of version 7, new for each change: records are in the order of their ids.
    pub id: ResourceId,
    /// RFC 3339: the resource's `lastModified`, and its `created` if this creates it.
    pub at: String,
    /// The names of the attributes that changed, never values.
    pub attributes: Vec<String>,
    /// What a user's `active` becomes, if it changes.
    pub active: Option<bool>,
}

/// How one try of a transaction failed.
pub(crate) enum Failure {
    /// It did not happen, but may if it is sent again as it is.
    Passing(Error),
    /// It has happened before.
    Done,
    Final(Error),
}

impl Directory {
    /// Commits a change, or changes nothing: [`Directory::prepare`] and [`Directory::send`].
    pub async fn commit(&self, caller: &Caller, commit: &Commit) -> Result<CommitState, Error> {
        self.send(self.prepare(caller, commit).await?).await
    }

    /// Writes down what a commit needs and does not hold itself, of which nobody takes notice before. Errors: `TooLarge`
    /// (nothing was sent), `Throttled`, `Unavailable`.
    pub async fn prepare<'a>(&self, caller: &'a Caller, commit: &'a Commit) -> Result<Prepared<'a>, Error> {
        let planned = plan::planned(&self.table, caller, commit, self.kept_until())?;
        self.write_parts(&caller.tenant, commit, &planned.parts).await?;
        Ok(Prepared { caller, commit, planned })
    }

    /// Commits what is prepared, or changes nothing.
    ///
    /// What others do at the same time is waited out for a few seconds. Errors: `Taken`, `Stale` and `Missing` (of the
    /// resource), `MembersNotFound`, `Contended`, `Throttled`. After `Unavailable` it is unknown whether the commit happened.
    pub async fn send(&self, prepared: Prepared<'_>) -> Result<CommitState, Error> {
        match self.transact(&prepared.planned.actions, &mut Backoff::new()).await {
            Ok(()) | Err(Failure::Done) => Ok(prepared.planned.committed),
            Err(Failure::Passing(error) | Failure::Final(error)) => {
                if !matches!(error, Error::Unavailable(_)) {
                    self.forget(prepared).await;
                }
                Err(error)
            }
        }
    }

    /// Takes back what is prepared.
    pub async fn forget(&self, Prepared { caller, commit, planned }: Prepared<'_>) {
        self.forget_parts(&caller.tenant, commit, &planned.parts).await;
    }

    /// Sends a transaction until it is done or refused for good.
    ///
    /// Every try carries the same token, so that one whose answer was lost is answered again, and does not find its own
    /// traces and call the name taken.
    pub(crate) async fn transact(&self, actions: &[Action], backoff: &mut Backoff) -> Result<(), Failure> {
        let token = Uuid::now_v7().to_string();
        let unanswered = Unanswered::default();
        loop {
            let error = match self.try_transact(actions, &token, &unanswered).await {
                Err(Failure::Passing(error) | Failure::Final(error @ Error::Unavailable(_))) => error,
                Err(Failure::Final(error @ Error::Refused(_))) if unanswered.any() => {
                    return Err(Failure::Final(unknown(&error)));
                }
                done => return done,
            };
            if !backoff.pause().await {
                let is_known = matches!(error, Error::Unavailable(_)) || !unanswered.any();
                return Err(Failure::Final(if is_known { error } else { unknown(&error) }));
            }
        }
    }

    async fn try_transact(&self, actions: &[Action], token: &str, unanswered: &Unanswered) -> Result<(), Failure> {
        let requests = actions.iter().map(|action| action.request.clone()).collect();
        let request = self.client.transact_write_items().set_transact_items(Some(requests)).client_request_token(token);
        let Err(error) = request.customize().interceptor(unanswered.clone()).send().await else { return Ok(()) };
        if let SdkError::ServiceError(answer) = &error
            && let TransactWriteItemsError::TransactionCanceledException(cancelled) = answer.err()
        {
            return Err(interpret(actions, cancelled.cancellation_reasons()));
        }
        Err(match failure("TransactWriteItems", &error) {
            passing @ (Error::Contended | Error::Throttled) => Failure::Passing(passing),
            other => Failure::Final(other),
        })
    }
}

/// What becomes of an error after a try that was not answered, and may have been carried out.
fn unknown(error: &Error) -> Error {
    Error::Unavailable(format!("TransactWriteItems: no answer, and then: {error}"))
}

/// Reads why a transaction was cancelled. Reasons stand in the order of the actions.
///
/// A passing reason anywhere comes first: while another transaction is under way, a failed condition beside it may have
/// seen only half of that one.
fn interpret(actions: &[Action], reasons: &[CancellationReason]) -> Failure {
    let mut refused = Vec::new();
    for (action, reason) in actions.iter().zip(reasons) {
        match reason.code().unwrap_or("None") {
            "None" => {}
            "ConditionalCheckFailed" => refused.push((&action.meaning, reason.item().is_some_and(|it| !it.is_empty()))),
            "TransactionConflict" => return Failure::Passing(Error::Contended),
            "ThrottlingError" | "ProvisionedThroughputExceeded" => return Failure::Passing(Error::Throttled),
            code => return Failure::Final(Error::Refused(format!("TransactWriteItems: {code}"))),
        }
    }
    interpret_conditions(&refused)
}

/// Reads the failed conditions, each with whether its item exists: first what makes the caller read again.
fn interpret_conditions(refused: &[(&Meaning, bool)]) -> Failure {
    let with = |wanted: Meaning| refused.iter().find(|(meaning, _)| **meaning == wanted);
    if with(Meaning::Done).is_some() {
        return Failure::Done;
    }
    if let Some((_, exists)) = with(Meaning::Resource) {
        return Failure::Final(if *exists { Error::Stale } else { Error::Missing });
    }
    if with(Meaning::Taken).is_some() {
        return Failure::Final(Error::NameTaken);
    }
    let missing: Vec<_> = refused.iter().filter_map(|(meaning, _)| member(meaning)).collect();
    if !missing.is_empty() {
        return Failure::Final(Error::MembersNotFound(missing));
    }
    if with(Meaning::Edge).is_some() {
        return Failure::Final(Error::Stale);
    }
    Failure::Final(Error::Corrupt("a resource and its name do not agree".to_owned()))
}

fn member(meaning: &Meaning) -> Option<ResourceId> {
    if let Meaning::Member(id) = meaning { Some(id.clone()) } else { None }
}
