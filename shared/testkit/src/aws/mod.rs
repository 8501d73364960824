//! A proxy in front of an engine that behaves as DynamoDB does on AWS where engines on one machine do not.
//!
//! On AWS, a partition has a throughput, the items of a transaction become visible one after the other, concurrent
//! transactions conflict, a repeated call can be carried out late, and a response can end after its head. Each of these
//! [behaviours](Behaviour) can be had alone. All random choices come from one seed.

mod batch;
mod behaviour;
mod bucket;
mod call;
mod proxy;
mod serve;
mod size;
mod state;
#[cfg(test)]
mod tests;
mod throughput;
mod transaction;

pub use behaviour::Behaviour;
pub use proxy::AwsProxy;
