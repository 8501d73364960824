//! The body of a POST to `/.search` (RFC 7644 §3.4.3, RFC 9865 §3).

use schema::Object;
use serde_json::Value;

use crate::query::Parameters;
use crate::{Error, Projection};

/// The schema URI of a search.
const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

impl Parameters {
    /// Reads a search. Members are named in any case; unknown ones are passed over, `null` is nothing.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`] for a body that calls itself something else, or has a member in two spellings,
    /// [`Error::InvalidValue`] for a member of a wrong type, with its name; what [`Projection::parse`] refuses.
    pub fn from_search(body: &Object) -> Result<Parameters, Error> {
        if !is_search(body)? {
            let problem = format!("The body of a search has the schema {SEARCH_REQUEST}.");
            return Err(Error::InvalidSyntax(problem));
        }
        let (attributes, excluded) = (names(body, "attributes")?, names(body, "excludedAttributes")?);
        Ok(Parameters {
            filter: text(body, "filter")?,
            sort_by: text(body, "sortBy")?,
            sort_order: text(body, "sortOrder")?,
            start_index: integer(body, "startIndex")?,
            count: integer(body, "count")?,
            cursor: text(body, "cursor")?,
            projection: Projection::parse(attributes.as_deref(), excluded.as_deref())?,
        })
    }
}

/// `schemas` may be missing.
fn is_search(body: &Object) -> Result<bool, Error> {
    let is_ours = |schema: &Value| schema.as_str().is_some_and(|schema| schema.eq_ignore_ascii_case(SEARCH_REQUEST));
    Ok(match member(body, "schemas")? {
        None => true,
        Some(Value::Array(schemas)) => schemas.is_empty() || schemas.iter().any(is_ours),
        Some(_) => false,
    })
}

fn member<'o>(body: &'o Object, name: &str) -> Result<Option<&'o Value>, Error> {
    let mut found = body.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (first, None) => Ok(first.filter(|value| !value.is_null())),
        _ => Err(Error::InvalidSyntax(format!("The search has {name} more than once, in different spellings."))),
    }
}

fn text(body: &Object, name: &str) -> Result<Option<String>, Error> {
    match member(body, name)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::InvalidValue(format!("{name} takes a string."))),
    }
}

fn integer(body: &Object, name: &str) -> Result<Option<i64>, Error> {
    let Some(value) = member(body, name)? else { return Ok(None) };
    value.as_i64().map(Some).ok_or_else(|| Error::InvalidValue(format!("{name} takes a whole number.")))
}

/// "A multi-valued list of strings", as the list with commas that the parameter of a URL is.
fn names(body: &Object, name: &str) -> Result<Option<String>, Error> {
    let refused = || Error::InvalidValue(format!("{name} takes an array of names of attributes."));
    let Some(value) = member(body, name)? else { return Ok(None) };
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
        Parameters::from_search(body.as_object().unwrap())
    }

    #[test]
    fn a_search_says_what_a_url_can() {
        let read = read(json!({
            "schemas": [SEARCH_REQUEST], "attributes": ["displayName", "userName"], "Filter": "title pr",
            "sortBy": "title", "sortOrder": "descending", "startIndex": 3, "count": -10, "cursor": null, "unknown": 1,
        }));
        let read = read.unwrap();
        assert_eq!(read.filter.as_deref(), Some("title pr"));
        assert_eq!((read.sort_by.as_deref(), read.sort_order.as_deref()), (Some("title"), Some("descending")));
        assert_eq!((read.start_index, read.count, read.cursor), (Some(3), Some(-10), None));
        assert!(read.projection.is_asked_for());
        let empty = Parameters::from_search(&Object::new()).unwrap();
        assert!(empty.filter.is_none() && !empty.projection.is_asked_for());
    }

    #[test]
    fn a_member_of_a_wrong_type_is_named() {
        for (body, scim_type, says) in [
            (json!({"schemas": ["urn:x"]}), "invalidSyntax", "SearchRequest"),
            (json!({"schemas": SEARCH_REQUEST}), "invalidSyntax", "SearchRequest"),
            (json!({"count": 1, "COUNT": 2}), "invalidSyntax", "count"),
            (json!({"filter": 1}), "invalidValue", "filter"),
            (json!({"sortBy": ["a"]}), "invalidValue", "sortBy"),
            (json!({"sortOrder": true}), "invalidValue", "sortOrder"),
            (json!({"startIndex": "1"}), "invalidValue", "startIndex"),
            (json!({"count": 1.5}), "invalidValue", "count"),
            (json!({"count": 18_446_744_073_709_551_615_u64}), "invalidValue", "count"),
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
