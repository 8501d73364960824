//! Queries the change records. `{"tenant": "acme", "resource": "…", "from": "…", "to": "…"}` returns the changes of
//! a user or a group; `{"tenant": "acme", "membersOf": "…", "at": "…"}` returns the members that a group had.

use protocol::Error;
use service::audit::{AuditPage, AuditQuery, query};
use store::Directory;

pub async fn handle(directory: &Directory, event: AuditQuery) -> Result<AuditPage, Error> {
    query(directory, event).await
}
