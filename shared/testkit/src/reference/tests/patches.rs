//! The examples of PATCH (RFC 7644 §3.5.2), and the sentences that have none.

use serde_json::{Value, json};

use super::{BABS, JAMES, babs};
use crate::reference::{ENTERPRISE, GROUP, Kind, MemberDirectory, USER, patch, syntax};

type PatchResult = Result<Value, Vec<&'static str>>;

fn of_user(operations: &Value) -> PatchResult {
    let result = patch(Kind::User, &babs(), operations.as_array().unwrap(), &MemberDirectory::default());
    result.map_err(|error| error.scim_types)
}

/// The change of a user by one operation, as the attribute `name` afterwards.
fn user_has(operation: Value, name: &str) -> Value {
    of_user(&json!([operation])).unwrap_or_else(|error| panic!("{operation}: {error:?}"))[name].clone()
}

fn group() -> Value {
    let member = json!({ "value": BABS, "display": "Babs Jensen", "type": "User", "$ref": "u/babs" });
    json!({ "schemas": [GROUP], "id": "g", "displayName": "Tour Guides", "members": [member] })
}

fn of_group(operations: &Value) -> PatchResult {
    let resources =
        [(BABS, "u/babs"), (JAMES, "u/james")].map(|(id, url)| (id.to_owned(), ("User".into(), url.into())));
    let directory = MemberDirectory { resources: resources.into(), id: "g".to_owned() };
    let result = patch(Kind::Group, &group(), operations.as_array().unwrap(), &directory);
    result.map_err(|error| error.scim_types)
}

