//! Decides whether a path with a filter that matches nothing creates an element, such as
//! `emails[type eq "work"].primary`.

use std::collections::{BTreeMap, HashMap};

use schema::Object;
use serde_json::Value;

use super::operation::{AttributeOperation, Creation, Op};
use crate::Comparison;
use crate::filter::{Filter, Operand, Operator};

/// Whether a sub-attribute only qualifies a value.
pub(super) fn is_qualifier(name: &str) -> bool {
    matches!(name, "type" | "primary" | "$ref")
}

/// Decides for the operations that set `type` or `primary` by a filter. Alone, they have no value to qualify; but Entra
/// ID sends them together with the value, before or after it.
pub(super) fn decide(operations: &mut [AttributeOperation]) {
    if !operations.iter().any(sets_qualifier) {
        return;
    }
    // For each filter: whether the last operation on each other sub-attribute assigns it. An operation that removes an
    // element, its value or all elements undoes earlier assignments.
    let mut assigned: HashMap<String, BTreeMap<&str, bool>> = HashMap::new();
    for operation in operations.iter() {
        let name = operation.sub.map_or("", |sub| sub.name.as_str());
        if is_qualifier(name) {
            continue;
        }
        let assigns = operation.op != Op::Remove && has_content(operation.value());
        if operation.filter.is_some() {
            let subs = assigned.entry(selection(operation)).or_default();
            if !assigns && matches!(name, "" | "value") {
                subs.clear();
            }
            subs.insert(name, assigns);
        } else if operation.op != Op::Add && matches!(name, "" | "value") {
            let all = selection(operation);
            let of_attribute = assigned.iter_mut().filter(|(filter, _)| filter.starts_with(&all));
            of_attribute.for_each(|(_, subs)| *subs = BTreeMap::from([("", false)]));
        }
    }
    let of_filter: HashMap<String, Creation> = assigned
        .into_iter()
        .map(|(filter, subs)| {
            (filter, if subs.values().any(|assigned| *assigned) { Creation::Allowed } else { Creation::Skipped })
        })
        .collect();
    for operation in operations.iter_mut().filter(|operation| sets_qualifier(operation)) {
        operation.creation = of_filter.get(&selection(operation)).copied().unwrap_or(Creation::Refused);
    }
}

/// The attribute of an operation, then what its filter selects. It is the same text for two filters that describe the
/// same element.
fn selection(operation: &AttributeOperation) -> String {
    let Some(filter) = &operation.filter else { return format!("{}[", operation.path) };
    let described = described_terms(filter).map(|terms| {
        let terms: Vec<String> =
            terms.into_iter().map(|(name, literal)| format!("{name} {}", key_of(literal))).collect();
        terms.join(" and ")
    });
    format!("{}[{}", operation.path, described.unwrap_or_else(|| filter.to_string()))
}

/// Whether an operation sets a qualifier of what a filter selects.
fn sets_qualifier(operation: &AttributeOperation) -> bool {
    let is_of_qualifier = operation.sub.is_some_and(|sub| is_qualifier(&sub.name));
    is_of_qualifier && operation.filter.is_some() && operation.op != Op::Remove
}

/// Whether a value assigns something besides qualifiers.
fn has_content(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => elements.iter().any(has_content),
        Value::Object(object) => {
            object.iter().any(|(name, value)| !is_qualifier(&name.to_ascii_lowercase()) && has_content(value))
        }
        _ => true,
    }
}

/// The literal as it is compared.
fn key_of(literal: &Operand) -> String {
    match literal {
        Operand::Text { comparison_key, .. } => comparison_key.clone(),
        Operand::DateTime { written, .. } => written.clone(),
        Operand::Boolean(value) => value.to_string(),
        Operand::Number(value) => value.to_string(),
    }
}

/// The element that a filter of the form `type eq literal and primary eq literal` describes. Any other sub-attribute
/// identifies an element instead of describing a new one: `roles[value eq "admin"].display` must not create a role.
pub(super) fn described_element(filter: &Filter) -> Option<Object> {
    let value = |literal: &Operand| match literal {
        Operand::Text { written, .. } | Operand::DateTime { written, .. } => Value::from(written.as_str()),
        Operand::Boolean(value) => Value::Bool(*value),
        Operand::Number(value) => Value::Number(value.clone()),
    };
    let terms = described_terms(filter)?;
    Some(terms.into_iter().map(|(name, literal)| (name.to_owned(), value(literal))).collect())
}

/// The sub-attributes of the element that a filter describes, each with its literal. A filter that wants two values of
/// one sub-attribute matches nothing.
fn described_terms(filter: &Filter) -> Option<BTreeMap<&str, &Operand>> {
    match filter {
        Filter::Compare(Comparison { path, operator: Operator::Eq, operand }) => {
            let name = path.attribute.name.as_str();
            matches!(name, "type" | "primary").then(|| BTreeMap::from([(name, operand)]))
        }
        Filter::And(terms) => terms.iter().try_fold(BTreeMap::new(), |mut described, term| {
            for (name, literal) in described_terms(term)? {
                let earlier = described.insert(name, literal);
                if earlier.is_some_and(|earlier: &Operand| key_of(earlier) != key_of(literal)) {
                    return None;
                }
            }
            Some(described)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use schema::{Dialect, Kind, resource_type};
    use serde_json::json;

    use crate::Patch;

    use super::*;

    /// The attribute after the operations, of a user who has only a `userName`.
    fn patched(attribute: &str, operations: &Value) -> Value {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
        let patch = Patch::parse(resource_type(Kind::User), body.as_object().unwrap(), &Dialect::lenient()).unwrap();
        let user = json!({"userName": "u", "active": true});
        patch.apply(user.as_object().unwrap()).unwrap().get(attribute).cloned().unwrap_or_default()
    }

    #[test]
    fn only_the_removal_of_the_value_skips_its_qualifier() {
        let set = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
        let primary = set("emails[type eq \"work\"].primary", json!(true));
        let value = set("emails[type eq \"work\"].value", json!("w@x"));
        let address = json!([{"type": "work", "primary": true, "value": "w@x"}]);
        // A sub-attribute of all values is none of them.
        let named = json!([primary, value, json!({"op": "remove", "path": "emails.display"})]);
        assert_eq!(patched("emails", &named), address);
        // A filter that wants two types matches nothing, and removes nothing.
        let nothing = json!({"op": "remove", "path": "emails[type eq \"home\" and type eq \"work\"]"});
        assert_eq!(patched("emails", &json!([primary, value, nothing])), address);
        assert_eq!(patched("emails", &json!([nothing, primary, value])), address);
        // All values are removed.
        let all = json!({"op": "remove", "path": "emails"});
        assert_eq!(patched("emails", &json!([value, all, primary])), Value::Null);
    }

    #[test]
    fn filters_are_compared_as_their_attributes_are() {
        let set = |filter: &str, sub: &str, value: Value| {
            let path = format!("emails[{filter}].{sub}");
            json!({"op": "replace", "path": path, "value": value})
        };
        for (one, other) in [("type eq \"ΟΔΟΣ\"", "type eq \"οδος\""), ("type eq \"\u{e9}\"", "type eq \"e\u{301}\"")]
        {
            let operations = json!([set(one, "primary", json!(true)), set(other, "value", json!("w@x"))]);
            assert_eq!(patched("emails", &operations)[0]["primary"], true, "{one}");
        }
    }
}
