//! The SCIM protocol (RFC 7644, RFC 9865, RFC 9967) as pure functions, without I/O, clock or randomness.

pub mod bulk;
mod caller;
mod compare;
mod cursor;
pub mod discovery;
mod error;
pub mod event;
mod exchange;
mod filter;
mod immutable;
pub mod limits;
pub mod membership;
mod message;
mod patch;
mod path;
mod precondition;
mod projection;
mod query;
mod routes;
mod search;
mod sort;
pub mod token;

pub use caller::{Caller, Scopes, Tenant};
pub use compare::{comparison_key, name_key, stable_prefix};
pub use cursor::CursorKey;
pub use error::Error;
pub use exchange::{Exchange, Reply};
pub use filter::{Comparison, Filter, Operand, Operator};
pub use immutable::{UpdateMethod, keep_immutable};
pub use patch::Patch;
pub use path::{AttributePath, Target};
pub use precondition::{Precondition, entity_tag};
pub use projection::Projection;
pub use query::{KindQuery, LIST_PARAMETERS, Paging, Parameters, Query, cursor_response, list_response};
pub use routes::{ROUTES, Route, allowed};
pub use sort::{Order, Position, SortKey};
