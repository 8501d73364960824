//! The context that every operation receives.

use protocol::{Exchange, Tenant};
use store::Directory;

/// The directory, and the request to which an operation belongs.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub directory: &'a Directory,
    pub exchange: Exchange<'a>,
}

impl<'a> Context<'a> {
    pub(crate) fn tenant(&self) -> &'a Tenant {
        &self.exchange.caller.tenant
    }
}
