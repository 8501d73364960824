//! The examples of filters (RFC 7644 §3.4.2.2), and the sentences that have none.

use serde_json::{Value, json};

use super::babs;
use crate::reference::{Filter, Kind};

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
