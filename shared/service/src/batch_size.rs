//! How many resources are read by their ids at a time, so that the memory does not grow with their size.

use store::UnparsedResource;

/// The number of ids that are read first.
const FIRST: usize = 100;
/// The largest number of ids that are read at a time.
const MAX_IDS: usize = 1000;
/// The bytes that are read at a time, if the resources are as large as those before.
const BYTES_READ: usize = 4 * 1024 * 1024;

/// The number of ids to read at a time.
pub(crate) struct BatchSize(usize);

impl Default for BatchSize {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl BatchSize {
    /// The size of the next batch, if this number is left.
    pub(crate) fn of(&self, left: usize) -> usize {
        self.0.min(left)
    }

    pub(crate) fn adapt_to(&mut self, read: &[UnparsedResource]) {
        let bytes: usize = read.iter().map(UnparsedResource::bytes).sum();
        let average = bytes / read.len().max(1);
        self.0 = (BYTES_READ / average.max(1)).clamp(1, MAX_IDS);
    }
}
