//! Projections are idempotent: applying one twice removes nothing more (RFC 7644 §3.9).

use proptest::prelude::*;
use protocol::Projection;
use schema::{Attribute, DataType, Dialect, Kind, Object, Returned, resource_type};
use serde_json::{Value, json};

fn value(attribute: &Attribute) -> BoxedStrategy<Value> {
    let single = match attribute.data_type {
        DataType::Complex => object(&attribute.sub_attributes),
        DataType::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        _ => "[a-z]{1,3}".prop_map(Value::from).boxed(),
    };
    if attribute.multi_valued { prop::collection::vec(single, 1..3).prop_map(Value::from).boxed() } else { single }
}

/// An object with some of these attributes.
fn object(attributes: &[Attribute]) -> BoxedStrategy<Value> {
    let each: Vec<_> = attributes.iter().map(|it| (Just(it.name.clone()), prop::option::of(value(it)))).collect();
    each.prop_map(|pairs| pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect::<Object>().into())
        .boxed()
}

fn resource(kind: Kind) -> impl Strategy<Value = Object> {
    let definition = resource_type(kind);
    let extensions: Vec<_> =
        definition.extensions.iter().map(|it| (Just(it.schema.id.clone()), object(&it.schema.attributes))).collect();
    (object(&definition.schema.attributes), extensions).prop_map(|(core, extensions)| {
        let mut resource = json!({"schemas": ["s"], "id": "1", "meta": {"version": "1"}}).as_object().unwrap().clone();
        resource.extend(core.as_object().unwrap().clone());
        resource.extend(extensions);
        resource
    })
}

/// The names of all attributes and sub-attributes, and some names that do not exist.
fn names(kind: Kind) -> Vec<String> {
    let definition = resource_type(kind);
    let mut names = vec!["nope".to_owned(), "name.nope".to_owned(), definition.schema.id.clone()];
    let with_parts = |prefix: &str, attributes: &[Attribute]| {
        let parts = attributes.iter().flat_map(|it| {
            let subs = it.sub_attributes.iter().map(|sub| format!("{prefix}{}.{}", it.name, sub.name));
            subs.chain([format!("{prefix}{}", it.name)]).collect::<Vec<_>>()
        });
        parts.collect::<Vec<_>>()
    };
    names.extend(with_parts("", &definition.schema.attributes));
    for extension in &definition.extensions {
        names.push(extension.schema.id.clone());
        names.extend(with_parts(&format!("{}:", extension.schema.id), &extension.schema.attributes));
    }
    names
}

fn check(kind: Kind, resource: Object, names: &[String], only: bool) -> Result<(), TestCaseError> {
    let list = names.join(",");
    let (attributes, excluded) = if only { (Some(list.as_str()), None) } else { (None, Some(list.as_str())) };
    let strict = Projection::parse(attributes, excluded, &Dialect::strict());
    prop_assert_eq!(
        strict.is_err(),
        names.iter().any(|name| name.ends_with("nope")),
        "a strict projection rejects unknown names"
    );
    let projection = Projection::parse(attributes, excluded, &Dialect::lenient()).unwrap();
    let once = projection.apply(resource_type(kind), resource.clone());
    prop_assert_eq!(projection.apply(resource_type(kind), once.clone()), once.clone());
    for attribute in resource_type(kind).attributes() {
        let was = resource.get(&attribute.name);
        let is = once.get(&attribute.name);
        match attribute.returned {
            Returned::Always => prop_assert_eq!(was, is),
            Returned::Never => prop_assert!(is.is_none()),
            _ => prop_assert!(was.is_some() || is.is_none(), "the projection adds {}", attribute.name),
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn projection_of_a_user_is_idempotent(
        user in resource(Kind::User),
        chosen in prop::sample::subsequence(names(Kind::User), 1..6),
        only in any::<bool>(),
    ) {
        check(Kind::User, user, &chosen, only)?;
    }

    #[test]
    fn projection_of_a_group_is_idempotent(
        group in resource(Kind::Group),
        chosen in prop::sample::subsequence(names(Kind::Group), 1..4),
        only in any::<bool>(),
    ) {
        check(Kind::Group, group, &chosen, only)?;
    }
}
