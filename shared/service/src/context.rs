//! The context that every operation receives.

use protocol::{Error, Exchange, Tenant, Work};
use schema::Object;
use store::Directory;

/// The directory, and the request to which an operation belongs.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub directory: &'a Directory,
    pub exchange: Exchange<'a>,
    /// The work of the operations of a bulk request so far.
    pub(crate) bulk: Option<&'a Work>,
}

impl<'a> Context<'a> {
    pub fn new(directory: &'a Directory, exchange: Exchange<'a>) -> Self {
        Self { directory, exchange, bulk: None }
    }

    /// Counts the work on a resource, if the operation belongs to a bulk request. A single request may change any
    /// resource.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`] if the operations of the bulk request take too long together.
    pub(crate) fn spend_on(&self, resource: &Object) -> Result<(), Error> {
        self.bulk.map_or(Ok(()), |work| work.spend_on(resource))
    }

    /// Counts the reading of members, as [`Context::spend_on`] counts the work on a resource.
    ///
    /// # Errors
    /// The error of [`Context::spend_on`].
    pub(crate) fn spend_on_members(&self, count: usize) -> Result<(), Error> {
        self.bulk.map_or(Ok(()), |work| work.spend_on_members(count))
    }

    /// Counts the adding and removing of members, as [`Context::spend_on`] counts the work on a resource.
    ///
    /// # Errors
    /// The error of [`Context::spend_on`].
    pub(crate) fn spend_on_changed_members(&self, count: usize) -> Result<(), Error> {
        self.bulk.map_or(Ok(()), |work| work.spend_on_changed_members(count))
    }

    pub(crate) fn tenant(&self) -> &'a Tenant {
        &self.exchange.caller.tenant
    }
}
