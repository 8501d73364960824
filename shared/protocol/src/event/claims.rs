//! The claims of an event (RFC 8417 §2.2, RFC 9967 §2.1 to §2.4).

use schema::{Kind, Object, ResourceId};
use serde_json::{Value, json};

use super::{Change, CurrentResource, Event, EventType, MemberDelta};
use crate::entity_tag;
use crate::limits::EVENT_BYTES;

const PROVISIONING: &str = "urn:ietf:params:scim:event:prov";

/// The resource that an event is about, and its version after the change.
#[derive(Clone, Copy)]
pub(super) struct EventSubject<'a> {
    pub(super) kind: Kind,
    pub(super) id: &'a ResourceId,
    pub(super) version: Option<u64>,
}

/// Builds the events of one change.
pub(super) struct EventBuilder<'a> {
    pub(super) change: &'a Change,
    pub(super) issuer: &'a str,
    pub(super) current: Option<&'a CurrentResource>,
}

impl EventBuilder<'_> {
    /// An event about the resource itself: with the resource if it is available and fits, otherwise a notice of the
    /// changed attributes.
    pub(super) fn resource_event(&self, event_type: EventType, about: EventSubject<'_>) -> Event {
        let full = self
            .embeddable_resource(about)
            .map(|resource| self.event(event_type, about, None, payload(event_type, about, Ok(resource))));
        let size = |event: &Event| serde_json::to_string(&event.claims).map_or(usize::MAX, |json| json.len());
        full.filter(|event| size(event) <= EVENT_BYTES).unwrap_or_else(|| {
            self.event(event_type, about, None, payload(event_type, about, Err(&self.change.attributes)))
        })
    }

    /// An event about a group's members. `numbers` are the number of this event and of all events, if there are
    /// several.
    pub(super) fn membership_event(
        &self,
        about: EventSubject<'_>,
        members: &MemberDelta,
        numbers: Option<(usize, usize)>,
    ) -> Event {
        let event_type = EventType::GroupMembersChanged;
        let distinction = match numbers {
            Some((number, _)) => Some(number.to_string()),
            None if *about.id != self.change.resource => Some(about.id.to_string()),
            None => None,
        };
        let payload = payload(event_type, about, Err(&["members".to_owned()]));
        let mut event = self.event(event_type, about, distinction, payload);
        let ids = |ids: &[ResourceId]| Value::from(ids.iter().map(ResourceId::as_str).collect::<Vec<_>>());
        event.claims.insert("added".to_owned(), ids(&members.added));
        event.claims.insert("removed".to_owned(), ids(&members.removed));
        if let Some((number, count)) = numbers {
            event.claims.insert("part".to_owned(), number.into());
            event.claims.insert("parts".to_owned(), count.into());
        }
        event
    }

    /// The current resource, if the event may contain it.
    ///
    /// A user must still have the event's version, because the change to a newer version has its own event. A group
    /// also gets new versions by changes of members, whose events do not contain the group, so a newer version is
    /// accepted; `meta.version` states which version it is.
    fn embeddable_resource(&self, about: EventSubject<'_>) -> Option<&Object> {
        let current = self.current?;
        let fits = match about.kind {
            Kind::User => about.version == Some(current.version),
            Kind::Group => about.version.is_some_and(|version| version <= current.version),
        };
        fits.then_some(&current.resource)
    }

    fn event(
        &self,
        event_type: EventType,
        about: EventSubject<'_>,
        distinction: Option<String>,
        payload: (String, Value),
    ) -> Event {
        let change = self.change;
        // `jti` is the same for each delivery (RFC 7519 §4.1.7), and different for each event of the change.
        let words = [Some(change.id.to_string()), Some(event_type.as_str().to_owned()), distinction];
        let uri = about.kind.location("", about.id);
        let claims = json!({
            "jti": words.into_iter().flatten().collect::<Vec<_>>().join("."),
            // RFC 9967 §2.2: all events of a transaction have the same `txn`, in each delivery.
            "txn": change.id.as_str(),
            // The time of the change, whose transaction recorded the event.
            "iat": change.at.as_second(),
            "iss": self.issuer,
            "sub_id": self.subject(about, &uri),
            "events": Object::from_iter([payload]),
            "tenant": change.tenant.as_str(),
        });
        let mut claims = if let Value::Object(claims) = claims { claims } else { Object::new() };
        if let (EventType::UserDeleted | EventType::GroupDeleted, Some(before)) = (event_type, change.before) {
            // The payload of a deletion has no version (RFC 9967 §2.4.4). A consumer recognizes by this claim
            // that an event that arrives later is older.
            claims.insert("version".to_owned(), entity_tag(before + 1).into());
        }
        Event { event_type, uri, version: about.version, at: change.at, claims }
    }

    /// RFC 9967 §2.1: `sub_id`, never `sub`, of the format `scim`, with the path below the base URL, and
    /// `externalId` if it is known.
    fn subject(&self, about: EventSubject<'_>, uri: &str) -> Object {
        let mut subject = Object::from_iter([
            ("format".to_owned(), "scim".into()),
            ("uri".to_owned(), uri.into()),
            ("id".to_owned(), about.id.as_str().into()),
        ]);
        let known = self.embeddable_resource(about).filter(|_| *about.id == self.change.resource);
        let external_id = known.and_then(|resource| resource.get("externalId"));
        subject.extend(external_id.map(|id| ("externalId".to_owned(), id.clone())));
        subject
    }
}

/// The URI of a SCIM event and its payload. RFC 9967 §2.4: an event with `data` is `full`, one with `attributes` is
/// a `notice`. The events of a deletion, deactivation and reactivation have neither.
fn payload(event_type: EventType, about: EventSubject<'_>, content: Result<&Object, &[String]>) -> (String, Value) {
    let event = match event_type {
        EventType::UserCreated | EventType::GroupCreated => "create",
        // §2.4.3: "the specified resource has been updated", whether by PUT or by PATCH. For a PATCH, §2.4.2
        // requires the operations in `full`; this event has the whole resource, as for a PUT.
        EventType::UserUpdated | EventType::GroupUpdated => "put",
        // §2.4.2: members are added and removed, as by a PATCH.
        EventType::GroupMembersChanged => "patch",
        // §2.4.4: no payload at all.
        EventType::UserDeleted | EventType::GroupDeleted => return (format!("{PROVISIONING}:delete"), json!({})),
        // §2.4.5, §2.4.6: only what all payloads have.
        EventType::UserDeactivated => return (format!("{PROVISIONING}:deactivate"), versioned(about).into()),
        EventType::UserReactivated => return (format!("{PROVISIONING}:activate"), versioned(about).into()),
    };
    let mut payload = versioned(about);
    let (form, attribute, content) = match content {
        Ok(resource) => ("full", "data", Value::Object(resource.clone())),
        Err(attributes) => ("notice", "attributes", attributes.into()),
    };
    payload.insert(attribute.to_owned(), content);
    (format!("{PROVISIONING}:{event}:{form}"), payload.into())
}

/// RFC 9967 §2.2: `version` is the entity tag of the resource as a result of the event.
fn versioned(about: EventSubject<'_>) -> Object {
    about.version.map(|version| ("version".to_owned(), entity_tag(version).into())).into_iter().collect()
}
