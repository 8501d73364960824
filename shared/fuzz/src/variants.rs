//! The variants in which a target parses its text.

use schema::{Dialect, Kind};

/// Every combination of a kind and a dialect in which a text can be parsed.
pub(crate) fn variants() -> impl Iterator<Item = (Kind, Dialect)> {
    Kind::ALL.into_iter().flat_map(|kind| [(kind, Dialect::lenient()), (kind, Dialect::strict())])
}
