//! Answers from the change records: `{"tenant": "acme", "resource": "…", "from": "…", "to": "…"}`, what happened to a user or a
//! group; `{"tenant": "acme", "membersOf": "…", "at": "…"}`, who was in a group.

use protocol::Error;
use service::audit::{AuditPage, AuditQuery, query};
use store::Directory;

pub async fn handle(directory: &Directory, event: AuditQuery) -> Result<AuditPage, Error> {
    query(directory, event).await
}
