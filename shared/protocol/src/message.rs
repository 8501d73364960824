//! SCIM messages (RFC 7644 §3.1): the bodies of requests that are not resources. The names of their members are
//! matched in any case, and each may be sent once.

use std::fmt;

use schema::{Dialect, Leniency, Object, check_schemas, listed_schemas};
use serde_json::Value;

use crate::Error;

/// The prefix of the URIs of all messages.
const MESSAGES: &str = "urn:ietf:params:scim:api:messages:";

/// Checks by its `schemas` that a body is the message that the request requires.
///
/// # Errors
/// [`Error::InvalidSyntax`] for another message, and the error of a deviation that the dialect does not tolerate.
pub(crate) fn check_message(body: &Object, urn: &str, dialect: &Dialect) -> Result<(), Error> {
    let is_message = |listed: &&str| listed.get(..MESSAGES.len()).is_some_and(|it| it.eq_ignore_ascii_case(MESSAGES));
    let mut messages = listed_schemas(body).iter().filter_map(Value::as_str).filter(is_message);
    match messages.find(|listed| !listed.eq_ignore_ascii_case(urn)) {
        None => Ok(check_schemas(body, urn, &[], dialect)?),
        Some(other) => {
            Err(Error::InvalidSyntax(format!("Unexpected message schema {other}. Send \"schemas\": [\"{urn}\"].")))
        }
    }
}

/// Finds the members of a message with these names.
pub(crate) fn message_members<'o, const N: usize>(
    holder: impl fmt::Display,
    object: &'o Object,
    names: [&str; N],
    dialect: &Dialect,
) -> Result<[Option<&'o Value>; N], Error> {
    let mut found = [None; N];
    for (key, value) in object {
        let known = names.iter().zip(&mut found).find(|(name, _)| key.eq_ignore_ascii_case(name));
        let Some((name, slot)) = known else {
            dialect.tolerate(Leniency::UnknownAttributes, format_args!("{holder}: {key}"))?;
            continue;
        };
        if key != name {
            dialect.tolerate(Leniency::OperationCase, format_args!("{holder}: {key}"))?;
        }
        if slot.replace(value).is_some() {
            return Err(Error::InvalidSyntax(format!(
                "{holder} has {name} more than once, in different spellings. Send it once."
            )));
        }
    }
    Ok(found)
}

/// Finds one member of a message.
pub(crate) fn message_member<'o>(holder: &str, object: &'o Object, name: &str) -> Result<Option<&'o Value>, Error> {
    let mut found = object.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err(Error::InvalidSyntax(format!(
            "{holder} has {name} more than once, in different spellings. Send it once."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use schema::{Kind, resource_type};
    use serde_json::json;

    use super::*;
    use crate::bulk::BulkRequest;
    use crate::{Parameters, Patch};

    #[test]
    fn unexpected_message_is_refused_with_the_expected_schema() {
        type Read = fn(&Object, &Dialect) -> Result<(), Error>;
        let read: [(&str, Read); 3] = [
            ("SearchRequest", |body, dialect| Parameters::from_search(body, dialect).map(drop)),
            ("PatchOp", |body, dialect| Patch::parse(resource_type(Kind::User), body, dialect).map(drop)),
            ("BulkRequest", |body, dialect| BulkRequest::parse(body, dialect).map(drop)),
        ];
        for (right, read) in read {
            for sent in ["SearchRequest", "PatchOp", "BulkRequest", "ListResponse", "NoSuchMessage"] {
                for dialect in [Dialect::lenient(), Dialect::strict()] {
                    let urn = format!("{MESSAGES}2.0:{sent}");
                    let bodies = [json!([urn]), json!([urn.to_uppercase()]), json!(urn), json!([schema::USER, urn])];
                    for schemas in bodies {
                        let mut body = Object::from_iter([("Schemas".to_owned(), schemas)]);
                        if right != "SearchRequest" {
                            body.insert("Operations".to_owned(), json!([]));
                        }
                        let error = read(&body, &dialect).err().map_or(String::new(), |error| error.to_string());
                        let wanted = format!("[\"{MESSAGES}2.0:{right}\"]");
                        let refused = error.contains("Unexpected message") && error.contains(&wanted);
                        assert_eq!(refused, sent != right, "{right} {body:?}: {error}");
                    }
                }
            }
        }
    }
}
