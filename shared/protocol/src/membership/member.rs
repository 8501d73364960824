//! The members in a request, and the kind of resource that each is stated to be (RFC 7643 §4.2).

use schema::{Kind, Object, ResourceId};
use serde_json::Value;

use crate::Error;

/// A member as the client sends it. The service looks its type up instead of trusting the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub display: Option<String>,
    pub stated_type: StatedType,
}

/// The kind of resource that `type` and `$ref` of a sent member state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StatedType {
    /// Neither was sent.
    #[default]
    Nothing,
    /// The member is a resource of this kind.
    Kind(Kind),
    /// They contradict each other or the id, or name another kind.
    Impossible,
}

impl StatedType {
    /// RFC 7643 §4.2: `type` is "User" or "Group", and `$ref` the URI of the member, absolute or relative (§2.3.7).
    pub(super) fn of(id: &str, sent_type: Option<&str>, reference: Option<&str>) -> Self {
        let named = |name: &str| Kind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name));
        let at = |uri: &str| {
            let (rest, last) = uri.rsplit_once('/')?;
            let endpoint = rest.rsplit_once('/').map_or(rest, |(_, endpoint)| endpoint);
            (last == id).then(|| Kind::ALL.into_iter().find(|kind| kind.endpoint().trim_matches('/') == endpoint))?
        };
        match (sent_type.map(named), reference.map(at)) {
            (None, None) => StatedType::Nothing,
            (Some(Some(kind)), None) | (None, Some(Some(kind))) => StatedType::Kind(kind),
            (Some(Some(kind)), Some(Some(same))) if kind == same => StatedType::Kind(kind),
            _ => StatedType::Impossible,
        }
    }

    /// Whether a resource of this kind can be the member.
    pub fn allows(self, kind: Kind) -> bool {
        matches!(self, StatedType::Nothing) || self == StatedType::Kind(kind)
    }
}

/// Moves `members` out of a group that was read from `body`. `None` if the body does not have them, and for a user,
/// for whom they are an unknown attribute.
///
/// # Errors
/// [`Error::InvalidValue`] for a member without `value`.
pub fn take_members(kind: Kind, body: &Object, resource: &mut Object) -> Result<Option<Vec<Member>>, Error> {
    if kind == Kind::User {
        return Ok(None);
    }
    let core =
        body.iter().find(|(name, _)| name.eq_ignore_ascii_case(schema::GROUP)).and_then(|(_, core)| core.as_object());
    let mut sent = body.iter().chain(core.into_iter().flatten());
    let Some((_, sent)) = sent.find(|(name, _)| name.eq_ignore_ascii_case("members")) else { return Ok(None) };
    check_members(sent)?;
    members_of(resource.shift_remove("members")).map(Some)
}

/// Checks that every member has an id. The schema would ignore a member without one, and an id that does not exist may
/// be left out; then a list that replaces all members would lose them without an error. An address or a list in a
/// string is no id; and a text alone must have the form of the ids that this service assigns.
pub(crate) fn check_members(sent: &Value) -> Result<(), Error> {
    let elements = match sent {
        Value::Array(elements) => elements.as_slice(),
        Value::Null => &[],
        single => std::slice::from_ref(single),
    };
    match elements.iter().position(|element| !has_id(element)) {
        Some(at) => Err(Error::InvalidValue(format!(
            "members[{at}]: this is not a member. Send an object whose `value` is the id of a user or group, and an \
             empty array for no members."
        ))),
        None => Ok(()),
    }
}

fn has_id(element: &Value) -> bool {
    // Other services have ids of other forms, and Okta sends them after a change of the service.
    let may_be_id =
        |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    match element {
        Value::Object(member) => member
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("value") && value.as_str().is_some_and(may_be_id)),
        other => other.as_str().is_some_and(|id| ResourceId::parse(id).is_some()),
    }
}

/// Converts the value of `members` after the schema has validated it.
pub(crate) fn members_of(value: Option<Value>) -> Result<Vec<Member>, Error> {
    let Some(Value::Array(elements)) = value else { return Ok(Vec::new()) };
    let text = |element: &Value, name| element.get(name).and_then(Value::as_str).map(str::to_owned);
    let members = elements.iter().enumerate().map(|(at, element)| match text(element, "value") {
        Some(id) => {
            let [sent_type, reference] = ["type", "$ref"].map(|name| element.get(name).and_then(Value::as_str));
            let stated_type = StatedType::of(&id, sent_type, reference);
            Ok(Member { id, display: text(element, "display"), stated_type })
        }
        None => Err(Error::InvalidValue(format!("members[{at}].value: the id of the member is missing. Send it."))),
    });
    members.collect()
}
