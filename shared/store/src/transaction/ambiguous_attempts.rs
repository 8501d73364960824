//! Attempts of a call that had no response, so that their outcome is unknown. The SDK retries them and reports only
//! how the last attempt ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::config::interceptors::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;

/// The number of attempts whose outcome is unknown. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(crate) struct AmbiguousAttempts(Arc<AtomicUsize>);

impl AmbiguousAttempts {
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Intercept for AmbiguousAttempts {
    fn name(&self) -> &'static str {
        "AmbiguousAttempts"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// An attempt stays counted unless its response was read as a whole: after a timeout, or if only the head of the
    /// response arrived, the write may be applied. It may also be after a 5xx.
    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_read =
            context.output_or_error().is_some_and(|it| it.map_or_else(|error| error.is_operation_error(), |_| true));
        if is_read && context.response().is_some_and(|response| !response.status().is_server_error()) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }
}
