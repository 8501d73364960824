//! Bounds the computation of a PATCH request (RFC 7644 §3.5.2), which grows with the product of operations, values
//! and terms of filters. A small body could otherwise keep a function busy past its time limit.

use crate::Error;
use crate::limits::PATCH_COMPARISONS;

/// The computation that a request has used.
#[derive(Debug, Default)]
pub(crate) struct Work {
    comparisons: usize,
}

impl Work {
    /// Counts comparisons before they are made.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`] if there are more than [`PATCH_COMPARISONS`].
    pub(crate) fn spend(&mut self, comparisons: usize) -> Result<(), Error> {
        self.comparisons = self.comparisons.saturating_add(comparisons);
        if self.comparisons <= PATCH_COMPARISONS {
            return Ok(());
        }
        Err(Error::PayloadTooLarge(format!(
            "The operations would compare more than {PATCH_COMPARISONS} values. Nothing was changed. Send fewer operations in one \
             request, or shorter filters."
        )))
    }
}
