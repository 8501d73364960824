//! The operations on the members of a group (RFC 7644 §3.5.2).

use super::member::Member;
use crate::{Error, Filter};

/// One change to the members of a group.
#[derive(Debug, Clone)]
pub enum MemberOperation {
    Add(Vec<Member>),
    /// Removes members by their ids.
    Remove(Vec<String>),
    /// Removes the members that a filter matches; evaluating it requires the current members.
    RemoveWhere(Filter),
    /// Gives the members that a filter matches this `display`, or none; evaluating it requires the current members.
    ChangeDisplay {
        /// The path as it was sent.
        path: String,
        /// `None` for all members, of whom only one may get a `display`.
        filter: Option<Filter>,
        /// Whether it is an error if no member matches.
        needs_target: bool,
        /// The error if several members match, in a dialect that does not allow it.
        if_several: Option<Error>,
        display: Option<String>,
    },
    /// Replaces all members.
    Replace(Vec<Member>),
}

impl MemberOperation {
    /// The filter that is evaluated on the current members.
    pub(super) fn filter(&self) -> Option<&Filter> {
        match self {
            Self::RemoveWhere(filter) | Self::ChangeDisplay { filter: Some(filter), .. } => Some(filter),
            _ => None,
        }
    }
}

/// Whether folding the operations requires the current members.
pub fn requires_current_members(operations: &[MemberOperation]) -> bool {
    operations
        .iter()
        .any(|operation| matches!(operation, MemberOperation::RemoveWhere(_) | MemberOperation::ChangeDisplay { .. }))
}

/// The ids of the members that operations add, if a filter among the operations reads an attribute of members that
/// the group does not store: `type` and `$ref`. Otherwise the operations do not need to know these members.
pub fn added_members_to_look_up(operations: &[MemberOperation]) -> Vec<&str> {
    let mut filters = operations.iter().filter_map(MemberOperation::filter);
    if !filters.any(|filter| filter.reads("type") || filter.reads("$ref")) {
        return Vec::new();
    }
    let added = operations.iter().flat_map(|operation| match operation {
        MemberOperation::Add(members) | MemberOperation::Replace(members) => members.as_slice(),
        MemberOperation::Remove(_) | MemberOperation::RemoveWhere(_) | MemberOperation::ChangeDisplay { .. } => &[],
    });
    added.map(|member| member.id.as_str()).collect()
}
