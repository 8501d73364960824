//! What an application hears of a change: Security Event Tokens (RFC 8417 §2) with SCIM events (RFC 9967 §2), unsigned,
//! as they go no further than a bus of the same account.
//!
//! A change says the same whenever it is told, `jti` and `iat` included, so that a consumer knows what it has heard
//! already; the one exception is the resource that may go with it, which is the resource as it is then.

mod change;
mod token;

pub use change::{Change, Left, Part, Verb};

use jiff::Timestamp;
use schema::{Kind, Object, ResourceId};

use token::{Subject, Teller};

/// So many ids of members are told in one event; of more there are several. It is then some 40 KB.
pub const IDS_PER_EVENT: usize = 1000;
/// No event is larger as JSON, in bytes: EventBridge takes 256 KB with what it stands in.
pub const EVENT_BYTES: usize = 250_000;

/// What kind of news an event is, by the product's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
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

impl Name {
    pub fn as_str(self) -> &'static str {
        match self {
            Name::UserCreated => "user.created",
            Name::UserUpdated => "user.updated",
            Name::UserDeactivated => "user.deactivated",
            Name::UserReactivated => "user.reactivated",
            Name::UserDeleted => "user.deleted",
            Name::GroupCreated => "group.created",
            Name::GroupUpdated => "group.updated",
            Name::GroupDeleted => "group.deleted",
            Name::GroupMembersChanged => "group.members.changed",
        }
    }
}

/// One event, ready to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub name: Name,
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
pub fn events(change: &Change, parts: &[Part], issuer: &str, current: Option<&Current>) -> Vec<Event> {
    let teller = Teller { change, issuer, current };
    let about = Subject { kind: change.kind, id: &change.resource, version: change.after };
    let whole = std::slice::from_ref(&change.members);
    let portions = portions(if change.in_parts { parts } else { whole });
    let mut events: Vec<Event> =
        names(change, !portions.is_empty()).into_iter().map(|name| teller.of_resource(name, about)).collect();
    let count = portions.len();
    events.extend(
        portions
            .iter()
            .zip(1..)
            .map(|(portion, number)| teller.of_members(about, portion, (count > 1).then_some((number, count)))),
    );
    events.extend(change.left.iter().map(|left| {
        let group = Subject { kind: Kind::Group, id: &left.group, version: left.version };
        teller.of_members(group, &Part { added: Vec::new(), removed: vec![change.resource.clone()] }, None)
    }));
    events
}

/// The news of the resource itself.
fn names(change: &Change, with_members: bool) -> Vec<Name> {
    let members_alone = with_members && change.attributes.iter().all(|name| name == "members");
    match (change.kind, change.verb) {
        (Kind::User, Verb::Created) => vec![Name::UserCreated],
        (Kind::User, Verb::Updated) => match change.active {
            None => vec![Name::UserUpdated],
            Some(false) => vec![Name::UserUpdated, Name::UserDeactivated],
            Some(true) => vec![Name::UserUpdated, Name::UserReactivated],
        },
        (Kind::User, Verb::Deleted) => vec![Name::UserDeleted],
        (Kind::Group, Verb::Created) => vec![Name::GroupCreated],
        (Kind::Group, Verb::Updated) if members_alone => vec![],
        (Kind::Group, Verb::Updated) => vec![Name::GroupUpdated],
        (Kind::Group, Verb::Deleted) => vec![Name::GroupDeleted],
    }
}

/// The same members in as few portions as events can hold, in the same order.
fn portions(parts: &[Part]) -> Vec<Part> {
    let added = parts.iter().flat_map(|part| part.added.iter().map(|id| (id, true)));
    let removed = parts.iter().flat_map(|part| part.removed.iter().map(|id| (id, false)));
    let all: Vec<(&ResourceId, bool)> = added.chain(removed).collect();
    let of = |ids: &[(&ResourceId, bool)], joined: bool| {
        ids.iter().filter(|(_, added)| *added == joined).map(|(id, _)| (*id).clone()).collect()
    };
    all.chunks(IDS_PER_EVENT).map(|ids| Part { added: of(ids, true), removed: of(ids, false) }).collect()
}

#[cfg(test)]
mod tests;
