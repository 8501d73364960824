//! Fuzzes cursors (RFC 9865 §2).

use protocol::{Caller, CursorKey, Parameters, Query};
use schema::{Dialect, Kind, Object};
use serde_json::json;

use crate::resources;

const KEY: CursorKey = CursorKey([7; 32]);
const NOW: u64 = 1_800_000_000;

/// Fuzzes cursors: only a cursor that this service issued opens, and every issued cursor opens, whatever values the
/// last resource of a page has.
pub fn cursor(text: &str) {
    let tenant = Caller::from_context("acme", "t", "read", None).unwrap().tenant;
    for sort_by in [None, Some("title"), Some("meta.created"), Some("active")] {
        let parameters = Parameters { sort_by: sort_by.map(str::to_owned), ..Parameters::default() };
        let query = Query::parse(&[Kind::User], parameters, &Dialect::lenient()).unwrap();
        if let Ok(position) = KEY.open(&tenant, &query, text, NOW) {
            assert_eq!(KEY.seal(&tenant, &query, position, NOW).unwrap(), text);
        }
        let value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
        let resource = Object::from_iter([("title".to_owned(), value.clone()), ("active".to_owned(), value.clone())]);
        let resource = resource.into_iter().chain([("meta".to_owned(), json!({ "created": value }))]).collect();
        let position = Some(query.position(Kind::User, resources::id(), &resource).to_saved());
        let sealed = KEY.seal(&tenant, &query, position.clone(), NOW).unwrap();
        assert_eq!(KEY.open(&tenant, &query, &sealed, NOW), Ok(position));
    }
}
