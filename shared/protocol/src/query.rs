//! A query for resources (RFC 7644 §3.4.2, RFC 9865 §2) and the list response to it.

use schema::{Dialect, Kind, Object, ResourceId, resource_type};
use serde_json::{Value, json};

use crate::limits::{DEFAULT_COUNT, MAX_COUNT};
use crate::path::AttributePath;
use crate::sort::{Order, Position, sort_key, sort_paths};
use crate::{Error, Filter, Projection};

/// The schema URI of a list.
const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// The names of the parameters of a list request, in a URL or in the body of a search (RFC 7644 §3.4.2, RFC 9865
/// §2).
pub const LIST_PARAMETERS: [&str; 8] =
    ["filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes"];

/// The parameters of a query, from a URL or from the body of a search.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    pub filter: Option<String>,
    pub sort_by: Option<String>,
    pub sort_order: Option<String>,
    pub start_index: Option<i64>,
    pub count: Option<i64>,
    /// Empty for the first page.
    pub cursor: Option<String>,
    pub projection: Projection,
}

/// A validated query.
#[derive(Debug, Clone)]
pub struct Query {
    /// One for each queried kind of resource, in the order of [`Kind::ALL`].
    pub kind_queries: Vec<KindQuery>,
    order: Option<Order>,
    pub pagination: Pagination,
    /// The maximum number of resources on the page.
    pub count: usize,
    pub projection: Projection,
    /// The query to try if this one finds nothing: see [`Query::with_plus_signs`].
    pub alternative: Option<Box<Query>>,
}

/// The part of a query that is about one kind of resource.
#[derive(Debug, Clone)]
pub struct KindQuery {
    pub kind: Kind,
    pub filter: Option<Filter>,
    /// The attribute to sort by. `None` also if only another kind has the attribute.
    sort_by: Option<AttributePath>,
}

/// The page that is requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pagination {
    /// The first resource of the page, counted from 1 (RFC 7644 §3.4.2.4). This is the default (RFC 9865 §2.4).
    Index(usize),
    /// A cursor as it was sent, not yet verified; `None` for the first page (RFC 9865 §2).
    Cursor(Option<String>),
}

impl Query {
    /// Parses the parameters of a query for these kinds of resource. A `startIndex` below 1 is 1, a negative
    /// `count` is 0 (RFC 7644 §3.4.2.4), and a `count` over [`MAX_COUNT`] is [`MAX_COUNT`].
    ///
    /// # Errors
    /// [`Error::InvalidFilter`], also for an empty filter; [`Error::InvalidPath`] and [`Error::InvalidValue`] for a
    /// `sortBy` or `sortOrder` that is invalid; [`Error::InvalidValue`] for `cursor` and `startIndex` together.
    pub fn parse(kinds: &[Kind], parameters: Parameters, dialect: &Dialect) -> Result<Query, Error> {
        let parse = if kinds.len() == 1 { Filter::parse } else { Filter::parse_for_all_types };
        let sort_by = match &parameters.sort_by {
            Some(text) => sort_paths(kinds, text, dialect)?,
            None => vec![None; kinds.len()],
        };
        let order = parameters.sort_order.as_deref().map(Order::parse).transpose()?.unwrap_or_default();
        let filter = parameters.filter.as_deref();
        let kind_query = |(kind, sort_by): (&Kind, _)| {
            let filter = filter.map(|text| parse(resource_type(*kind), text, dialect)).transpose()?;
            Ok(KindQuery { kind: *kind, filter, sort_by })
        };
        let non_negative = |number: i64| usize::try_from(number).unwrap_or(0);
        Ok(Query {
            kind_queries: kinds.iter().zip(sort_by).map(kind_query).collect::<Result<_, Error>>()?,
            order: parameters.sort_by.is_some().then_some(order),
            pagination: pagination(parameters.start_index, parameters.cursor)?,
            count: parameters.count.map_or(DEFAULT_COUNT, non_negative).min(MAX_COUNT),
            projection: parameters.projection,
            alternative: None,
        })
    }

    /// Adds, as the alternative, the query whose names have `+` instead of spaces.
    ///
    /// rauthy and midPoint send `+` in a query without encoding it, as RFC 3986 allows; Okta sends it for a space, as
    /// HTML forms do. API Gateway decodes it to a space, and does not pass the original text. So the service searches
    /// for the name with a space first, and for the name with `+` only if no resource has the first name. Only an
    /// e-mail address has an alternative, because addresses contain no spaces: a group `Dev Ops` is not the group
    /// `Dev+Ops`.
    #[must_use]
    pub fn with_plus_signs(self) -> Query {
        let with_plus_signs = |part: &KindQuery| {
            let filter = part.filter.as_ref().and_then(Filter::with_plus_signs)?;
            Some(KindQuery { filter: Some(filter), ..part.clone() })
        };
        let kind_queries: Option<Vec<KindQuery>> = self.kind_queries.iter().map(with_plus_signs).collect();
        let alternative = kind_queries.map(|kind_queries| Box::new(Query { kind_queries, ..self.clone() }));
        Query { alternative, ..self }
    }

