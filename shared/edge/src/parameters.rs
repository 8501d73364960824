//! The parameters in the query of a URL (RFC 7644 §3.4.2). RFC 7644 says that unknown parameters should be ignored.
//! This service ignores them, except where the client would mistake the response for that of another query.

use protocol::Error;
use schema::{Object, ResourceType, resource_types};
use strsim::osa_distance;

use crate::Request;

/// Names under which clients send a filter, or a part of one. If the service ignored the filter and returned all
/// resources, the client could change the first of them instead of the one that it searched for.
const OTHER_NAMES_OF_FILTER: [&str; 9] =
    ["search", "searchterm", "q", "query", "where", "criteria", "email", "login", "mail"];

/// Names under which clients send the position of a page, without letter case and punctuation. If the service ignored
/// it and returned the first page again, the client would miss all others.
const OTHER_NAMES_OF_POSITION: [&str; 8] =
    ["startindex", "start", "offset", "skip", "page", "pagenumber", "nextcursor", "pagetoken"];

impl Request {
    /// A query parameter, percent-decoded. Its name is case-sensitive.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`] if it is sent twice, or in another letter case: the response would belong to
    /// another query if it were ignored.
    pub fn query(&self, name: &str) -> Result<Option<&str>, Error> {
        let misspelt = |key: &str| key != name && key.eq_ignore_ascii_case(name);
        if let Some((key, _)) = self.query.iter().find(|(key, _)| misspelt(key)) {
            return Err(Error::InvalidSyntax(format!(
                "Unknown parameter `{key}`. Parameter names are case-sensitive; use `{name}`."
            )));
        }
        match self.query.all(name).as_deref() {
            None | Some([]) => Ok(None),
            Some([value]) => Ok(Some(value)),
            Some(_) => Err(Error::InvalidSyntax(format!("`{name}` is sent more than once. Send it once."))),
        }
    }

    /// A query parameter that is an integer.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] if it is not a number, and the errors of [`Request::query`].
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(text) = self.query(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.trim().parse();
        number.map(Some).map_err(|_| Error::InvalidValue(format!("`{name}` must be an integer.")))
    }

    /// Rejects a parameter that was meant as `filter`: a misspelt one, and one that stands behind a second `?` or in a
    /// URL that was escaped for HTML.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`].
    pub(crate) fn check_filter_names(&self) -> Result<(), Error> {
        if self.query.first("filter").is_some() {
            return Ok(());
        }
        let is_meant = |(name, value): (&str, &str)| is_meant_as_filter(name) || has_second_query(name, value);
        if self.query.iter().any(is_meant) { Err(misplaced_filter()) } else { Ok(()) }
    }

    /// Rejects a parameter that was meant as `startIndex` or `cursor`.
    ///
    /// # Errors
    /// [`Error::InvalidSyntax`].
    pub(crate) fn check_position_names(&self) -> Result<(), Error> {
        check_positions(&self.query.iter().map(|(name, _)| name).collect::<Vec<_>>())
    }
}

fn check_positions(names: &[&str]) -> Result<(), Error> {
    let is_known = |name: &str| name.eq_ignore_ascii_case("startIndex") || name.eq_ignore_ascii_case("cursor");
    if names.iter().any(|name| is_known(name)) {
        return Ok(());
    }
    match names.iter().find(|name| is_meant_as_position(name)) {
        Some(name) => Err(Error::InvalidSyntax(format!(
            "Unknown parameter `{name}`, and without a position the response would be the first page. Send \
             `startIndex` or `cursor`."
        ))),
        None => Ok(()),
    }
}

fn is_meant_as_position(name: &str) -> bool {
    let letters: String = name.chars().filter(char::is_ascii_alphabetic).collect();
    let letters = letters.to_ascii_lowercase();
    OTHER_NAMES_OF_POSITION.contains(&letters.as_str())
        || osa_distance(&letters, "startindex") <= 2
        || osa_distance(&letters, "cursor") <= 1
}

/// Rejects a search that has a member which was meant as `filter`, or as the position of a page.
///
/// # Errors
/// [`Error::InvalidSyntax`].
pub(crate) fn check_search_members(body: &Object) -> Result<(), Error> {
    let has_filter = body.keys().any(|name| name.eq_ignore_ascii_case("filter"));
    if !has_filter && body.keys().any(|name| is_meant_as_filter(name)) {
        return Err(misplaced_filter());
    }
    check_positions(&body.keys().map(String::as_str).collect::<Vec<_>>())
}

/// The text does not name the parameter, because it may hold a part of the filter.
fn misplaced_filter() -> Error {
    Error::InvalidSyntax(
        "The request has no `filter`, but something that looks like one, and without a filter the response would have \
         all resources. Send `filter`: in a URL directly after `?` or `&`, in a search as a member of the body."
            .to_owned(),
    )
}

/// Whether a value continues with the query of a URL that already had one. Filters may contain anything in quotes.
fn has_second_query(name: &str, value: &str) -> bool {
    name != "filter" && ["?filter=", "&filter=", "&amp;filter="].iter().any(|filter| value.contains(filter))
}

