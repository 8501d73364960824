//! A query for resources (RFC 7644 §3.4.2) and the list that answers it.

use schema::{Dialect, Kind, Object, resource_type};
use serde_json::{Value, json};

use crate::{Error, Filter, Projection};

/// The schema URI of a list.
const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// How many resources a page holds when the request does not say.
const DEFAULT_COUNT: usize = 100;
/// The most that a page holds.
pub(crate) const MAX_COUNT: usize = 1000;

/// What a list request asks for.
#[derive(Debug, Clone)]
pub struct Query {
    pub filter: Option<Filter>,
    /// The first resource of the page, counted from 1.
    pub start_index: usize,
    /// The most resources that the page may hold.
    pub count: usize,
    pub projection: Projection,
}

impl Query {
    /// Reads the parameters (RFC 7644 §3.4.2.4: a `startIndex` below 1 is 1, a negative `count` is 0; a `count` over
    /// 1,000 is 1,000).
    ///
    /// # Errors
    /// [`Error::InvalidFilter`]; an empty filter is one, too.
    pub fn parse(
        kind: Kind,
        filter: Option<&str>,
        start_index: Option<i64>,
        count: Option<i64>,
        projection: Projection,
        dialect: &Dialect,
    ) -> Result<Query, Error> {
        let filter = filter.map(|text| Filter::parse(resource_type(kind), text, dialect)).transpose()?;
        let whole = |number: i64| usize::try_from(number).unwrap_or(0);
        let start_index = start_index.map_or(1, whole).max(1);
        let count = count.map_or(DEFAULT_COUNT, whole).min(MAX_COUNT);
        Ok(Query { filter, start_index, count, projection })
    }
}

/// The body of a list (RFC 7644 §3.4.2): the numbers are integers, and `Resources` is there when it is empty.
pub fn list_response(total: usize, start_index: usize, resources: Vec<Object>) -> Object {
    Object::from_iter([
        ("schemas".to_owned(), json!([LIST_RESPONSE])),
        ("totalResults".to_owned(), total.into()),
        ("startIndex".to_owned(), start_index.into()),
        ("itemsPerPage".to_owned(), resources.len().into()),
        ("Resources".to_owned(), resources.into_iter().map(Value::Object).collect()),
    ])
}
