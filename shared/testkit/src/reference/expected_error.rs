//! The errors that the models expect (RFC 7644 §3.12).

/// A request that the service has to refuse with 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedError {
    /// Any of these values of `scimType` is right (RFC 7644 §3.12, Table 9).
    pub scim_types: Vec<&'static str>,
    /// Why, for the message of a failed test.
    pub reason: String,
}

impl ExpectedError {
    /// An error whose `scimType` is one of those that `|` separates.
    pub(crate) fn new(scim_types: &'static str, reason: impl Into<String>) -> Self {
        Self { scim_types: scim_types.split('|').collect(), reason: reason.into() }
    }

    /// Both errors are right, because the request has two faults and the RFC does not say which one to report.
    pub(crate) fn or(mut self, other: Self) -> Self {
        self.scim_types.extend(other.scim_types);
        self.scim_types.sort_unstable();
        self.scim_types.dedup();
        self.reason = format!("{}; {}", self.reason, other.reason);
        self
    }
}
