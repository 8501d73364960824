//! Reference models of filters (RFC 7644 §3.4.2.2) and of PATCH (§3.5.2). They are written from the text of the RFCs
//! and share no code with the service, so that a test can compare the service with them.
//!
//! Where the RFCs leave a choice, the models take what the service documents for a strict token. Each such choice has
//! a comment that begins with "Choice".

mod attributes;
mod date_time;
mod elements;
mod expected_error;
mod filter;
pub mod generate;
mod location;
mod members;
mod merge;
mod operation;
mod patch;
mod path;
mod syntax;
#[cfg(test)]
mod tests;
mod values;

pub use attributes::{ENTERPRISE, GROUP, Kind, USER};
pub use expected_error::ExpectedError;
pub use filter::Filter;
pub use members::MemberDirectory;
pub use patch::patch;
