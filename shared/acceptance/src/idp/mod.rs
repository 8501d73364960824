//! Checks of identity providers: each sends the requests, headers included, that its documentation, its logs or its
//! recordings show.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a check fails by panicking, and the runner catches it"
)]

pub(crate) mod authentik;
pub(crate) mod entra;
pub(crate) mod exchanges;
pub(crate) mod google;
pub(crate) mod jumpcloud;
pub mod okta;
pub(crate) mod onelogin;
pub(crate) mod pingone;
pub(crate) mod rauthy;
