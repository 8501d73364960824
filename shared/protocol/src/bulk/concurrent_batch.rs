//! Batches of operations that may run concurrently, because they cannot affect each other (RFC 7644 §3.7: "MAY
//! elect to optimize the sequence of operations", "the same stateful result is achieved").

use std::collections::HashSet;

use schema::{Kind, Object, resource_type};
use serde_json::Value;

use super::{Call, Method};
use crate::compare::name_key;

/// A set of operations whose order does not affect the result.
#[derive(Debug, Default)]
pub struct ConcurrentBatch {
    resources: HashSet<(Kind, String)>,
    /// The unique names that the operations claim or release.
    names: HashSet<(Kind, String)>,
    /// The kind of the deleted resources, if all operations are deletes.
    deletes: Option<Kind>,
    /// Whether the batch has an operation that must run alone.
    is_exclusive: bool,
}

impl ConcurrentBatch {
    /// Adds an operation if it may run concurrently with the others, and returns whether it was added. `current` is
    /// the current unique name of its resource, if it is known.
    pub fn try_add(&mut self, call: &Call, current: Option<&str>) -> bool {
        let is_empty = self.resources.is_empty();
        let deletes = (call.method == Method::Delete).then_some(call.kind);
        let is_exclusive = is_exclusive(call);
        if self.is_exclusive || (!is_empty && (is_exclusive || self.deletes != deletes)) {
            return false;
        }
        let resource = (call.kind, call.id.clone());
        let current = current.and_then(|name| name_key(call.kind, name).ok());
        let names: HashSet<(Kind, String)> =
            taken_names(call).into_iter().chain(current).map(|it| (call.kind, it)).collect();
        if self.resources.contains(&resource) || !self.names.is_disjoint(&names) {
            return false;
        }
        self.resources.insert(resource);
        self.names.extend(names);
        self.deletes = deletes;
        self.is_exclusive = is_exclusive;
        true
    }
}

/// Whether an operation must run alone: a PATCH that may rename, because its old and new names are not known here,
/// and a conditional delete of a group, because deleting another group may change its version.
fn is_exclusive(call: &Call) -> bool {
    match call.method {
        Method::Patch => {
            let naming = resource_type(call.kind).naming_attribute().to_ascii_lowercase();
            Value::Object(call.data.clone()).to_string().to_ascii_lowercase().contains(&naming)
        }
        Method::Delete => call.kind == Kind::Group && call.version.is_some(),
        Method::Create | Method::Replace => false,
    }
}

/// The unique names that a POST or PUT claims.
fn taken_names(call: &Call) -> Vec<String> {
    if !matches!(call.method, Method::Create | Method::Replace) {
        return Vec::new();
    }
    let definition = resource_type(call.kind);
    let core = call.data.iter().find(|(name, _)| name.eq_ignore_ascii_case(&definition.schema.id));
    let core: Option<&Object> = core.and_then(|(_, content)| content.as_object());
    let attributes = call.data.iter().chain(core.into_iter().flatten());
    let named = attributes.filter(|(name, _)| name.eq_ignore_ascii_case(definition.naming_attribute()));
    named.filter_map(|(_, name)| name_key(call.kind, name.as_str()?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parse::tests::bulk;
    use super::*;

    #[test]
    fn batch_accepts_only_commuting_operations() {
        let post =
            |path: &str, data: Value| json!({"method": "POST", "path": path, "bulkId": data.to_string(), "data": data});
        let user = |name: &str| post("/Users", json!({"userName": name}));
        let group = |name: &str| post("/Groups", json!({"displayName": name}));
        let put =
            |id: &str, name: &str| json!({"method": "PUT", "path": format!("/Users/{id}"), "data": {"userName": name}});
        let patch = |id: &str, path: &str| {
            json!({"method": "PATCH", "path": format!("/Groups/{id}"),
                "data": {"Operations": [{"op": "add", "path": path}]}})
        };
        let delete = |path: &str| json!({"method": "DELETE", "path": path});
        let conditional = |path: &str| json!({"method": "DELETE", "path": path, "version": "W/\"1\""});
        let core = post("/Users", json!({(schema::USER.to_uppercase()): {"USERNAME": "B"}}));
        for (operations, expect) in [
            (json!([user("a"), user("b"), group("a"), user("c")]), 4),
            (json!([user("a"), user("A")]), 1),
            (json!([user("b"), core]), 1),
            (json!([group("a"), group("b"), group("B")]), 2),
            (json!([put("1", "a"), put("2", "b"), user("c")]), 3),
            (json!([put("1", "a"), put("1", "b")]), 1),
            (json!([put("1", "a"), put("2", "a")]), 1),
            (json!([put("1", "a"), user("old 1")]), 1),
            (json!([put("1", "a"), put("2", "old 1")]), 1),
            (json!([put("1", "old 2"), put("2", "b")]), 1),
            (json!([patch("1", "members"), patch("2", "members"), user("a")]), 3),
            (json!([patch("1", "members"), patch("1", "members")]), 1),
            (json!([patch("1", "DisplayName"), patch("2", "members")]), 1),
            (json!([patch("1", "members"), patch("2", "displayname")]), 1),
            (json!([delete("/Users/1"), delete("/Users/2"), conditional("/Users/3")]), 3),
            (json!([delete("/Users/1"), delete("/Groups/2")]), 1),
            (json!([delete("/Groups/1"), delete("/Groups/2"), conditional("/Groups/3")]), 2),
            (json!([conditional("/Groups/1"), delete("/Groups/2")]), 1),
            (json!([delete("/Users/1"), user("a")]), 1),
            (json!([user("a"), delete("/Users/1")]), 1),
        ] {
            let read = bulk(&operations);
            let mut batch = ConcurrentBatch::default();
            let calls = read.operations.iter().enumerate().map(|(at, operation)| {
                let mut call = operation.call.clone().unwrap();
                let current = (call.method == Method::Replace).then(|| format!("Old {}", call.id));
                if call.method == Method::Create {
                    call.id = format!("new {at}");
                }
                (call, current)
            });
            let added = calls.take_while(|(call, current)| batch.try_add(call, current.as_deref()));
            assert_eq!(added.count(), expect, "{operations}");
        }
    }
}
