//! The directory in DynamoDB: keys, items, conditions and pages; the only crate that uses the DynamoDB SDK.
//!
//! Reads are strongly consistent, except the first look-up of new members ([`Directory::known`]), which is repeated
//! for ids that it misses. Every write of a resource has the condition that the item still has the version that was
//! read, or does not exist. All changes of resources go through [`Directory::commit`], which writes a change and
//! its change record in one transaction.

mod attributes;
mod backoff;
mod capacity;
mod change_record;
mod changes;
mod check;
pub mod client;
mod clock;
mod commit;
mod directory;
mod error;
mod expression;
mod format;
mod home_region;
mod item;
mod item_size;
mod key;
mod membership;
mod paging;
mod read;
mod record_id;
mod retry;
mod stored_keys;
mod table;
mod testing;
mod tokens;
mod transaction;
mod unfinished;

pub use backoff::Backoff;
pub use changes::{
    ChangePage, change_of_image, created_at_ms, first_change_id, is_of_first_release, record_created_at_ms,
};
pub use check::{CheckPage, CheckPosition, ExpectedKeys, Finding, KeysOf, Problem, RepairOutcome, TableCheck};
pub use clock::{now_ms, now_rfc3339};
pub use commit::limits::{ITEMS_PER_COMMIT, LOOKUPS_PER_RESOURCE, MEMBER_CHANGES_PER_COMMIT, RESOURCE_BYTES};
pub use commit::request::{ChangeRecord, Commit, CommitState, KeyedResource, Keys, RemainingEdges, ResourceWrite};
pub use commit::send::PreparedCommit;
pub use directory::{Connection, Credentials, Directory, Prewarm};
pub use error::Error;
pub use item::{MemberSummary, StoredResource, UnparsedResource};
pub use key::{Index, NAME_BYTES};
pub use membership::group_version::GroupVersion;
pub use membership::member::Member;
pub use membership::state::{PendingChanges, SettleState};
pub use paging::bookmark::{Bookmark, BookmarkCondition, BookmarkKey};
pub use paging::milestone::Skip;
pub use paging::page::ResourcePage;
pub use stored_keys::StoredKeys;
pub use table::{KEYS, TableKeys};
pub use testing::access_check::{AccessCheck, IamAccess};
#[cfg(feature = "benchmarks")]
pub use testing::load;
pub use tokens::Token;
pub use unfinished::UnfinishedChange;