    /// Whether the query has `sortBy`; otherwise resources are in the order of their kinds and ids.
    pub fn is_sorted(&self) -> bool {
        self.order.is_some()
    }

    /// The `sortOrder`; ascending if the query has none.
    pub fn order(&self) -> Order {
        self.order.unwrap_or_default()
    }

    /// The place of a resource in the list.
    pub fn position(&self, kind: Kind, id: ResourceId, resource: &Object) -> Position {
        let path = self.kind_queries.iter().find(|query| query.kind == kind).and_then(|query| query.sort_by.as_ref());
        Position::new(path.and_then(|path| sort_key(path, resource)), kind, id)
    }

    /// A text that is equal for two queries of the same list: everything except page and projection. It is for
    /// hashing and not for logs, because it contains the filter's literals.
    pub fn identity(&self) -> String {
        let order = match self.order {
            None => "",
            Some(Order::Ascending) => "ascending",
            Some(Order::Descending) => "descending",
        };
        let kind_query = |query: &KindQuery| {
            let filter = query.filter.as_ref().map(Filter::to_string);
            json!([query.kind, filter, query.sort_by.map(|path| path.to_string())])
        };
        Value::from_iter([Value::from(order)].into_iter().chain(self.kind_queries.iter().map(kind_query))).to_string()
    }
}

impl KindQuery {
    /// Whether filtering or sorting reads an attribute.
    pub fn reads(&self, attribute: &str) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.reads(attribute))
            || self.sort_by.is_some_and(|path| path.attribute.name == attribute)
    }

    /// The values of an attribute that affect the result, if not all of them do: see [`Filter::values_compared`].
    pub fn values_compared(&self, attribute: &str) -> Option<Vec<&str>> {
        let sorts = self.sort_by.is_some_and(|path| path.attribute.name == attribute);
        self.filter.as_ref().filter(|_| !sorts)?.values_compared(attribute)
    }

    /// Whether a resource matches the filter. Adds to `comparisons` as [`Filter::matches_counted`] does.
    pub fn matches(&self, resource: &Object, comparisons: &mut usize) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches_counted(resource, comparisons))
    }
}

/// RFC 9865 §2.4: a client pages by `startIndex` or by `cursor`.
fn pagination(start_index: Option<i64>, cursor: Option<String>) -> Result<Pagination, Error> {
    match (start_index, cursor) {
        (Some(_), Some(_)) => {
            let problem = "startIndex and cursor cannot be sent together. Send only one of them.";
            Err(Error::InvalidValue(problem.to_owned()))
        }
        (None, Some(cursor)) => Ok(Pagination::Cursor(Some(cursor).filter(|cursor| !cursor.is_empty()))),
        (start_index, None) => {
            let start_index = start_index.map_or(1, |number| usize::try_from(number).unwrap_or(0));
            Ok(Pagination::Index(start_index.max(1)))
        }
    }
}

/// The body of a list response (RFC 7644 §3.4.2). `Resources` is present even if it is empty.
pub fn list_response(total: usize, start_index: usize, resources: Vec<Object>) -> Object {
    response(total, ("startIndex", start_index.into()), resources)
}

/// The body of a list response with cursor pagination (RFC 9865 §2): "nextCursor MUST be omitted from a response
/// only to indicate that there are no more result pages".
pub fn cursor_response(total: usize, next: Option<String>, resources: Vec<Object>) -> Object {
    let mut body = response(total, ("nextCursor", next.as_deref().into()), resources);
    if next.is_none() {
        body.shift_remove("nextCursor");
    }
    body
}

