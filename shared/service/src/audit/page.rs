//! The result of an audit query.

use serde::Serialize;

use super::record::AuditRecord;

/// One page of the result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    #[serde(flatten)]
    pub result: AuditResult,
    /// The start of the retained history; earlier records have expired. Absent if there is no record at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trail_begins: Option<String>,
    /// The next page, which may be empty, is the result of the same query with this token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum AuditResult {
    /// Changes, the earliest first.
    Changes {
        changes: Vec<AuditRecord>,
        /// The ids of records between them that cannot be read: a newer release has written them, or they are damaged.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unreadable: Vec<String>,
    },
    /// The ids of the members, in the order of the ids.
    Members {
        at: String,
        members: Vec<String>,
        /// Whether the list is certain to be complete. It is not if a record that it needs has expired, or was written
        /// when records did not name the time of the previous version.
        complete: bool,
    },
}
