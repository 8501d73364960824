//! Random resources, filters and PATCH operations. The values come from small sets, so that filters find some
//! resources and operations meet values that are there. The same seed gives the same texts, but for ids.

mod filters;
mod operations;
mod resources;
mod words;

pub use filters::filter;
pub use operations::{group_operations, user_operations};
pub use resources::{group, user};
