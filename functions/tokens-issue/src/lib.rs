//! Issues a token: `{"tenant": "acme", "label": "Okta", "expiresInDays": 365, "scopes": "read write"}`. The token
//! is returned only once.

use protocol::Error;
use service::tokens::{IssueRequest, IssuedToken, issue};
use store::Directory;

pub async fn handle(directory: &Directory, event: IssueRequest) -> Result<IssuedToken, Error> {
    issue(directory, event).await
}
