//! How many resources are parsed at a time, so that the memory does not grow with their size.

use std::iter::Peekable;

use protocol::{Error, values_in};
use store::UnparsedResource;

use crate::Context;
use crate::error::to_client_error;
use crate::represent::Representation;

/// The bytes of JSON that are parsed at a time. They take up to thirty times as much memory.
const BYTES_PARSED: usize = 1024 * 1024;
/// The members that are read at a time in order to filter their groups.
const MEMBERS_READ: u64 = 20_000;

/// Resources of one kind that are parsed, and filtered, at the same time.
#[derive(Default)]
pub(super) struct ResourceBatch {
    pub(super) resources: Vec<Representation>,
    /// The bytes of the resources as JSON, and the values in it.
    pub(super) bytes: usize,
    pub(super) values: usize,
    members: u64,
}

impl ResourceBatch {
    /// Parses the next resources.
    pub(super) fn fill(
        context: &Context<'_>,
        items: &mut Peekable<impl Iterator<Item = UnparsedResource>>,
    ) -> Result<Self, Error> {
        let mut batch = Self::default();
        while let Some(item) = items.next_if(|item| batch.has_room_for(item)) {
            batch.bytes += item.bytes();
            let stored = item.parse().map_err(to_client_error)?;
            batch.members += stored.member_summary.count;
            batch.values += values_in(&stored.resource);
            batch.resources.push(Representation::new(context.exchange.base_url, stored));
        }
        Ok(batch)
    }

    fn has_room_for(&self, item: &UnparsedResource) -> bool {
        let Some(first) = self.resources.first() else { return true };
        first.stored.kind == item.kind && self.bytes + item.bytes() <= BYTES_PARSED && self.members < MEMBERS_READ
    }
}
