//! Membership: which resources are members of which groups, changed atomically however many members a change has.
//!
//! Each membership is two items, called edges: one from the group to the member and one back. A small change of
//! members writes its edges in the transaction that commits it. A large one does not fit, so it goes through these
//! states:
//!
//! 1. *Prepared*: its members are written in chunks (`chunk`), which readers ignore.
//! 2. *Pending*: the commit gives the group the change's id as `pending` and puts a pending item. From here on readers
//!    (`read`, `groups`, `pending_moves`) combine the edges with the chunks that are not applied, so that the change is
//!    seen as a whole.
//! 3. *Applied*: one transaction for each chunk writes its edges and marks the chunk as applied (`apply`).
//! 4. *Complete*: the last transaction removes `pending` and the pending item.
//!
//! A delete of a resource with many edges is pending in the same way until its edges are deleted (`delete`). Any
//! caller may complete a pending change, several may do it at once, and each may stop anywhere.

mod apply;
mod catch_up;
pub(crate) mod chunk;
mod delete;
pub(crate) mod edge_changes;
mod edge_state;
pub(crate) mod group_version;
mod groups;
pub(crate) mod member;
mod pending_moves;
mod read;
pub(crate) mod split;
pub(crate) mod state;