fn is_meant_as_filter(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let letters: String = lower.chars().filter(char::is_ascii_alphabetic).collect();
    if name == "filter" {
        return false;
    }
    // One letter may be wrong, or two behind the first: `filters`, `fliter` and `filtre`.
    let misspelt_letters = if letters.starts_with('f') { 2 } else { 1 };
    lower.contains("filter")
        || lower.contains(['?', ' ', '"'])
        || lower.contains("/users")
        || lower.contains("/groups")
        || OTHER_NAMES_OF_FILTER.contains(&letters.as_str())
        || is_attribute(name)
        || is_attribute(&letters)
        || osa_distance(&letters, "filter") <= misspelt_letters
}

/// Whether a name is an attribute of users or groups, or a path that begins with one. Every message has `schemas`.
fn is_attribute(name: &str) -> bool {
    let first = name.split(['.', '[']).next().unwrap_or_default();
    let has = |definition: &ResourceType| {
        let mut extensions = definition.extensions.iter();
        definition.attribute(first).is_some() || extensions.any(|extension| extension.schema.attribute(first).is_some())
    };
    !first.eq_ignore_ascii_case("schemas") && (first.starts_with("urn:") || resource_types().iter().any(has))
}

#[cfg(test)]
mod tests {
    use schema::Kind;
    use serde_json::{Value, json};

    use super::*;
    use crate::request::tests::{event, from_request};

    fn with_query(query: Value) -> Request {
        let mut event = event();
        event["queryStringParameters"] = Value::Null;
        event["multiValueQueryStringParameters"] = query;
        from_request(&event).unwrap()
    }

    #[test]
    fn repeated_or_misspelt_parameter_is_refused() {
        let request = with_query(json!({
            "filter": ["userName eq \"a+b %41\""], "count": ["7"], "startIndex": ["-3"], "counts": ["9"],
            "attributes": ["a", "b"], "excludedAttributes": ["members"], "n": ["1.5"], "empty": [""], "SORTBY": ["x"],
        }));
        assert_eq!(request.query("filter"), Ok(Some("userName eq \"a+b %41\"")));
        assert_eq!(request.query("nothing"), Ok(None));
        assert_eq!(request.query("sortBy").map_err(|error| error.scim_type()), Err(Some("invalidSyntax")));
        assert_eq!(request.integer("count"), Ok(Some(7)));
        assert_eq!(request.integer("startIndex"), Ok(Some(-3)));
        assert_eq!(request.integer("nothing"), Ok(None));
        assert_eq!(request.integer("empty"), Ok(None));
        let fraction = request.integer("n").unwrap_err();
        assert!(fraction.scim_type() == Some("invalidValue") && fraction.to_string().contains("`n`"));
        let twice = request.query("attributes").unwrap_err();
        assert!(twice.scim_type() == Some("invalidSyntax") && twice.to_string().contains("attributes"));
        assert!(request.projection().is_err() && request.list_query(&[Kind::User]).is_err());
    }

    #[test]
    fn parameter_that_is_meant_as_position_returns_400() {
        for name in ["start_index", "startIdex", "StartIndx", "start", "offset", "page", "nextCursor", "cursors"] {
            let refused = with_query(json!({name: ["2"]})).list_query(&[Kind::User]).unwrap_err();
            assert_eq!(refused.scim_type(), Some("invalidSyntax"), "{name}");
            assert!(refused.to_string().contains("`startIndex`"), "{refused}");
        }
        for name in ["count", "x", "tenant", "itemsPerPage"] {
            assert!(with_query(json!({name: ["1"]})).list_query(&[Kind::User]).is_ok(), "{name}");
        }
        assert!(with_query(json!({"startIndex": ["2"], "page": ["2"]})).list_query(&[Kind::User]).is_ok());
    }

    #[test]
    fn parameter_that_is_meant_as_filter_returns_400() {
        for name in [
            "$filter",
            "filters",
            "filter[]",
            "amp;filter",
            "fliter",
            "filtre",
            "filer",
            "Filter ",
            "search",
            "q",
            "query",
            "aadOptscim062020?filter",
            "aadOptscim062020/Users?filter",
            "aadOptscim062020/Users",
            "userName eq \"a\"",
            "userName",
            "emails",
            "emails.value",
            "name.familyName",
            "active",
            "login",
            "user_name",
            "$userName",
            "_id",
            "employeeNumber",
            "urn:ietf:params:scim:schemas:core:2.0:User:userName",
            "searchTerm",
            "where",
        ] {
            let refused = with_query(json!({name: ["userName eq \"a\""]})).list_query(&[Kind::User]).unwrap_err();
            assert_eq!(refused.scim_type(), Some("invalidSyntax"), "{name}");
            assert!(refused.to_string().contains("filter"), "{refused}");
        }
        let second = with_query(json!({"x": ["1?filter=userName eq \"a\""]})).list_query(&[Kind::User]);
        assert_eq!(second.unwrap_err().scim_type(), Some("invalidSyntax"));
        for name in
            ["aadOptscim062020", "_", "cacheBuster", "after", "iter", "alter", "a/b", "tenant", "limit", "filter"]
        {
            let list = with_query(json!({name: ["userName eq \"a\""]})).list_query(&[Kind::User]);
            assert!(list.is_ok(), "{name}");
        }
    }
}
