//! Panics: the hook that logs them, and the error that takes the place of a reply (RFC 7644 §3.12).

use std::panic::{AssertUnwindSafe, PanicHookInfo};

use futures_util::FutureExt;
use protocol::Error;

/// Logs the location of a panic inside the request's span. The message is omitted because it can quote user data
/// (for example, slicing a `str` mid-character).
pub(crate) fn panic_hook(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    tracing::error!(place, "a function panicked");
}

/// Turns a panic, which the hook has logged, into an error.
pub(crate) async fn catch_panic<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(Error::Internal))
}

#[cfg(test)]
mod tests {
    use std::panic;

    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::registry::Registry;

    use super::*;
    use crate::log;
    use crate::log::tests::Lines;

    #[test]
    fn panic_is_logged_with_its_location_and_without_its_message() {
        let lines = Lines::default();
        let before = panic::take_hook();
        panic::set_hook(Box::new(panic_hook));
        // The message of this panic quotes the whole text.
        let cut = || panic::catch_unwind(|| "hush é".split_at(6).0.len());
        let caught = tracing::subscriber::with_default(Registry::default().with(log::lines(None, lines.clone())), cut);
        panic::set_hook(before);
        let (text, lines) = lines.read();
        assert!(caught.is_err());
        assert_eq!(lines.len(), 1, "{text}");
        assert!(!text.contains("hush"), "{text}");
        assert!(lines[0]["place"].as_str().unwrap().contains(".rs:"), "{text}");
    }
}
