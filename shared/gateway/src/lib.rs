//! A local substitute for API Gateway, as a library: it routes requests as template.yaml declares, calls the
//! authorizer and then the function, each with the event that API Gateway would send, and checks every DynamoDB
//! call against the function's IAM policy.

mod event;
pub mod functions;
mod gateway;
pub mod iam;
mod policy;
mod redact;
mod routes;
pub mod template;

pub use gateway::{Gateway, GatewayResponseType, Invocation};
