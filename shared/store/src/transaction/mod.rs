//! Transactions that write: their actions, sending them, and the meaning of their failures.

pub(crate) mod action;
mod ambiguous_attempts;
pub(crate) mod transact;
