//! Random operations yield the result of a plain model, all or none (RFC 7644 §3.5.2).

use proptest::prelude::*;
use protocol::{Error, Patch};
use schema::{Dialect, Kind, Object, resource_type};
use serde_json::{Value, json};

use crate::model::{ENTERPRISE, Email, Field, InvalidOperation, Op, Operation, Part, User};

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "A"]).prop_map(str::to_owned)
}

fn maybe() -> impl Strategy<Value = Option<String>> {
    prop::option::of(text())
}

fn kind() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["work", "home", "other"]).prop_map(str::to_owned)
}

fn op() -> impl Strategy<Value = Op> {
    prop::sample::select(vec![Op::Add, Op::Remove, Op::Replace])
}

fn email() -> impl Strategy<Value = Email> {
    (text(), prop::option::of(kind()), maybe(), prop::option::of(any::<bool>()))
        .prop_map(|(value, kind, display, primary)| Email { value: Some(value), kind, display, primary })
}

fn user() -> impl Strategy<Value = User> {
    let emails = prop::collection::vec(email(), 0..4);
    (maybe(), maybe(), maybe(), maybe(), maybe(), maybe(), emails).prop_map(
        |(title, nick_name, given, family, department, manager, emails)| {
            let mut user = User { title, nick_name, given, family, department, manager, emails: Vec::new() };
            user.apply(&Operation::Emails(Op::Replace, emails));
            user
        },
    )
}

fn operation() -> impl Strategy<Value = Operation> {
    let field = prop::sample::select(vec![
        Field::Title,
        Field::NickName,
        Field::Given,
        Field::Family,
        Field::Department,
        Field::Manager,
    ]);
    let part = prop_oneof![
        maybe().prop_map(Part::Value),
        maybe().prop_map(Part::Display),
        any::<bool>().prop_map(Part::Primary),
    ];
    prop_oneof![
        2 => (op(), field, maybe()).prop_map(|(op, field, value)| Operation::Field(op, field, value)),
        1 => (op(), prop::option::of(maybe()), prop::option::of(maybe()))
            .prop_map(|(op, given, family)| Operation::Name(op, given, family)),
        2 => (op(), prop::collection::vec(email(), 0..3)).prop_map(|(op, emails)| Operation::Emails(op, emails)),
        2 => (op(), kind(), email(), any::<bool>()).prop_map(|(op, kind, email, whole)| {
            let value = email.value.clone().filter(|_| whole);
            Operation::Matching(op, kind, Email { value, display: Some("d".to_owned()), ..email })
        }),
        3 => (op(), kind(), part).prop_map(|(op, kind, part)| Operation::MatchingPart(op, kind, part)),
    ]
}

/// An operation that usually can succeed, though its success may depend on the user, and sometimes always fails.
fn any_operation() -> impl Strategy<Value = Operation> {
    let kinds = vec![
        InvalidOperation::ReadOnly,
        InvalidOperation::Required,
        InvalidOperation::WrongType,
        InvalidOperation::Unknown,
    ];
    prop_oneof![
        14 => operation(),
        1 => prop::sample::select(kinds).prop_map(Operation::Invalid),
    ]
}

