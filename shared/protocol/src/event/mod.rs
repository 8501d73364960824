//! The events of a change for applications: Security Event Tokens (RFC 8417 §2) with SCIM events (RFC 9967 §2).
//! They are unsigned, because they only go to an event bus of the same AWS account.
//!
//! Rebuilding the events of a change yields the same `jti` and `iat`, so consumers can deduplicate redeliveries.
//! Only the resource that an event may contain differs: it is the resource at the time of publishing.

mod change;
mod claims;
mod security_event;
#[cfg(test)]
mod tests;

use schema::{Kind, ResourceId};

use crate::limits::MEMBER_IDS_PER_EVENT;
use claims::{EventBuilder, EventSubject};

pub use change::{Change, ChangeType, GroupExit, MemberDelta};
pub use security_event::{CurrentResource, Event, EventType};

/// Builds the events of a change in the order in which they must be published. `parts` are the changes of members
/// of a chunked change; `issuer` is the base URL of the service.
///
/// - Every new version of a user has `user.created` or `user.updated`, followed by `user.deactivated` or
///   `user.reactivated` if `active` changed.
/// - Every new version of a group has `group.created` or `group.updated`, followed by `group.members.changed` if
///   members changed. If only members changed, it has `group.members.changed` alone.
/// - A deleted resource has `user.deleted` or `group.deleted`. It leaves its groups: each of them has a
///   `group.members.changed`.
pub fn events(change: &Change, parts: &[MemberDelta], issuer: &str, current: Option<&CurrentResource>) -> Vec<Event> {
    let builder = EventBuilder { change, issuer, current };
    let about = EventSubject { kind: change.kind, id: &change.resource, version: change.after };
    let whole = std::slice::from_ref(&change.members);
    let chunks = chunk_members(if change.is_chunked { parts } else { whole });
    let mut events: Vec<Event> = event_types(change, !chunks.is_empty())
        .into_iter()
        .map(|event_type| builder.resource_event(event_type, about))
        .collect();
    let count = chunks.len();
    events.extend(
        chunks
            .iter()
            .zip(1..)
            .map(|(chunk, number)| builder.membership_event(about, chunk, (count > 1).then_some((number, count)))),
    );
    events.extend(change.group_exits.iter().map(|exit| {
        let group = EventSubject { kind: Kind::Group, id: &exit.group, version: exit.version };
        builder.membership_event(
            group,
            &MemberDelta { added: Vec::new(), removed: vec![change.resource.clone()] },
            None,
        )
    }));
    events
}

/// The types of the events about the resource itself.
fn event_types(change: &Change, with_members: bool) -> Vec<EventType> {
    let only_members = with_members && change.attributes.iter().all(|name| name == "members");
    match (change.kind, change.change_type) {
        (Kind::User, ChangeType::Created) => vec![EventType::UserCreated],
        (Kind::User, ChangeType::Updated) => match change.active {
            None => vec![EventType::UserUpdated],
            Some(false) => vec![EventType::UserUpdated, EventType::UserDeactivated],
            Some(true) => vec![EventType::UserUpdated, EventType::UserReactivated],
        },
        (Kind::User, ChangeType::Deleted) => vec![EventType::UserDeleted],
        (Kind::Group, ChangeType::Created) => vec![EventType::GroupCreated],
        (Kind::Group, ChangeType::Updated) if only_members => vec![],
        (Kind::Group, ChangeType::Updated) => vec![EventType::GroupUpdated],
        (Kind::Group, ChangeType::Deleted) => vec![EventType::GroupDeleted],
    }
}

/// Splits changes of members into as few chunks as events can hold, in the same order.
fn chunk_members(parts: &[MemberDelta]) -> Vec<MemberDelta> {
    let added = parts.iter().flat_map(|part| part.added.iter().map(|id| (id, true)));
    let removed = parts.iter().flat_map(|part| part.removed.iter().map(|id| (id, false)));
    let all: Vec<(&ResourceId, bool)> = added.chain(removed).collect();
    let select = |ids: &[(&ResourceId, bool)], is_added: bool| {
        ids.iter().filter(|(_, added)| *added == is_added).map(|(id, _)| (*id).clone()).collect()
    };
    all.chunks(MEMBER_IDS_PER_EVENT)
        .map(|ids| MemberDelta { added: select(ids, true), removed: select(ids, false) })
        .collect()
}
