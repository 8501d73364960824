//! The SCIM protocol (RFC 7644) as pure functions: no I/O, no clock, no randomness.

mod caller;
mod compare;
pub mod discovery;
mod error;
mod filter;
mod immutable;
pub mod membership;
pub mod openapi;
mod patch;
mod path;
mod precondition;
mod projection;
mod query;
mod routes;
pub mod token;

pub use caller::{Caller, Scopes, Tenant};
pub use compare::{name_key, prepare};
pub use error::Error;
pub use filter::{Comparison, Filter, Operand, Operator};
pub use immutable::{Change, keep_immutable};
pub use patch::{Patch, Patched};
pub use path::{AttributePath, Target};
pub use precondition::{Precondition, entity_tag};
pub use projection::Projection;
pub use query::{Query, list_response};
pub use routes::{ROUTES, Route, allowed};
