//! The body of a POST to `/.search` (RFC 7644 §3.4.3, RFC 9865 §3).

use schema::{Dialect, Object};
use serde_json::Value;

use crate::message::{check_message, message_members};
use crate::query::{LIST_PARAMETERS, Parameters};
use crate::{Error, Projection};

/// The schema URI of a search request.
const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// Its members: `schemas` and the parameters of a list, in their order.
const MEMBERS: [&str; 9] = {
    let [a, b, c, d, e, f, g, h] = LIST_PARAMETERS;
    ["schemas", a, b, c, d, e, f, g, h]
};

impl Parameters {
    /// Parses a search request. A `null` member counts as absent.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`] for a member in two spellings, [`Error::InvalidValue`] for a member of the wrong
    /// type, the errors of [`Projection::parse`], and the error of a deviation that the dialect does not tolerate.
    pub fn from_search(body: &Object, dialect: &Dialect) -> Result<Parameters, Error> {
        check_message(body, SEARCH_REQUEST, dialect)?;
        let found = message_members("The search", body, MEMBERS, dialect)?;
        let [_, filter, sort_by, sort_order, start_index, count, cursor, attributes, excluded] =
            found.map(|value| value.filter(|value| !value.is_null()));
        let attributes = names("attributes", attributes)?;
        let excluded = names("excludedAttributes", excluded)?;
        let count = integer("count", count).map_err(|error| match cursor {
            // RFC 9865 §2.1.
            Some(_) => Error::InvalidCount(error.to_string()),
            None => error,
        })?;
        Ok(Parameters {
            filter: text("filter", filter)?,
            sort_by: text("sortBy", sort_by)?,
            sort_order: text("sortOrder", sort_order)?,
            start_index: integer("startIndex", start_index)?,
            count,
            cursor: text("cursor", cursor)?,
            projection: Projection::parse(attributes.as_deref(), excluded.as_deref(), dialect)?,
        })
    }
}

fn text(name: &str, value: Option<&Value>) -> Result<Option<String>, Error> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::InvalidValue(format!("{name} must be a string."))),
    }
}

fn integer(name: &str, value: Option<&Value>) -> Result<Option<i64>, Error> {
    let Some(value) = value else { return Ok(None) };
    value.as_i64().map(Some).ok_or_else(|| Error::InvalidValue(format!("{name} must be an integer.")))
}

/// Converts "a multi-valued list of strings" into the comma-separated list of the URL parameter.
fn names(name: &str, value: Option<&Value>) -> Result<Option<String>, Error> {
    let refused =
        || Error::InvalidValue(format!("{name} must be an array of attribute names, such as [\"userName\"]."));
    let Some(value) = value else { return Ok(None) };
    let names: Vec<&str> =
        value.as_array().ok_or_else(refused)?.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(refused)?;
    match names.iter().find(|name| name.contains(',')) {
        None => Ok(Some(names.join(","))),
        Some(_) => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<Parameters, Error> {
        Parameters::from_search(body.as_object().unwrap(), &Dialect::lenient())
    }

    #[test]
    fn search_request_has_the_parameters_of_a_url() {
        let read = read(json!({
            "schemas": [SEARCH_REQUEST], "attributes": ["displayName", "userName"], "Filter": "title pr",
            "sortBy": "title", "sortOrder": "descending", "startIndex": 3, "count": -10, "cursor": null, "unknown": 1,
        }));
        let read = read.unwrap();
        assert_eq!(read.filter.as_deref(), Some("title pr"));
        assert_eq!((read.sort_by.as_deref(), read.sort_order.as_deref()), (Some("title"), Some("descending")));
        assert_eq!((read.start_index, read.count, read.cursor), (Some(3), Some(-10), None));
        assert!(read.projection.is_requested());
        let empty = self::read(json!({})).unwrap();
        assert!(empty.filter.is_none() && !empty.projection.is_requested());
    }

    #[test]
    fn strict_search_without_schemas_is_refused() {
        let read = |body: Value| Parameters::from_search(body.as_object().unwrap(), &Dialect::strict());
        assert!(read(json!({"schemas": [SEARCH_REQUEST], "filter": "title pr"})).is_ok());
        for body in [
            json!({"filter": "title pr"}),
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}),
            json!({"schemas": [SEARCH_REQUEST], "sortby": "title"}),
        ] {
            assert!(read(body.clone()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_member_of_a_wrong_type_is_named() {
        for (body, scim_type, says) in [
            (json!({"count": 1, "COUNT": 2}), "invalidSyntax", "count"),
            (json!({"filter": 1}), "invalidValue", "filter"),
            (json!({"sortBy": ["a"]}), "invalidValue", "sortBy"),
            (json!({"sortOrder": true}), "invalidValue", "sortOrder"),
            (json!({"startIndex": "1"}), "invalidValue", "startIndex"),
            (json!({"count": 1.5}), "invalidValue", "count"),
            (json!({"count": 18_446_744_073_709_551_615_u64}), "invalidValue", "count"),
            (json!({"count": "2", "cursor": ""}), "invalidCount", "count"),
            (json!({"cursor": 5}), "invalidValue", "cursor"),
            (json!({"attributes": "userName"}), "invalidValue", "attributes"),
            (json!({"attributes": [1]}), "invalidValue", "attributes"),
            (json!({"excludedAttributes": ["a,b"]}), "invalidValue", "excludedAttributes"),
            (json!({"attributes": ["a[b"]}), "invalidPath", "a[b"),
            (json!({"attributes": ["a"], "excludedAttributes": ["b"]}), "invalidValue", "together"),
        ] {
            let error = read(body).map(drop).unwrap_err();
            assert_eq!(error.scim_type(), Some(scim_type), "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
