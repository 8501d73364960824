//! Random filters in random spellings: each prints as a filter with the same meaning (RFC 7644 §3.4.2.2).

use proptest::prelude::*;
use protocol::Filter;
use schema::{Dialect, Kind, Object, resource_type};
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn literal() -> impl Strategy<Value = String> {
    prop_oneof!["[a-cA-C]{0,3}", "\\PC{0,4}"].prop_map(|text| json!(text).to_string())
}

fn comparison(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let operator = prop::sample::select(vec!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "Sw"]);
    prop_oneof![
        4 => (prop::sample::select(texts), operator, literal())
            .prop_map(|(path, operator, text)| format!("{path} {operator} {text}")),
        1 => prop::sample::select(texts).prop_map(|path| format!("{path}  PR")),
        1 => prop::sample::select(texts).prop_map(|path| format!("{path} eq null")),
        1 => any::<bool>().prop_map(|value| format!("active ne {value}")),
        1 => Just(r#"meta.created gt "2024-05-13T06:42:34+02:00""#.to_owned()),
    ]
}

fn nested(leaf: impl Strategy<Value = String> + 'static, depth: u32) -> impl Strategy<Value = String> {
    leaf.prop_recursive(depth, 24, 4, |inner| {
        let joined =
            |word: &'static str| prop::collection::vec(inner.clone(), 2..4).prop_map(move |terms| terms.join(word));
        prop_oneof![
            joined(" and "),
            joined("  OR "),
            inner.clone().prop_map(|term| format!("({term})")),
            inner.prop_map(|term| format!("not({term})"))
        ]
    })
}

fn filter() -> impl Strategy<Value = String> {
    const PATHS: &[&str] = &[
        "userName",
        "TITLE",
        "name.familyName",
        "emails",
        "emails.type",
        "externalId",
        "urn:ietf:params:scim:schemas:core:2.0:User:nickName",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    ];
    const SUBS: &[&str] = &["value", "type", "Display"];
    let element = comparison(SUBS).prop_filter("an element of a list has no attribute of the resource", |text| {
        !text.contains("active") && !text.contains("meta.")
    });
    let element = nested(element, 2).prop_map(|inner| format!("emails[{inner}]"));
    nested(prop_oneof![3 => comparison(PATHS), 1 => element], 3)
}

fn user() -> impl Strategy<Value = Object> {
    let text = || prop::option::of("[a-cA-C]{1,3}");
    (text(), text(), text(), text(), text(), any::<bool>()).prop_map(|(name, title, family, one, other, active)| {
        let mut user = json!({"active": active, "meta": {"created": "2024-05-13T04:42:35Z"},
            "emails": [{"value": one, "type": "a"}, {"value": other, "display": title}],
            "userName": name, "title": title, "name": {"familyName": family}, ENTERPRISE: {"department": title}});
        drop_nulls(&mut user);
        user.as_object().unwrap().clone()
    })
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

proptest! {
    #[test]
    fn printed_filter_has_the_same_meaning(text in filter(), users in prop::collection::vec(user(), 1..6)) {
        let parse = |text: &str| Filter::parse(resource_type(Kind::User), text, &Dialect::strict());
        let filter = match parse(&text) {
            Ok(filter) => filter,
            Err(error) => {
                prop_assert!(error.to_string().contains("nested deeper"), "{text}: {error}");
                return Ok(());
            }
        };
        let printed = filter.to_string();
        let again = parse(&printed).map_err(|error| TestCaseError::fail(format!("{text}\n{printed}\n{error}")))?;
        prop_assert_eq!(again.to_string(), printed);
        for user in &users {
            prop_assert_eq!(filter.matches(user), again.matches(user), "{}", text);
        }
    }
}
