//! Catches a panic, and returns its message and its location without printing anything.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, Once, PoisonError};

/// The message and the location of a panic.
#[derive(Clone, Debug)]
pub(crate) struct PanicReport {
    pub(crate) message: String,
    /// The file and the line.
    pub(crate) location: String,
}

/// The panics that `catch` has not returned yet. A check may start threads, so that a panic may come from another
/// thread than the one that runs the check; `catch` recognises it by its message.
static PANICS: Mutex<Vec<PanicReport>> = Mutex::new(Vec::new());
static HOOK: Once = Once::new();

/// Runs `work`, and returns the failure if it panics.
pub(crate) fn catch(work: impl FnOnce()) -> Result<(), PanicReport> {
    HOOK.call_once(|| panic::set_hook(Box::new(record)));
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let message = text(payload.as_ref());
        let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
        let position = panics.iter().rposition(|failure| failure.message == message);
        position
            .map(|at| panics.swap_remove(at))
            .unwrap_or(PanicReport { message, location: "an unknown location".to_owned() })
    })
}

fn record(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let failure = PanicReport { message: text(info.payload()), location };
    PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}
