//! The directory in DynamoDB: keys, items, conditions and pages; the only crate that knows the AWS SDK.
//!
//! Every read is strongly consistent. Every write takes the version that was read, or an absence. The one write of
//! resources, [`Directory::commit`], is one transaction and carries its change record.

mod action;
mod batch;
mod bookmark;
mod change;
mod commit;
mod connect;
mod departure;
mod error;
mod guard;
#[cfg(feature = "benchmarks")]
mod in_process;
mod item;
mod key;
#[cfg(feature = "benchmarks")]
pub mod load;
mod members;
mod membership;
mod meter;
mod page;
mod part;
mod pending;
mod plan;
mod read;
mod record;
mod retry;
mod secret;
mod settle;
mod since;
mod table;
mod token;
mod unanswered;

pub use bookmark::{Bookmark, BookmarkKey, Expected};
pub use change::{change_of_image, created_at_ms, first_change_id};
pub use commit::{
    ChangeRecord, Commit, CommitState, GroupExit, ITEMS_PER_COMMIT, Keys, LOOKUPS_PER_RESOURCE,
    MEMBER_CHANGES_PER_COMMIT, NAME_BYTES, Prepared, RESOURCE_BYTES, RemainingEdges, Snapshot, Write,
};
pub use connect::{Connection, Credentials, Directory, Prewarm};
pub use error::Error;
pub use guard::{AccessCheck, IamAccess};
pub use item::{MemberSummary, Stored};
pub use key::Index;
pub use members::Member;
pub use page::{Fields, Page, Skip};
pub use pending::PendingChanges;
pub use settle::SettleState;
pub use table::{KEYS, TableKeys};
pub use token::Token;
