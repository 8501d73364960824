//! A function to measure.

use std::path::PathBuf;

pub(crate) struct Function {
    pub(crate) name: String,
    /// Whether the event is for a page of 100 instead of the one in `events/`.
    pub(crate) is_page: bool,
    pub(crate) program: PathBuf,
}
