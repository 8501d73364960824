//! The format of items: which releases can read them.
//!
//! While a deployment or a rollback replaces the functions, old and new functions run at the same time, and the old
//! ones read the items that the new ones write. An attribute that older releases may ignore does not make a new format.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::Error;
use crate::attributes::{Item, number};

/// The format in which this release writes items. Version 0.1.0 wrote items without a format.
const FORMAT: u64 = 1;
pub(crate) const ATTRIBUTE: &str = "format";

pub(crate) fn value() -> AttributeValue {
    number(FORMAT)
}

/// Checks that this release knows the format of an item.
///
/// # Errors
/// `NewerFormat`.
pub(crate) fn check(item: &Item) -> Result<(), Error> {
    match item.get(ATTRIBUTE) {
        Some(AttributeValue::N(format)) if format.parse().is_ok_and(is_known) => Ok(()),
        None => Ok(()),
        Some(_) => Err(Error::NewerFormat),
    }
}

pub(crate) fn is_known(format: u64) -> bool {
    format <= FORMAT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_format_is_refused() {
        let item = |format: AttributeValue| Item::from([(ATTRIBUTE.to_owned(), format)]);
        assert_eq!(check(&Item::new()), Ok(()));
        assert_eq!(check(&item(value())), Ok(()));
        for newer in [number(FORMAT + 1), number("1.5"), AttributeValue::S("1".to_owned())] {
            assert_eq!(check(&item(newer)), Err(Error::NewerFormat));
        }
    }
}
