//! The messages that stand in bodies beside resources (RFC 7644 §3.1): their members are named in any case, and each is there once.

use schema::{Dialect, Leniency, Object};
use serde_json::Value;

use crate::Error;

/// The members of a message that have these names, each once.
pub(crate) fn members<'o, const N: usize>(
    holder: &str,
    object: &'o Object,
    names: [&str; N],
    dialect: &Dialect,
) -> Result<[Option<&'o Value>; N], Error> {
    let mut found = [None; N];
    for (key, value) in object {
        let known = names.iter().zip(&mut found).find(|(name, _)| key.eq_ignore_ascii_case(name));
        let Some((name, place)) = known else {
            dialect.tolerate(Leniency::UnknownAttributes, format_args!("{holder}: {key}"))?;
            continue;
        };
        if key != name {
            dialect.tolerate(Leniency::OperationCase, format_args!("{holder}: {key}"))?;
        }
        if place.replace(value).is_some() {
            return Err(Error::InvalidSyntax(format!("{holder} has {name} more than once, in different spellings.")));
        }
    }
    Ok(found)
}

/// One member of a message, in any case, and once.
pub(crate) fn member<'o>(holder: &str, object: &'o Object, name: &str) -> Result<Option<&'o Value>, Error> {
    let mut found = object.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err(Error::InvalidSyntax(format!("{holder} has {name} more than once, in different spellings."))),
    }
}
