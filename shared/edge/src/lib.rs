//! HTTP, Lambda events, logs and metrics: reads a request, calls a handler, and sends its reply as RFC 7644
//! requires.
//!
//! The `main` of a function calls [`run`] if it has a route and [`run_event`] otherwise. A function with a route
//! always responds with a SCIM message, also after a panic.

mod event;
mod extract;
mod handler;
mod json;
pub mod log;
pub mod metrics;
mod negotiate;
mod panic;
mod parameters;
mod request;
mod respond;
mod serve;
mod url;
pub mod usage;

pub use event::{invoke_event, run_event};
pub use handler::Handler;
pub use lambda_http::aws_lambda_events::apigw;
pub use lambda_http::aws_lambda_events::iam;
pub use request::{FromRequest, PublicRequest, Request};
pub use respond::Response;
pub use serve::{invoke, run, stateless};
pub use url::is_host;
