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
mod unsettled;

pub use bookmark::{Bookmark, BookmarkKey, Replacing};
pub use change::{change_of_image, first_change_id, made_at};
pub use commit::{
    ChangeRecord, Commit, Committed, Departure, ITEMS_PER_COMMIT, Keys, LOOKUPS_PER_RESOURCE,
    MEMBER_CHANGES_PER_COMMIT, NAME_BYTES, Prepared, RESOURCE_BYTES, Rest, Snapshot, Write,
};
pub use connect::{Connection, Credentials, Directory, Warm};
pub use error::Error;
pub use guard::{Guard, Use};
pub use item::{Roster, Stored};
pub use key::Index;
pub use members::Member;
pub use page::{Fields, Page, Skipped};
pub use settle::Settled;
pub use table::{KEYS, TableKeys};
pub use token::Token;
pub use unsettled::Unsettled;
