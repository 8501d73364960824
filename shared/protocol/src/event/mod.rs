//! What an application hears of a change: Security Event Tokens (RFC 8417 §2) with SCIM events (RFC 9967 §2), unsigned,
//! as they go no further than a bus of the same account.
//!
//! A change says the same whenever it is told, `jti` and `iat` included, so that a consumer knows what it has heard
//! already; the one exception is the resource that may go with it, which is the resource as it is then.

mod change;
mod claims;

pub use change::{Change, ChangeType, GroupExit, MemberDelta};

use jiff::Timestamp;
use schema::{Kind, Object, ResourceId};

use claims::{EventBuilder, Subject};

/// So many ids of members are told in one event; of more there are several. It is then some 40 KB.
pub const IDS_PER_EVENT: usize = 1000;
/// No event is larger as JSON, in bytes: EventBridge takes 256 KB with what it stands in.
pub const EVENT_BYTES: usize = 250_000;

/// What kind of news an event is, by the product's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    UserCreated,
    UserUpdated,
    UserDeactivated,
    UserReactivated,
    UserDeleted,
    GroupCreated,
    GroupUpdated,
    GroupDeleted,
    GroupMembersChanged,
}

impl EventType {
    pub fn as_str(self) -> &'static str {
        match self {
            EventType::UserCreated => "user.created",
            EventType::UserUpdated => "user.updated",
            EventType::UserDeactivated => "user.deactivated",
            EventType::UserReactivated => "user.reactivated",
            EventType::UserDeleted => "user.deleted",
            EventType::GroupCreated => "group.created",
            EventType::GroupUpdated => "group.updated",
            EventType::GroupDeleted => "group.deleted",
            EventType::GroupMembersChanged => "group.members.changed",
        }
    }
}

/// One event, ready to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub name: EventType,
    /// Which resource it is about: `/Users/…`.
    pub uri: String,
    /// The resource's version as a result of the change, unless there is none any more.
    pub version: Option<u64>,
    /// When the change was made.
    pub at: Timestamp,
    /// The claims of the token.
    pub claims: Object,
}

/// A resource as a client sees it at the moment, without members and groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    pub version: u64,
    pub resource: Object,
}

/// The events of a change, in the order in which they are to be published. `parts` are its members if they are told apart from it;
/// `issuer` is the base URL of the service.
///
/// - Every new version of a user is told by `user.created` or `user.updated`. Where it turned `active`,
///   `user.deactivated` or `user.reactivated` comes, too.
/// - Every new version of a group is told by `group.created` or `group.updated`, or, if no more than its members changed, by
///   `group.members.changed` alone, which else comes after them.
/// - A resource that is deleted leaves its groups: each of them has a `group.members.changed`.
pub fn events(change: &Change, parts: &[MemberDelta], issuer: &str, current: Option<&Current>) -> Vec<Event> {
    let builder = EventBuilder { change, issuer, current };
    let about = Subject { kind: change.kind, id: &change.resource, version: change.after };
    let whole = std::slice::from_ref(&change.members);
    let chunks = chunks(if change.is_chunked { parts } else { whole });
    let mut events: Vec<Event> =
        names(change, !chunks.is_empty()).into_iter().map(|name| builder.of_resource(name, about)).collect();
    let count = chunks.len();
    events.extend(
        chunks
            .iter()
            .zip(1..)
            .map(|(portion, number)| builder.of_members(about, portion, (count > 1).then_some((number, count)))),
    );
    events.extend(change.left.iter().map(|left| {
        let group = Subject { kind: Kind::Group, id: &left.group, version: left.version };
        builder.of_members(group, &MemberDelta { added: Vec::new(), removed: vec![change.resource.clone()] }, None)
    }));
    events
}

/// The news of the resource itself.
fn names(change: &Change, with_members: bool) -> Vec<EventType> {
    let members_alone = with_members && change.attributes.iter().all(|name| name == "members");
    match (change.kind, change.verb) {
        (Kind::User, ChangeType::Created) => vec![EventType::UserCreated],
        (Kind::User, ChangeType::Updated) => match change.active {
            None => vec![EventType::UserUpdated],
            Some(false) => vec![EventType::UserUpdated, EventType::UserDeactivated],
            Some(true) => vec![EventType::UserUpdated, EventType::UserReactivated],
        },
        (Kind::User, ChangeType::Deleted) => vec![EventType::UserDeleted],
        (Kind::Group, ChangeType::Created) => vec![EventType::GroupCreated],
        (Kind::Group, ChangeType::Updated) if members_alone => vec![],
        (Kind::Group, ChangeType::Updated) => vec![EventType::GroupUpdated],
        (Kind::Group, ChangeType::Deleted) => vec![EventType::GroupDeleted],
    }
}

/// The same members in as few portions as events can hold, in the same order.
fn chunks(parts: &[MemberDelta]) -> Vec<MemberDelta> {
    let added = parts.iter().flat_map(|part| part.added.iter().map(|id| (id, true)));
    let removed = parts.iter().flat_map(|part| part.removed.iter().map(|id| (id, false)));
    let all: Vec<(&ResourceId, bool)> = added.chain(removed).collect();
    let of = |ids: &[(&ResourceId, bool)], joined: bool| {
        ids.iter().filter(|(_, added)| *added == joined).map(|(id, _)| (*id).clone()).collect()
    };
    all.chunks(IDS_PER_EVENT).map(|ids| MemberDelta { added: of(ids, true), removed: of(ids, false) }).collect()
}

#[cfg(test)]
mod tests;