fn response(total: usize, (name, value): (&str, Value), resources: Vec<Object>) -> Object {
    Object::from_iter([
        ("schemas".to_owned(), json!([LIST_RESPONSE])),
        ("totalResults".to_owned(), total.into()),
        (name.to_owned(), value),
        ("itemsPerPage".to_owned(), resources.len().into()),
        ("Resources".to_owned(), resources.into_iter().map(Value::Object).collect()),
    ])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn query(kinds: &[Kind], sort_by: Option<&str>, sort_order: Option<&str>) -> Result<Query, Error> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let parameters = Parameters { sort_by: text(sort_by), sort_order: text(sort_order), ..Parameters::default() };
        Query::parse(kinds, parameters, &Dialect::lenient())
    }

    #[test]
    fn start_index_and_count_out_of_range_are_clamped() {
        for (start_index, count, expect) in [
            (None, None, (1, 100)),
            (Some(0), Some(0), (1, 0)),
            (Some(-7), Some(-7), (1, 0)),
            (Some(i64::MIN), Some(i64::MIN), (1, 0)),
            (Some(7), Some(1000), (7, 1000)),
            (Some(i64::MAX), Some(i64::MAX), (i64::MAX as usize, 1000)),
        ] {
            let parameters = Parameters { start_index, count, ..Parameters::default() };
            let query = Query::parse(&[Kind::User], parameters, &Dialect::lenient()).unwrap();
            assert_eq!((query.pagination, query.count), (Pagination::Index(expect.0), expect.1));
        }
    }

    #[test]
    fn cursor_with_start_index_is_refused() {
        let parse = |start_index, cursor: Option<&str>| {
            let parameters = Parameters { start_index, cursor: cursor.map(str::to_owned), ..Parameters::default() };
            Query::parse(&[Kind::User], parameters, &Dialect::lenient()).map(|query| query.pagination)
        };
        assert_eq!(parse(None, Some("")), Ok(Pagination::Cursor(None)));
        assert_eq!(parse(None, Some("x")), Ok(Pagination::Cursor(Some("x".to_owned()))));
        assert_eq!(parse(Some(1), Some("")).unwrap_err().scim_type(), Some("invalidValue"));
    }

    #[test]
    fn identity_is_equal_only_for_queries_of_the_same_list() {
        let identity = |kinds: &[Kind], filter: Option<&str>, sort_by: Option<&str>, order: Option<&str>, count| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let filter = text(filter);
            let sort_by = text(sort_by);
            let sort_order = text(order);
            let parameters = Parameters { filter, sort_by, sort_order, count, ..Parameters::default() };
            Query::parse(kinds, parameters, &Dialect::lenient()).unwrap().identity()
        };
        let plain = identity(&[Kind::User], None, None, None, None);
        assert_eq!(identity(&[Kind::User], None, None, Some("descending"), Some(3)), plain, "an order of nothing");
        let sorted = identity(&[Kind::User], None, Some("TITLE"), None, None);
        assert_eq!(identity(&[Kind::User], None, Some("title"), Some("ASCENDING"), None), sorted);
        let mut all = vec![
            plain,
            sorted,
            identity(&[Kind::Group], None, None, None, None),
            identity(&Kind::ALL, None, None, None, None),
            identity(&[Kind::User], Some("title eq \"a\""), None, None, None),
            identity(&[Kind::User], Some("title eq \"b\""), None, None, None),
            identity(&[Kind::User], None, Some("title"), Some("descending"), None),
        ];
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 7);
    }

    #[test]
    fn query_of_all_kinds_accepts_attributes_of_each_kind() {
        let matches = |filter: &str| {
            let parameters = Parameters { filter: Some(filter.to_owned()), ..Parameters::default() };
            let query = Query::parse(&Kind::ALL, parameters, &Dialect::lenient()).unwrap();
            let user = json!({"userName": "a", "displayName": "A", "meta": {"resourceType": "User"}});
            let group = json!({"displayName": "A", "members": [{"value": "x"}], "meta": {"resourceType": "Group"}});
            let seen = [user, group].map(|resource| resource.as_object().unwrap().clone());
            let found = query.kind_queries.iter().zip(seen).filter(|(part, resource)| part.matches(resource, &mut 0));
            found.map(|(part, _)| part.kind.name()).collect::<Vec<_>>().join(" ")
        };
        for (filter, expect) in [
            ("userName pr", "User"),
            ("members.value pr", "Group"),
            ("displayName eq \"a\"", "User Group"),
            ("not (userName pr)", "Group"),
            ("userName eq \"a\" or members[value eq \"x\"]", "User Group"),
            ("meta.resourceType eq \"Group\"", "Group"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:displayName eq \"a\"", "User"),
            ("not (urn:ietf:params:scim:schemas:core:2.0:User:displayName eq \"a\")", "Group"),
            ("urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr or title pr", "Group"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:displayName ne \"a\"", "Group"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq null", "User Group"),
        ] {
            assert_eq!(matches(filter), expect, "{filter}");
        }
        let parameters = Parameters { filter: Some("nope pr".to_owned()), ..Parameters::default() };
        let error = Query::parse(&Kind::ALL, parameters, &Dialect::lenient()).unwrap_err();
        assert!(error.scim_type() == Some("invalidFilter") && error.to_string().contains("no resource type"));
    }
}
