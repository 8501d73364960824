//! The examples of RFC 7644 §3.4.2.2 and §3.5.2, and the sentences that have none.

use serde_json::{Value, json};

use super::{ENTERPRISE, Filter, GROUP, Kind, MemberDirectory, USER, patch, syntax};

const BABS: &str = "2819c223-7f76-453a-919d-413861904646";
const JAMES: &str = "08e1d05d-121c-4561-8b96-473d93df9210";

/// The user of RFC 7643 §8.2, as far as the examples need it.
fn babs() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "id": BABS, "userName": "bjensen@example.com", "title": "Tour Guide",
        "userType": "Employee", "nickName": "Babs", "active": true,
        "name": { "familyName": "Jensen", "givenName": "Barbara" },
        "emails": [{ "value": "bjensen@example.com", "type": "work", "primary": true },
                   { "value": "babs@jensen.org", "type": "home" }],
        "addresses": [
            { "type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood", "primary": true },
            { "type": "home", "streetAddress": "456 Hollywood Blvd", "locality": "Hollywood" }],
        "ims": [{ "value": "someaimhandle", "type": "aim" }],
        ENTERPRISE: { "employeeNumber": "701984", "manager": { "value": "26118915" } },
        "meta": { "resourceType": "User", "created": "2010-01-23T04:56:22Z", "lastModified": "2011-05-13T04:42:34Z" },
    })
}

fn is_found(filter: &str, resource: &Value) -> bool {
    Filter::parse(filter, &[Kind::User]).unwrap_or_else(|error| panic!("{filter}: {error:?}")).matches(resource)
}

fn is_refused(filter: &str) -> bool {
    Filter::parse(filter, &[Kind::User]).is_err_and(|error| error.scim_types == ["invalidFilter"])
}

#[test]
fn filter_of_figure_2_finds_what_it_says() {
    let found = babs();
    let mut other = babs();
    other["name"]["familyName"] = "O'Malley".into();
    for (filter, is_expected) in [
        ("userName eq \"bjensen\"", false),
        ("userName Eq \"BJENSEN@example.com\"", true),
        ("name.familyName co \"O'Malley\"", false),
        ("userName sw \"J\"", false),
        ("userName sw \"B\"", true),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"B\"", true),
        ("title pr", true),
        ("meta.lastModified gt \"2011-05-13T04:42:34Z\"", false),
        ("meta.lastModified ge \"2011-05-13T04:42:34Z\"", true),
        ("meta.lastModified lt \"2011-05-13T04:42:34Z\"", false),
        ("meta.lastModified le \"2011-05-13T06:42:34+02:00\"", true),
        ("title pr and userType eq \"Employee\"", true),
        ("title pr or userType eq \"Intern\"", true),
        ("schemas eq \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"", true),
        ("userType eq \"Employee\" and (emails co \"example.com\" or emails.value co \"example.org\")", true),
        ("userType ne \"Employee\" and not (emails co \"example.com\" or emails.value co \"example.org\")", false),
        ("userType eq \"Employee\" and (emails.type eq \"work\")", true),
        ("userType eq \"Employee\" and emails[type eq \"work\" and value co \"@example.com\"]", true),
        (
            "emails[type eq \"work\" and value co \"@example.com\"] or ims[type eq \"xmpp\" and value co \"@foo.com\"]",
            true,
        ),
        ("ims[type eq \"xmpp\" and value co \"@foo.com\"]", false),
    ] {
        assert_eq!(is_found(filter, &found), is_expected, "{filter}");
    }
    assert!(is_found("name.familyName co \"O'Malley\"", &other));
}

#[test]
fn filter_follows_the_tables_and_the_order_of_operations() {
    for (filter, is_expected) in [
        // Brackets: one and the same value; without them, any value for each condition.
        ("emails[type eq \"work\" and value ew \"jensen.org\"]", false),
        ("emails.type eq \"work\" and emails.value ew \"jensen.org\"", true),
        ("emails[type eq \"home\" and not (primary eq true)]", true),
        // `and` before `or`, and parentheses before both.
        ("title pr or nickName eq \"x\" and nickName eq \"y\"", true),
        ("(title pr or nickName eq \"x\") and nickName eq \"y\"", false),
        ("not (title pr) or title pr", true),
        ("not(title pr or nickName pr)", false),
        ("title gt \"tour\" and title lt \"tour guidf\"", true),
        ("title co \"R G\" and title ew \"GUIDE\" and title sw \"tOUR\"", true),
        ("displayName pr", false),
        ("displayName eq \"x\"", false),
        ("displayName ne \"x\"", true),
        ("displayName eq null and title ne null", true),
        ("emails.primary eq null", false),
        ("displayName gt \"a\" or displayName lt \"a\" or displayName co \"\"", false),
        ("emails.type ne \"work\"", true),
        ("addresses.primary ne true", true),
        ("phoneNumbers.type ne \"work\"", true),
        ("ims.display ne \"x\" and ims[display ne \"x\"]", true),
        ("emails.primary eq false", true),
        ("emails[type eq \"home\" and primary pr]", false),
        ("emails[type eq \"home\" and primary eq false]", true),
        ("phoneNumbers.primary eq false", false),
        ("name pr and not (phoneNumbers pr)", true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"26118915\"", true),
        ("id eq \"2819C223-7F76-453A-919D-413861904646\"", false),
        ("nickName eq \"b\\u0061bs\"", true),
    ] {
        assert_eq!(is_found(filter, &babs()), is_expected, "{filter}");
    }
}

#[test]
fn filter_outside_the_grammar_or_the_schema_is_invalid() {
    for filter in [
        "",
        "title",
        "title regex \"a\"",
        "title eq",
        "title eq a",
        "title eq \"a",
        "title eq \"a\" and",
        "(title pr",
        "title pr)",
        "not title pr",
        "title  pr",
        "emails[]",
        "emails[type eq \"work\"",
        "emails[type eq \"work\"].value eq \"x\"",
        "emails[emails[type pr]]",
        "active gt true",
        "active eq True",
        "emails.primary le false",
        "x509Certificates.value ge \"AAAA\"",
        "name eq \"a\"",
        "addresses eq \"a\"",
        "noSuchAttribute pr",
        "members pr",
        "title[value pr]",
        "meta.created gt \"yesterday\"",
        "title eq 5",
        "password eq \"a\"",
    ] {
        assert!(is_refused(filter), "{filter}");
    }
}

#[test]
fn filter_of_several_types_takes_a_foreign_attribute_as_unassigned() {
    let group = json!({ "displayName": "A", "meta": { "resourceType": "Group" } });
    for (filter, is_expected) in [
        ("userName pr", false),
        ("userName eq \"a\"", false),
        ("emails[type pr]", false),
        ("not (userName pr) and displayName eq \"a\"", true),
    ] {
        let parsed = Filter::parse(filter, &[Kind::User, Kind::Group]).unwrap();
        assert_eq!(parsed.matches(&group), is_expected, "{filter}");
    }
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
fn add_of_section_3_5_2_1_adds_members_and_attributes() {
    let add = |id: &str, name: &str| json!([{ "op": "add", "path": "members", "value": [{ "display": name, "$ref": "https://example.com/v2/Users/x", "value": id }] }]);
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
        "type": "work", "streetAddress": "911 Universal City Plaza", "region": "CA", "country": "US", "primary": true });
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
