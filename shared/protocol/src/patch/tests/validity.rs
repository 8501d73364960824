//! The validity of every outcome.

use proptest::prelude::*;
use schema::{Dialect, Kind, resource_type};
use serde_json::json;

use super::{patch, user};

proptest! {
    /// A PATCH with random values either fails or yields a resource that the schema reads unchanged.
    #[test]
    fn outcome_of_patch_is_a_valid_resource(
        op in "(add|remove|replace)",
        path in prop::sample::select(vec!["title", "name", "name.givenName", "emails", "emails.value",
            "emails[type eq \"work\"]", "emails[type eq \"new\"].value", "emails[primary eq true].type", "manager",
            "active", "roles", "x509Certificates"]),
        value in prop::sample::select(vec![json!("x"), json!(true), json!(null), json!([]), json!({}),
            json!({"value": "v", "primary": true}),
            json!([{"value": "v"}, {"value": "v", "type": "work", "primary": "True"}]), json!({"givenName": ""})]),
    ) {
        if let Ok(patched) = patch(Kind::User, &user(), &json!([{"op": op, "path": path, "value": value}])) {
            let read = resource_type(Kind::User).read(&patched, &Dialect::lenient()).unwrap();
            prop_assert_eq!(read, patched);
        }
    }
}
