//! Which filters are rejected, at which position, and which deviations are accepted.

use proptest::prelude::*;
use schema::{Dialect, Kind, resource_type};

use super::parse;
use crate::filter::Filter;
use crate::limits::{FILTER_BYTES, FILTER_DEPTH};

#[test]
fn invalid_filter_is_refused_with_position() {
    for (text, place) in [
        ("", "character 1: expected an attribute"),
        ("userName", "character 9: expected an operator, but the text ends here"),
        ("userName eq", "character 12: expected a value, but the text ends here"),
        ("title eq boss", "character 10: the value is not quoted"),
        ("userName eq 'b'", "character 13: the value is not quoted"),
        ("userName eq \u{201c}b\u{201d}", "character 13: the value is not quoted"),
        ("userName sw b", "character 13: the value is not quoted"),
        ("emails.type eq work", "character 16: the value is not quoted"),
        ("userName gt 12", "character 10: `userName` is of type string"),
        ("userName eq and title pr", "character 13: expected a value"),
        ("userName eq b(x)", "character 14: expected `and`, `or` or the end"),
        ("userName eq b\"x\"", "character 14: expected `and`, `or` or the end"),
        ("userName is \"x\"", "character 10: `is` is not an operator"),
        ("nope eq \"x\"", "character 1: User has no attribute `nope`"),
        ("title pr and nope pr", "character 14: User has no attribute `nope`"),
        ("emails[nope eq 1]", "character 8: emails has no sub-attribute `nope`"),
        ("emails[type pr", "character 15: the bracket that opens at character 7 is not closed"),
        ("(title pr", "character 10: the bracket that opens at character 1 is not closed"),
        ("title pr)", "character 9: expected `and`, `or` or the end"),
        ("title pr title pr", "character 10: expected `and`, `or` or the end, got `title`"),
        ("title eq \"x", "character 10: the string that begins here has no closing quote"),
        ("title eq \"\\x\"", "character 10: the string that begins here is not a JSON string"),
        ("active gt true", "character 8: `gt` cannot compare `active`"),
        ("active eq 1", "character 8: `active` is of type boolean"),
        ("title gt 5", "character 7: `title` is of type string"),
        ("title gt null", "character 7: `gt` cannot compare with null"),
        ("x509Certificates.value gt \"a\"", "character 24: `gt` cannot compare"),
        ("name eq \"x\"", "character 1: `name` is complex"),
        ("title[value eq \"x\"]", "character 1: `title` has no sub-attributes"),
        ("meta.created gt \"yesterday\"", "character 14: `meta.created` is of type dateTime"),
        ("password eq \"x\"", "character 1: `password` is secret"),
        ("not title pr", "character 1: User has no attribute `not`"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.scim_type(), Some("invalidFilter"));
        assert!(error.to_string().contains(place), "{text}: {error}");
    }
}

#[test]
fn unquoted_word_is_accepted_for_known_attributes() {
    for (kind, text, quoted) in [
        (Kind::User, "userName eq b.j+x@e.com", r#"userName eq "b.j+x@e.com""#),
        (Kind::User, "externalId Eq jyoung and title pr", r#"externalId eq "jyoung" and title pr"#),
        (Kind::User, "id eq 0191b1c8-7a60-7c3e-8a3e-0123456789ab", r#"id eq "0191b1c8-7a60-7c3e-8a3e-0123456789ab""#),
        (Kind::User, "emails eq b@x", r#"emails.value eq "b@x""#),
        (Kind::User, "emails[type eq \"work\" and value eq b@x]", r#"emails[type eq "work" and value eq "b@x"]"#),
        (Kind::User, "emails[type eq \"work\"].value eq b@x", r#"emails[type eq "work" and value eq "b@x"]"#),
        (Kind::Group, "(displayName eq Engineers)", r#"displayName eq "Engineers""#),
        (Kind::Group, "members.value eq a1b2", r#"members.value eq "a1b2""#),
        // The type of the attribute decides, also where the word is a JSON number or boolean.
        (Kind::User, "userName eq 12345", r#"userName eq "12345""#),
        (Kind::User, "title eq 5", r#"title eq "5""#),
        (Kind::User, "emails[type eq 12]", r#"emails[type eq "12"]"#),
        (
            Kind::User,
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq 701984",
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "701984""#,
        ),
        (Kind::User, "externalId eq 701984", r#"externalId eq "701984""#),
        (Kind::User, "userName eq 1e5", r#"userName eq "1e5""#),
        (Kind::User, "userName eq true", r#"userName eq "true""#),
        (Kind::User, "emails[value eq 7]", r#"emails[value eq "7"]"#),
        (Kind::User, "active eq True", "active eq true"),
        (Kind::Group, "members[value eq 12]", r#"members[value eq "12"]"#),
    ] {
        let dialect = Dialect::lenient();
        let filter = Filter::parse(resource_type(kind), text, &dialect).unwrap();
        assert_eq!(filter.to_string(), quoted);
        assert!(dialect.used().any(|leniency| leniency.info().name == "unquotedLiterals"), "{text}");
        let refused = Filter::parse(resource_type(kind), text, &Dialect::strict()).unwrap_err();
        assert!(
            refused.scim_type() == Some("invalidFilter") && refused.to_string().contains("at character"),
            "{refused}"
        );
        let quoted = Filter::parse(resource_type(kind), quoted, &Dialect::strict());
        assert!(quoted.is_ok(), "{quoted:?}");
    }
}

/// RFC 7644 §3.4.2.1 has this filter in an example, without quotes.
#[test]
fn example_of_the_rfc_without_quotes_is_accepted_by_every_dialect() {
    let text = "(meta.resourceType eq User) or (meta.resourceType eq Group)";
    for dialect in [Dialect::lenient(), Dialect::strict(), Dialect::interop()] {
        let filter = Filter::parse(resource_type(Kind::User), text, &dialect).unwrap();
        assert_eq!(filter.to_string(), r#"meta.resourceType eq "User" or meta.resourceType eq "Group""#);
        assert_eq!(dialect.used().count(), 0);
    }
    assert!(parse("userName eq null").is_ok_and(|filter| filter.to_string() == "not (userName pr)"));
}

#[test]
fn filter_beyond_length_or_depth_limit_is_refused() {
    let nested = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(FILTER_DEPTH)).is_ok());
    assert!(parse(&nested(FILTER_DEPTH + 1)).is_err());
    assert!(parse(&"not (".repeat(800)).is_err());
    let long = |bytes: usize| format!("title eq \"{}\"", "x".repeat(bytes - 11));
    assert!(parse(&long(FILTER_BYTES)).is_ok());
    assert!(parse(&long(FILTER_BYTES + 1)).is_err());
}

proptest! {
    #[test]
    fn parser_never_panics(text in r#"([a-zA-Z.:"\[\]() ]|eq|pr|and|not|userName|emails\[|type|\PC){0,40}"#) {
        if let Ok(filter) = parse(&text) {
            let printed = filter.to_string();
            prop_assert_eq!(parse(&printed).map(|again| again.to_string()), Ok(printed));
        }
    }
}
