//! A plain model of PATCH (RFC 7644 §3.5.2.1 to §3.5.2.3): a user of a few known fields, without paths, without a
//! schema and without JSON until the end. The model is slow and simple on purpose, so that it is right where the
//! service may be wrong.

mod email;
mod emails;
mod operation;
mod user;

pub(crate) use email::Email;
pub(crate) use operation::{Field, InvalidOperation, Op, Operation, Part};
pub(crate) use user::{ENTERPRISE, User};
