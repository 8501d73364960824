//! The pure steps: they need only a request and a resource.

use std::hint::black_box;

use gungraun::prelude::*;
use protocol::{Filter, Patch, Projection};
use schema::{Dialect, Kind, Object, resource_type};
use serde_json::{Value, json};

const PATCH: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[
    {"op":"replace","path":"name.familyName","value":"Jensen"},
    {"op":"Replace","path":"emails[type eq \"work\"].value","value":"babs@example.com"},
    {"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Tours"},
    {"op":"replace","value":{"active":false}}]}"#;
const SEARCH: &str =
    r#"userName sw "b" and (emails[type eq "work" and value co "@example.com"] or not (title pr)) and active eq true"#;

fn user() -> Object {
    object(json!({
        "userName": "bjensen@example.com", "externalId": "701984", "displayName": "Babs Jensen", "active": true, "title": "Guide",
        "name": {"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen", "givenName": "Barbara", "middleName": "Jane"},
        "emails": [{"value": "bjensen@example.com", "type": "work", "primary": true}, {"value": "babs@jensen.org", "type": "home"}],
        "phoneNumbers": [{"value": "555-555-5555", "type": "work"}], "locale": "en-US", "timezone": "America/Los_Angeles",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "701984", "department": "Operations"},
        "meta": {"created": "2010-01-23T04:56:22Z", "lastModified": "2011-05-13T04:42:34.5Z"},
    }))
}

fn object(value: Value) -> Object {
    value.as_object().unwrap().clone()
}

fn text(text: &'static str) -> &'static str {
    // A process initialises some values once, above all the schemas. They are initialised here and not counted.
    filter(text);
    text
}

fn filter(text: &str) -> Filter {
    Filter::parse(resource_type(Kind::User), text, &Dialect::lenient()).unwrap()
}

#[library_benchmark]
#[bench::user_name(args = (r#"userName eq "bjensen@example.com""#), setup = text)]
#[bench::long(args = (SEARCH), setup = text)]
fn filter_parse(text: &'static str) -> Filter {
    filter(black_box(text))
}

fn searched(text: &'static str) -> (Filter, Object) {
    let filter = filter(text);
    let user = user();
    filter.matches(&user);
    (filter, user)
}

#[library_benchmark]
#[bench::long(args = (SEARCH), setup = searched)]
fn filter_match((filter, user): (Filter, Object)) -> bool {
    black_box(&filter).matches(black_box(&user))
}

fn request(text: &'static str) -> Object {
    filter("active eq true");
    object(serde_json::from_str(text).unwrap())
}

#[library_benchmark]
#[bench::of_four(args = (PATCH), setup = request)]
fn patch_parse(body: Object) -> Patch {
    patch(black_box(&body))
}

fn patch(body: &Object) -> Patch {
    Patch::parse(resource_type(Kind::User), body, &Dialect::lenient()).unwrap()
}

fn patched(text: &'static str) -> (Patch, Object) {
    let patch = patch(&request(text));
    let user = user();
    patch.apply(&user).unwrap();
    (patch, user)
}

#[library_benchmark]
#[bench::of_four(args = (PATCH), setup = patched)]
fn patch_apply((patch, user): (Patch, Object)) -> Object {
    black_box(&patch).apply(black_box(&user)).unwrap()
}

fn read(_: ()) -> Object {
    let mut user = user();
    user.remove("meta");
    resource_type(Kind::User).read(&user, &Dialect::lenient()).unwrap();
    user
}

#[library_benchmark]
#[bench::user(args = (()), setup = read)]
fn resource_read(body: Object) -> Object {
    resource_type(Kind::User).read(black_box(&body), &Dialect::lenient()).unwrap()
}

fn projected(attributes: &'static str) -> (Projection, Object) {
    let attributes = Some(attributes).filter(|names| !names.is_empty());
    let projection = Projection::parse(attributes, None, &Dialect::lenient()).unwrap();
    projection.apply(resource_type(Kind::User), user());
    (projection, user())
}

#[library_benchmark]
#[bench::all(args = (""), setup = projected)]
#[bench::some(args = ("userName,emails.value,name.familyName"), setup = projected)]
fn project((projection, user): (Projection, Object)) -> Object {
    black_box(&projection).apply(resource_type(Kind::User), user)
}

#[library_benchmark]
#[bench::user(user())]
fn serialise(user: Object) -> String {
    serde_json::to_string(black_box(&user)).unwrap()
}

library_benchmark_group!(
    name = step,
    benchmarks = [filter_parse, filter_match, patch_parse, patch_apply, resource_read, project, serialise]
);
