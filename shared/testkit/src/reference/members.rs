//! Operations on the members of groups (RFC 7643 §4.2; RFC 7644 §3.5.2).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The resources that can be members, and the group that is changed.
#[derive(Debug, Clone, Default)]
pub struct MemberDirectory {
    /// The `type` and the `$ref` of each resource by its id.
    pub resources: BTreeMap<String, (String, String)>,
    /// The id of the resource that is changed.
    pub id: String,
}

impl MemberDirectory {
    /// The member that a client sends, as it is returned: `value`, `display` as sent, and `type` and `$ref` of the
    /// resource.
    ///
    /// Choice: the `value` of a member must exist, and is not the group itself; `type` and `$ref` are the service's.
    /// One that does not exist has no `type` here.
    fn member(&self, sent: &Value) -> Value {
        let id = sent["value"].as_str().unwrap_or_default();
        let mut member = match self.resources.get(id).filter(|_| id != self.id) {
            Some((kind, reference)) => json!({ "value": id, "type": kind, "$ref": reference }),
            None => json!({ "value": id }),
        };
        if !sent["display"].is_null() {
            member["display"] = sent["display"].clone();
        }
        member
    }

    /// The members that a client sends.
    pub(super) fn members(&self, sent: &[Value]) -> Vec<Value> {
        sent.iter().map(|member| self.member(member)).collect()
    }
}

/// Whether a group has a member that does not exist, or that is the group itself.
pub(super) fn has_unknown(resource: &Map<String, Value>) -> bool {
    let members = resource.get("members").and_then(Value::as_array);
    members.into_iter().flatten().any(|member| member["type"].is_null())
}

/// Adds members. A resource is a member once: "If the user was already a member of this group, no changes should be
/// made" (§3.5.2.1).
///
/// Choice: an existing member gets the `display` that is sent, because identity providers rename members so.
pub(super) fn add(members: &mut Vec<Value>, added: Vec<Value>) {
    for member in added {
        match members.iter_mut().find(|present| present["value"] == member["value"]) {
            Some(present) if !member["display"].is_null() => present["display"] = member["display"].clone(),
            Some(_) => {}
            None => members.push(member),
        }
    }
}

/// Replaces all members (§3.5.2.3). Choice: a member that stays keeps its `display` unless another one is sent.
pub(super) fn replace(members: &mut Vec<Value>, all: Vec<Value>) {
    let before = std::mem::take(members);
    let stays = |member: &Value| before.iter().find(|old| old["value"] == member["value"]).cloned();
    let kept = all.iter().filter_map(stays).collect();
    add(members, kept);
    add(members, all);
}
