//! The edges of a resource, which are the groups of a user or the members of a group (RFC 7643 §4.1.2, §4.2): the
//! attribute that shows them, and their number.

use protocol::Error;
use protocol::limits::{GROUPS_IN_RESPONSE, MEMBERS_IN_RESPONSE};
use schema::Kind;
use store::StoredResource;

/// The attribute that shows the edges. An operation reads it only if the response, or a filter, needs it.
pub(crate) fn edges_attribute(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "groups",
        Kind::Group => "members",
    }
}

/// The number of members of a group. For a user, the number of members that are as large as the groups of the user.
pub(crate) fn edge_count(stored: &StoredResource) -> u64 {
    match stored.kind {
        Kind::User => stored.group_count.saturating_mul(MEMBERS_IN_RESPONSE).div_ceil(GROUPS_IN_RESPONSE),
        Kind::Group => stored.member_summary.count,
    }
}

/// Rejects a read of more edges than a response may contain, before they are read. A change that is committed is never
/// rejected because of its response.
///
/// # Errors
/// [`Error::PayloadTooLarge`].
pub(crate) fn check_response_size<'a>(resources: impl IntoIterator<Item = &'a StoredResource>) -> Result<(), Error> {
    let edges: u64 = resources.into_iter().map(edge_count).sum();
    if edges > MEMBERS_IN_RESPONSE { Err(Error::too_many_members()) } else { Ok(()) }
}
