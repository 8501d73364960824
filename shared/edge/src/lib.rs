//! HTTP, Lambda events and logs: how a request comes in, is bound, and leaves as an answer of RFC 7644.
//!
//! A function's `main` is [`run`] for a route and [`run_event`] for anything else; whatever happens inside, a route answers
//! with a SCIM body.

mod bind;
mod event;
mod handler;
mod json;
pub mod log;
pub mod metrics;
mod negotiate;
mod request;
mod respond;
mod serve;
mod url;

pub use event::{invoke_event, run_event};
pub use handler::Handler;
pub use lambda_http::aws_lambda_events::apigw;
pub use lambda_http::aws_lambda_events::iam;
pub use request::{FromRequest, PublicRequest, Request};
pub use respond::Response;
pub use serve::{invoke, run, stateless};
pub use url::is_host;
