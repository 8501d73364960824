//! Black-box checks of a SCIM 2.0 server. They see only what clients and identity providers see over HTTP (RFC
//! 7643, RFC 7644, RFC 9865).
//!
//! A [`Target`] is the server: its base URL, its tokens, and the assumptions about its directory. A [`Check`] is
//! one function over a target, which fails by panicking. [`run`] runs checks in parallel and returns a [`Report`],
//! which prints as text and converts to JSON. The report lists a check that the target cannot serve as skipped,
//! with the reason (see [`Needs`]).
//!
//! ```no_run
//! let target = acceptance::Target::new("http://127.0.0.1:8080/scim/v2", "scim_0123456789a_…");
//! let selection = acceptance::Selection { only: vec!["protocol::users".to_owned()], ..Default::default() };
//! let report = acceptance::run(&target, &selection);
//! assert_eq!(report.failed(), 0, "{report}");
//! ```
//!
//! The program does the same from a shell:
//!
//! ```text
//! cargo run -p acceptance -- --base-url URL --token TOKEN --only okta
//! ```

#[macro_use]
mod check;

pub mod answer;
pub mod client;
pub mod connection;
mod created;
pub mod idp;
mod panics;
pub mod parallel;
pub mod protocol;
pub mod raw;
pub mod record;
mod report;
pub mod request;
pub mod retry;
mod runner;
pub mod security;
mod target;
mod tenancy;

pub use check::{Check, Needs};
pub use report::{CheckOutcome, CheckResult, Report};
pub use runner::{Selection, run};
pub use target::{Target, unique};

/// The checks of each module, in the order of the report.
const MODULES: &[&[Check]] = &[
    protocol::discovery::CHECKS,
    protocol::users::CHECKS,
    protocol::groups::members::CHECKS,
    protocol::groups::large::CHECKS,
    protocol::uniqueness::CHECKS,
    protocol::conformance::CHECKS,
    protocol::bodies::CHECKS,
    protocol::routes::CHECKS,
    protocol::http::CHECKS,
    protocol::etags::CHECKS,
    protocol::projection::CHECKS,
    protocol::patch::changes::CHECKS,
    protocol::patch::errors::CHECKS,
    protocol::filters::results::CHECKS,
    protocol::filters::errors::CHECKS,
    protocol::filters::access_paths::CHECKS,
    protocol::search::CHECKS,
    protocol::paging::index::CHECKS,
    protocol::paging::cursors::CHECKS,
    protocol::paging::interleavings::CHECKS,
    protocol::bulk::operations::CHECKS,
    protocol::bulk::order::CHECKS,
    protocol::bulk::limits::CHECKS,
    protocol::concurrency::CHECKS,
    protocol::leniencies::patches::CHECKS,
    protocol::leniencies::queries::CHECKS,
    protocol::leniencies::combinations::CHECKS,
    protocol::leniencies::names::CHECKS,
    protocol::leniencies::readings::CHECKS,
    protocol::leniencies::resources::CHECKS,
    protocol::extensions::CHECKS,
    idp::okta::connection::CHECKS,
    idp::okta::catalog_app::CHECKS,
    idp::okta::custom_app::CHECKS,
    idp::okta::import::CHECKS,
    idp::okta::recordings::CHECKS,
    idp::entra::flagged::CHECKS,
    idp::entra::legacy::CHECKS,
    idp::entra::validator::CHECKS,
    idp::exchanges::CHECKS,
    idp::onelogin::CHECKS,
    idp::pingone::CHECKS,
    idp::google::CHECKS,
    idp::jumpcloud::CHECKS,
    idp::authentik::CHECKS,
    idp::rauthy::CHECKS,
    security::tokens::CHECKS,
    security::canaries::CHECKS,
    security::hostile::filters::CHECKS,
    security::hostile::headers::CHECKS,
    security::hostile::lines::CHECKS,
    security::hostile::ids::CHECKS,
    security::hostile::texts::CHECKS,
    tenancy::CHECKS,
    // This module is last, because its iterations leave bookmarks in the table, which pages of other checks with
    // the same token would follow.
    protocol::paging::concurrent_changes::CHECKS,
];

/// Every check, in the order of the report.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    MODULES.iter().copied().flatten()
}
