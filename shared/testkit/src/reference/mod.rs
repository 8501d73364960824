//! Reference models of filters (RFC 7644 §3.4.2.2) and of PATCH (§3.5.2). They are written from the text of the RFCs
//! and share no code with the service, so that a test can compare the service with them.
//!
//! Where the RFCs leave a choice, the models take what the service documents for a strict token. Each such choice has
//! a comment that begins with "Choice".

mod attributes;
mod date_time;
mod elements;
mod filter;
pub mod generate;
mod members;
mod patch;
mod path;
mod syntax;
#[cfg(test)]
mod tests;
mod values;

pub use attributes::{ENTERPRISE, GROUP, Kind, USER};
pub use filter::Filter;
pub use members::Directory;
pub use patch::patch;

/// A request that the service has to refuse with 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Any of these values of `scimType` is right (RFC 7644 §3.12, Table 9).
    pub scim_types: Vec<&'static str>,
    /// Why, for the message of a failed test.
    pub reason: String,
}

impl Refusal {
    /// A refusal whose `scimType` is one of those that `|` separates.
    pub(crate) fn new(scim_types: &'static str, reason: impl Into<String>) -> Self {
        Self { scim_types: scim_types.split('|').collect(), reason: reason.into() }
    }

    /// Both refusals are right, because the request has two faults and the RFC does not say which one to report.
    pub(crate) fn or(mut self, other: Self) -> Self {
        self.scim_types.extend(other.scim_types);
        self.scim_types.sort_unstable();
        self.scim_types.dedup();
        self.reason = format!("{}; {}", self.reason, other.reason);
        self
    }
}
