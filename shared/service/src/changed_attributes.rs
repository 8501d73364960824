//! The names of the attributes that a change affects, for the change record and the log.

use schema::Object;
use serde_json::Value;

/// The names of the attributes in which two versions of a resource differ; those of an extension follow its URI
/// (RFC 7644 §3.10).
pub(crate) fn changed_attributes(before: &Object, after: &Object, members: bool) -> Vec<String> {
    let is_extension = |name: &str| name.contains(':');
    let mut names = Vec::new();
    for name in changed(before, after) {
        let content = |resource: &Object| resource.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        if is_extension(name) {
            names.extend(changed(&content(before), &content(after)).map(|sub| format!("{name}:{sub}")));
        } else {
            names.push(name.to_owned());
        }
    }
    if members {
        names.push("members".to_owned());
    }
    names
}

fn changed<'a>(before: &'a Object, after: &'a Object) -> impl Iterator<Item = &'a str> {
    let removed = before.keys().filter(|name| !after.contains_key(*name));
    let set = after.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, _)| name);
    set.chain(removed).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changed_attributes_of_extension_are_full_paths() {
        const E: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let object = |json: Value| json.as_object().unwrap().clone();
        for (before, after, members, expect) in [
            (json!({}), json!({"userName": "a", "active": true}), false, vec!["userName", "active"]),
            (json!({"title": "x", "active": true}), json!({"active": false}), false, vec!["active", "title"]),
            (json!({"displayName": "a"}), json!({"displayName": "a"}), true, vec!["members"]),
            (
                json!({E: {"department": "a", "division": "b"}}),
                json!({E: {"department": "c", "costCenter": "d"}}),
                false,
                vec!["E:department", "E:costCenter", "E:division"],
            ),
            (json!({E: {"department": "a"}}), json!({}), false, vec!["E:department"]),
        ] {
            let expect: Vec<String> = expect.into_iter().map(|name| name.replace("E:", &format!("{E}:"))).collect();
            assert_eq!(changed_attributes(&object(before), &object(after), members), expect);
        }
    }
}
