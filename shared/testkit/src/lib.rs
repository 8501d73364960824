//! Helpers of the tests and benchmarks of several crates: an embedded DynamoDB, proxies that make its calls fail,
//! change nothing or behave as on AWS, a meter of its calls, another release of the service, events of API Gateway, a
//! consumer of the published events, which may arrive in another order, and reference models of filters and PATCH.
//! Failures are panics.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test panics, and a random one prints its seed"
)]

mod aws;
mod call;
mod call_meter;
mod disorder;
mod engine;
mod environment;
mod event;
mod fault_proxy;
mod read_only_proxy;
pub mod reference;
mod release;
mod replica;
mod wire;

pub use aws::{AwsProxy, Behaviour};
pub use call::call_engine;
pub use call_meter::{CallCost, CallMeter};
pub use disorder::disorder;
pub use engine::{Engine, engine};
pub use environment::variable;
pub use event::event;
pub use fault_proxy::FaultProxy;
pub use read_only_proxy::ReadOnlyProxy;
pub use release::Release;
pub use replica::{Difference, Replica, events_in};