fn names_of_members(operations: &Value) -> Vec<Value> {
    let group = of_group(operations).unwrap_or_else(|error| panic!("{operations}: {error:?}"));
    let members = group["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["display"].clone()).collect()
}

#[test]
fn path_of_figure_8_is_in_the_grammar() {
    for (path, rest) in [
        ("addresses[type eq \"work\"]", ""),
        ("members[value eq \"2819c223-7f76-453a-919d-413861904646\"]", ""),
        ("members[value eq \"2819c223-7f76-453a-919d-413861904646\"].displayName", ".displayName"),
    ] {
        let (_, filter) = path.split_once('[').unwrap();
        assert_eq!(syntax::value_filter(filter).unwrap().1, rest);
    }
    // RFC 7643 has no sub-attribute `displayName` of members.
    let operation = json!({ "op": "remove", "path": format!("members[value eq \"{BABS}\"].displayName") });
    assert_eq!(of_group(&json!([operation])).unwrap_err(), ["invalidPath"]);
}

#[test]
fn add_of_section_3_5_2_1_adds_members_and_attributes() {
    let add = |id: &str, name: &str| {
        json!([{ "op": "add", "path": "members",
            "value": [{ "display": name, "$ref": "https://example.com/v2/Users/x", "value": id }] }])
    };
    assert_eq!(of_group(&add(BABS, "Babs Jensen")), Ok(group()));
    assert_eq!(names_of_members(&add(JAMES, "James Smith")), ["Babs Jensen", "James Smith"]);
    let added = json!({ "op": "add", "value": {
        "emails": [{ "value": "babs@example.org", "type": "other" }], "nickname": "Barb" } });
    assert_eq!(user_has(added.clone(), "nickName"), "Barb");
    assert_eq!(user_has(added, "emails").as_array().unwrap().len(), 3);
    let same = json!([{ "op": "add", "path": "emails", "value": { "value": "BABS@jensen.org", "type": "home" } }]);
    let mut expected = babs();
    expected["emails"][1]["value"] = "BABS@jensen.org".into();
    assert_eq!(of_user(&same), Ok(expected));
    assert_eq!(of_user(&json!([{ "op": "add", "path": "title", "value": null }])), Ok(babs()));
}

#[test]
fn remove_of_section_3_5_2_2_removes_members_and_values() {
    let by_id = |id: &str| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    let james = json!([{ "display": "James Smith", "value": JAMES }]);
    let both = json!([{ "display": "Babs Jensen", "value": BABS }, { "display": "James Smith", "value": JAMES }]);
    assert_eq!(names_of_members(&json!([by_id(BABS)])), [] as [Value; 0]);
    assert_eq!(of_group(&json!([by_id(JAMES)])), Ok(group()));
    assert_eq!(names_of_members(&json!([{ "op": "remove", "path": "members" }])), [] as [Value; 0]);
    let exchanged = json!([by_id(BABS), { "op": "add", "path": "members", "value": james }]);
    assert_eq!(names_of_members(&exchanged), ["James Smith"]);
    let anew = json!([{ "op": "remove", "path": "members" }, { "op": "add", "path": "members", "value": both }]);
    assert_eq!(names_of_members(&anew), ["Babs Jensen", "James Smith"]);
    let by_both = json!({ "op": "remove", "path": "emails[type eq \"work\" and value ew \"example.com\"]" });
    assert_eq!(user_has(by_both, "emails"), json!([{ "value": "babs@jensen.org", "type": "home" }]));
    assert_eq!(user_has(json!({ "op": "remove", "path": "emails[value pr]" }), "emails"), Value::Null);
    assert_eq!(
        user_has(json!({ "op": "remove", "path": "emails[value pr].value" }), "emails")[1],
        json!({ "type": "home" })
    );
    assert_eq!(user_has(json!({ "op": "remove", "path": "ims[type eq \"x\"]" }), "ims"), babs()["ims"]);
    assert_eq!(user_has(json!({ "op": "remove", "path": "displayName" }), "title"), "Tour Guide");
    for (path, scim_type) in
        [("userName", "mutability"), ("id", "mutability"), ("groups", "mutability"), ("x", "invalidPath")]
    {
        assert_eq!(of_user(&json!([{ "op": "remove", "path": path }])), Err(vec![scim_type]), "{path}");
    }
    assert_eq!(of_user(&json!([{ "op": "remove" }])), Err(vec!["noTarget"]));
}

#[test]
fn replace_of_section_3_5_2_3_replaces_members_and_addresses() {
    let both = json!([{ "display": "Babs Jensen", "value": BABS }, { "display": "James Smith", "value": JAMES }]);
    let all = json!([{ "op": "replace", "path": "members", "value": both }]);
    assert_eq!(names_of_members(&all), ["Babs Jensen", "James Smith"]);
    let work = json!({
        "type": "work", "streetAddress": "911 Universal City Plaza", "region": "CA", "country": "US",
        "primary": true });
    let whole = json!({ "op": "replace", "path": "addresses[type eq \"work\"]", "value": work });
    assert_eq!(user_has(whole, "addresses"), json!([work, babs()["addresses"][1]]));
    let street =
        json!({ "op": "replace", "path": "addresses[type eq \"work\"].streetAddress", "value": "1010 Broadway Ave" });
    let mut expected = babs()["addresses"].clone();
    expected[0]["streetAddress"] = "1010 Broadway Ave".into();
    assert_eq!(user_has(street, "addresses"), expected);
    let absent = json!([{ "op": "replace", "path": "addresses[type eq \"x\"].streetAddress", "value": "1" }]);
    assert_eq!(of_user(&absent), Err(vec!["noTarget"]));
    let name = json!({ "op": "replace", "path": "name", "value": { "givenName": "B", "middleName": "J" } });
    assert_eq!(user_has(name, "name"), json!({ "familyName": "Jensen", "givenName": "B", "middleName": "J" }));
    assert_eq!(user_has(json!({ "op": "replace", "path": "title", "value": null }), "title"), Value::Null);
}

#[test]
fn new_primary_replaces_the_old() {
    let replace = json!({ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true });
    let emails = user_has(replace, "emails");
    assert_eq!((&emails[0]["primary"], &emails[1]["primary"]), (&json!(false), &json!(true)));
    let add = json!({ "op": "add", "path": "emails", "value": [{ "value": "x", "primary": true }] });
    let emails = user_has(add, "emails");
    assert_eq!((&emails[0]["primary"], &emails[2]["primary"]), (&json!(false), &json!(true)));
    let several = json!([{ "op": "replace", "path": "emails[value pr].primary", "value": true }]);
    assert_eq!(of_user(&several), Err(vec!["invalidValue"]));
}

#[test]
fn schemas_follow_the_extension() {
    let remove = json!({ "op": "remove", "path": ENTERPRISE });
    assert_eq!(user_has(remove.clone(), "schemas"), json!([USER]));
    let add = json!({ "op": "add", "path": format!("{ENTERPRISE}:employeeNumber"), "value": "1" });
    let user = of_user(&json!([remove, add])).unwrap();
    assert_eq!((&user["schemas"], &user[ENTERPRISE]), (&json!([USER, ENTERPRISE]), &json!({ "employeeNumber": "1" })));
}

#[test]
fn later_operation_sees_what_an_earlier_one_has_made() {
    let add = json!({ "op": "add", "path": "members", "value": [{ "value": JAMES, "display": "James" }] });
    let operations = json!([add, { "op": "remove", "path": "members[display sw \"jam\"]" }]);
    assert_eq!(of_group(&operations), Ok(group()));
    let operations = json!([add, { "op": "replace", "path": "members[value pr].type", "value": "x" }]);
    assert_eq!(of_group(&operations), Err(vec!["mutability"]));
}

#[test]
fn error_of_any_operation_refuses_the_request() {
    for (operation, scim_type) in [
        (json!({ "op": "replace", "path": "title", "value": 5 }), "invalidValue"),
        (json!({ "op": "replace", "path": "profileUrl", "value": "no URI" }), "invalidValue"),
        (json!({ "op": "replace", "path": "active", "value": "true" }), "invalidValue"),
        (json!({ "op": "add", "path": "emails", "value": [{}] }), "invalidValue"),
        (json!({ "op": "add", "path": "emails.value", "value": "a" }), "invalidPath"),
        (json!({ "op": "add", "path": "x509Certificates", "value": [{ "value": "a%" }] }), "invalidValue"),
        (json!({ "op": "replace", "path": "id", "value": "a" }), "mutability"),
        (json!({ "op": "move", "path": "title" }), "invalidSyntax"),
        (json!({ "op": "remove", "path": "title", "value": "a" }), "invalidSyntax"),
    ] {
        let valid = json!({ "op": "replace", "path": "title", "value": "a" });
        assert_eq!(of_user(&json!([valid, operation])), Err(vec![scim_type]), "{operation}");
    }
}
