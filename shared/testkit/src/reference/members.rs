//! Operations on the members of groups (RFC 7643 §4.2; RFC 7644 §3.5.2).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Refusal;
use super::attributes::Attribute;
use super::values::invalid;

/// The resources that can be members, and the group that is changed.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// The `type` and the `$ref` of each resource by its id.
    pub resources: BTreeMap<String, (String, String)>,
    /// The id of the resource that is changed.
    pub id: String,
}

impl Directory {
    /// The member that a client sends, as it is returned: `value`, `display` as sent, and `type` and `$ref` of the
    /// resource.
    ///
    /// Choice: a member needs a `value` ("service providers MAY require clients to provide a non-empty value", RFC
    /// 7643 §4.2), which exists and is not the group itself; `type` and `$ref` are the service's.
    fn member(&self, attribute: &Attribute, sent: &Value) -> Result<Value, Refusal> {
        let id = sent["value"].as_str().unwrap_or_default();
        let found = self.resources.get(id).filter(|_| id != self.id);
        let (kind, reference) = found.ok_or_else(|| invalid(attribute))?;
        let mut member = json!({ "value": id, "type": kind, "$ref": reference });
        if !sent["display"].is_null() {
            member["display"] = sent["display"].clone();
        }
        Ok(member)
    }

    /// The members that a client sends.
    pub(super) fn members(&self, attribute: &Attribute, sent: &[Value]) -> Result<Vec<Value>, Refusal> {
        sent.iter().map(|member| self.member(attribute, member)).collect()
    }
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
