//! Changes to the members of a group (RFC 7643 §4.2), which are kept apart from the group itself.

mod delta;
mod member;
mod operation;
#[cfg(test)]
mod tests;

pub use delta::{AddedMember, Delta, fold};
pub use member::{Member, StatedType, take_members};
pub(crate) use member::{check_members, members_of};
pub use operation::{MemberOperation, added_members_to_look_up, requires_current_members};
