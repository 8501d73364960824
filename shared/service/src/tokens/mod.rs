//! Bearer tokens (RFC 6750): operators issue, list, rotate and revoke them, and the authorizer checks them.
//!
//! A token is shown once, when it is issued. Afterwards only its hash is stored.

mod authorize;
mod expiring;
mod issue;
mod list;
mod metadata;
mod revoke;

pub use authorize::authorize;
pub use expiring::{ExpiringToken, HORIZONS, expiring};
pub use issue::{IssueRequest, IssuedToken, RotateRequest, issue, rotate};
pub use list::{ListRequest, TokenList, list};
pub use metadata::{TokenMetadata, TokenState};
pub use revoke::{RevokeRequest, revoke};