/// An operation that always fails, and the `scimType` of its error (RFC 7644 §3.12).
fn invalid_operation(invalid: InvalidOperation) -> (Value, &'static str) {
    match invalid {
        InvalidOperation::ReadOnly => (json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
        InvalidOperation::Required => (json!({"op": "remove", "path": "userName"}), "mutability"),
        InvalidOperation::WrongType => (json!({"op": "add", "path": "title", "value": 5}), "invalidValue"),
        InvalidOperation::Unknown => (json!({"op": "add", "path": "nope", "value": "x"}), "invalidPath"),
    }
}

/// The operation in JSON, as an identity provider writes it, with a path or, if the operation permits it, without
/// one.
fn written(operation: &Operation, with_path: bool) -> Value {
    let (op, path, value) = match operation {
        Operation::Field(op, field, value) => (op, path(*field).to_owned(), json!(value)),
        Operation::Name(op, given, family) => {
            let mut name = Object::new();
            name.extend(given.iter().map(|given| ("givenName".to_owned(), json!(given))));
            name.extend(family.iter().map(|family| ("familyName".to_owned(), json!(family))));
            (op, "name".to_owned(), Value::Object(name))
        }
        Operation::Emails(op, emails) => {
            (op, "emails".to_owned(), emails.iter().map(|email| email.to_json().unwrap()).collect())
        }
        Operation::Matching(op, kind, email) => (op, format!("emails[type eq \"{kind}\"]"), email.to_json().unwrap()),
        Operation::MatchingPart(op, kind, part) => {
            let (name, value) = match part {
                Part::Value(value) => ("value", json!(value)),
                Part::Display(display) => ("display", json!(display)),
                Part::Primary(primary) => ("primary", json!(primary)),
            };
            (op, format!("emails[type eq \"{kind}\"].{name}"), value)
        }
        Operation::Invalid(invalid) => return invalid_operation(*invalid).0,
    };
    match op {
        Op::Remove => json!({"op": "remove", "path": path}),
        op if with_path => json!({"op": format!("{op:?}").to_lowercase(), "path": path, "value": value}),
        op => json!({"op": format!("{op:?}"), "value": {path: value}}),
    }
}

fn path(field: Field) -> &'static str {
    match field {
        Field::Title => "title",
        Field::NickName => "nickName",
        Field::Given => "name.givenName",
        Field::Family => "name.familyName",
        Field::Department => "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        Field::Manager => "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    }
}

fn patch(before: &Value, operations: Vec<Value>) -> Result<Value, Error> {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    let patch = Patch::parse(resource_type(Kind::User), body.as_object().unwrap(), &Dialect::lenient())?;
    patch.apply(before.as_object().unwrap()).map(Value::Object)
}

proptest! {
    #[test]
    fn patch_yields_the_result_of_the_model(
        user in user(), operations in prop::collection::vec((any_operation(), any::<bool>()), 1..6),
    ) {
        let before = user.to_json();
        let all = operations.iter().map(|(operation, with_path)| written(operation, *with_path)).collect();
        let mut model = user.clone();
        let done = model.apply_all(operations.iter().map(|(operation, _)| operation));
        match patch(&before, all) {
            Ok(after) => {
                prop_assert!(done, "the model rejects the request, but the service returns {after}");
                prop_assert_eq!(after, model.to_json());
            }
            Err(error) => {
                let refusals = operations.iter().filter_map(|(operation, _)| match operation {
                    Operation::Invalid(invalid) => Some(invalid_operation(*invalid).1),
                    _ => None,
                });
                let keyword = error.scim_type().unwrap();
                prop_assert!(!done && refusals.chain(["noTarget"]).any(|expect| expect == keyword), "{}", error);
            }
        }
    }

    /// A request with several operations yields the result of several requests. Only together may they create an
    /// e-mail that is primary first and gets its value later.
    #[test]
    fn operations_are_applied_in_order(user in user(), operations in prop::collection::vec(operation(), 1..6)) {
        if operations.iter().any(|operation| matches!(operation, Operation::MatchingPart(_, _, Part::Primary(_)))) {
            return Ok(());
        }
        let all: Vec<Value> = operations.iter().map(|operation| written(operation, true)).collect();
        let apply = |before: Value, operation: &Value| patch(&before, vec![operation.clone()]);
        let one_by_one = all.iter().try_fold(user.to_json(), apply);
        prop_assert_eq!(patch(&user.to_json(), all), one_by_one);
    }

    /// A repeated operation changes nothing, unless its first application changed which values its path selects.
    #[test]
    fn patch_without_effect_leaves_user_unchanged(user in user(), operation in operation()) {
        if matches!(operation, Operation::Matching(..)) {
            return Ok(());
        }
        let operation = vec![written(&operation, true)];
        if let Ok(once) = patch(&user.to_json(), operation.clone()) {
            match patch(&once, operation) {
                Ok(twice) => prop_assert_eq!(twice, once),
                Err(error) => prop_assert_eq!(error.scim_type(), Some("noTarget")),
            }
        }
    }
}

#[test]
fn user_of_the_model_is_valid_for_the_schema() {
    let user = User { department: Some("D".to_owned()), manager: Some("m".to_owned()), ..User::default() };
    assert_eq!(user.to_json()[ENTERPRISE], json!({"department": "D", "manager": {"value": "m"}}));
    let read = resource_type(Kind::User).read(user.to_json().as_object().unwrap(), &Dialect::lenient()).unwrap();
    assert_eq!(Value::Object(read), user.to_json());
}
