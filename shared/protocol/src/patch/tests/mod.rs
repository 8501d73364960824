//! Tables of operations on one user and one group: how they change it, and how they are rejected.

mod clients;
mod creation;
mod members;
mod multi_values;
mod names;
mod refusal;
mod removal;
mod single_values;
mod validity;

use schema::{Dialect, Kind, Object, resource_type};
use serde_json::{Value, json};

use super::object::put;
use crate::{Error, Patch};

const E: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user() -> Value {
    json!({"userName": "b", "name": {"givenName": "B", "familyName": "J"}, "active": true, "title": "T",
        "emails": [{"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}],
        E: {"department": "D", "manager": {"value": "m1", "$ref": "../Users/m1"}}})
}

fn parse(kind: Kind, operations: &Value) -> Result<Patch, Error> {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    Patch::parse(resource_type(kind), body.as_object().unwrap(), &Dialect::lenient())
}

fn patch(kind: Kind, before: &Value, operations: &Value) -> Result<Object, Error> {
    parse(kind, operations)?.apply(before.as_object().unwrap())
}

/// Applies operations to [`user`]; `expect` are the attributes that they change; null for a removed one.
fn check(operations: Value, expect: Value) {
    let patched = patch(Kind::User, &user(), &operations).unwrap_or_else(|error| panic!("{operations}: {error}"));
    let mut want = user();
    for (name, value) in expect.as_object().unwrap() {
        put(want.as_object_mut().unwrap(), name, (!value.is_null()).then(|| value.clone()));
    }
    assert_eq!(Value::Object(patched), want, "{operations}");
}
