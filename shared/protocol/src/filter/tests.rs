//! Tables of filters: which resources match, which filters are rejected at which position, and how filters are
//! printed.

use proptest::prelude::*;
use schema::{Dialect, Kind, Object, resource_type};
use serde_json::json;

use super::*;
use crate::limits::{FILTER_BYTES, FILTER_DEPTH};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn parse(text: &str) -> Result<Filter, crate::Error> {
    Filter::parse(resource_type(Kind::User), text, &Dialect::lenient())
}

fn user() -> Object {
    let user = json!({
        "id": "0191b1c8-7a60-7c3e-8a3e-0123456789ab", "externalId": "Ext-1", "userName": "Bjensen@Example.com",
        "name": {"givenName": "Barbara", "familyName": "O'Malley"}, "title": "Tour Guide", "active": true,
        "emails": [{"value": "b@work.com", "type": "work", "primary": true}, {"value": "B@Home.com", "type": "home"}],
        "roles": [{"value": "a", "primary": true}],
        "meta": {"created": "2024-05-13T04:42:34Z", "lastModified": "2024-05-13T04:42:34.123Z", "resourceType": "User"},
        ENTERPRISE: {"department": "Tour", "employeeNumber": "701984", "manager": {"value": "M-1"}},
    });
    user.as_object().unwrap().clone()
}

#[test]
fn filters_match_by_type_and_case() {
    for (text, expect) in [
        (r#"userName eq "bjensen@example.COM""#, true),
        (r#"userName Eq "ｂjensen@example.com""#, true),
        (r#"USERNAME sw "BJ""#, true),
        (r#"userName co "ensen" and userName ew ".com""#, true),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "b""#, true),
        (r#"externalId eq "ext-1""#, false),
        (r#"externalId eq "Ext-1""#, true),
        (r#"name.familyName co "O'Malley""#, true),
        (r#"name.familyName gt "o'maa""#, true),
        (r#"name.familyName lt "o'maa""#, false),
        ("title pr", true),
        ("nickName pr", false),
        ("not (nickName pr)", true),
        ("nickName ne \"x\"", true),
        ("title eq null", false),
        ("nickName eq null", true),
        ("title ne null", true),
        ("active eq true", true),
        (r#"active eq "True""#, true),
        ("active ne true", false),
        (r#"roles[primary eq "True"].value eq "a""#, true),
        (r#"meta.created eq "2024-05-13T06:42:34+02:00""#, true),
        (r#"meta.lastModified gt "2024-05-13T04:42:34Z""#, true),
        (r#"meta.created ge "2024-05-14T00:00:00""#, false),
        (r#"meta.created sw "2024-05""#, true),
        (r#"emails eq "B@WORK.com""#, true),
        (r#"emails.value ne "b@work.com""#, true),
        (r#"emails[type eq "work" and value co "@work.com"]"#, true),
        (r#"emails[type eq "home" and value co "@work.com"]"#, false),
        (r#"emails[type eq "work"].value eq "b@work.com""#, true),
        (r#"emails[type eq "home"].value eq "b@work.com""#, false),
        (r#"emails[not (type eq "work")]"#, true),
        (&format!(r#"{ENTERPRISE}:department eq "TOUR""#), true),
        (&format!(r#"{ENTERPRISE}:manager.value eq "m-1""#), false),
        (r#"manager eq "M-1""#, true),
        // `and` binds closer than `or`.
        (r#"title pr or nickName pr and active eq false"#, true),
        (r#"(title pr or nickName pr) and active eq false"#, false),
        (r#"schemas pr"#, false),
        (r#"title eq "tour\u0020guide""#, true),
    ] {
        let filter = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(filter.matches(&user()), expect, "{text}");
        let printed = filter.to_string();
        let again = parse(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
        assert_eq!(again.to_string(), printed);
        assert_eq!(again.matches(&user()), expect, "{printed}");
    }
}

/// RFC 7644 §3.4.2.2, table 3: each operator with an operand below, equal to and above the value.
/// Each value is compared with each literal, both as they are and decomposed.
#[test]
fn operators_agree_on_spellings_of_one_text() {
    for (value, literal, found_by) in [
        ("Café", "CAFÉ", "eq sw ew co ge le"),
        ("Café Royal", "caFÉ", "ne sw co gt ge"),
        ("Grand Café", "CAFÉ", "ne ew co gt ge"),
        ("ΟΔΟΣ", "οδος", "eq sw ew co ge le"),
        ("οδος", "ΟΔΟΣ", "eq sw ew co ge le"),
        ("οδοσ", "οδος", "eq sw ew co ge le"),
        ("ΟΔΟΣΣΕΑ", "οδος", "ne sw co gt ge"),
        ("ή οδός", "ΟΔΌΣ", "ne ew co lt le"),
        // `é` is another letter than `e` in both spellings, and `한` is another syllable than `하`.
        ("été", "e", "ne gt ge"),
        ("한국", "하", "ne gt ge"),
        ("ệ", "ẹ", "ne gt ge"),
    ] {
        use unicode_normalization::UnicodeNormalization;
        let decomposed = |text: &str| text.nfd().collect::<String>();
        for value in [value.to_owned(), decomposed(value)] {
            let user = json!({"userName": value, "title": value, "emails": [{"value": value}], ENTERPRISE: {"department": value}});
            for literal in [literal.to_owned(), decomposed(literal)] {
                for path in ["userName", "title", "emails.value", &format!("{ENTERPRISE}:department")] {
                    let found = Operator::ALL.map(|(name, _)| name).into_iter().filter(|operator| {
                        let filter = parse(&format!("{path} {operator} \"{literal}\"")).unwrap();
                        filter.matches(user.as_object().unwrap())
                    });
                    let expect = Operator::ALL.map(|(name, _)| name).into_iter().filter(|name| found_by.contains(name));
                    assert!(found.eq(expect), "{path}: {value:?}, {literal:?}");
                }
            }
        }
    }
}

#[test]
fn order_operators_compare_below_at_and_above_a_value() {
    const VALUES: [(&str, [&str; 3]); 3] = [
        ("title", ["TOUR", "tour GUIDE", "tour guides"]),
        ("externalId", ["EXT-1", "Ext-1", "ext-1"]),
        // As texts, these would be in another order.
        ("meta.created", ["2024-05-13T14:42:33+10:00", "2024-05-13T06:42:34+02:00", "2024-05-12T23:42:35-05:00"]),
    ];
    for (operator, expect) in [
        ("eq", [false, true, false]),
        ("ne", [true, false, true]),
        ("gt", [true, false, false]),
        ("ge", [true, true, false]),
        ("lt", [false, false, true]),
        ("le", [false, true, true]),
    ] {
        for (path, literals) in VALUES {
            let asked = literals.map(|literal| format!("{path} {operator} \"{literal}\""));
            let found = asked.each_ref().map(|text| parse(text).unwrap().matches(&user()));
            assert_eq!(found, expect, "{asked:?}");
        }
    }
}

#[test]
fn substring_operators_match_at_their_position() {
    for (path, beginning, middle, end) in [
        ("userName", "BJEN", "sen@", "e.COM"),
        ("externalId", "Ext", "xt-", "-1"),
        ("meta.created", "2024-", "-05-13T", ":34Z"),
    ] {
        for (operator, expect) in [("sw", [true, false, false]), ("co", [true; 3]), ("ew", [false, false, true])] {
            let asked = [beginning, middle, end].map(|part| format!("{path} {operator} \"{part}\""));
            let found = asked.each_ref().map(|text| parse(text).unwrap().matches(&user()));
            assert_eq!(found, expect, "{asked:?}");
        }
    }
    assert!(!parse("externalId co \"ext\"").unwrap().matches(&user()));
}

/// RFC 7643 §2.4: an element without `primary` is not primary.
#[test]
fn element_without_primary_is_not_primary() {
    for (text, expect) in [
        ("emails.primary eq false", true),
        ("emails[type eq \"home\" and primary eq false]", true),
        ("emails[type eq \"home\" and primary ne true]", true),
        ("emails[type eq \"work\" and primary eq false]", false),
        ("roles.primary eq false", false),
        ("roles[primary ne true]", false),
        // False, because there is no value.
        ("photos.primary eq false", false),
    ] {
        assert_eq!(parse(text).unwrap().matches(&user()), expect, "{text}");
    }
}

#[test]
fn invalid_filter_is_refused_with_position() {
    for (text, place) in [
        ("", "character 1: expected an attribute"),
        ("userName", "character 9: expected an operator, but it ends here"),
        ("userName eq", "character 12: expected a value, but it ends here"),
        ("title eq boss", "character 10: the value is not quoted"),
        ("userName eq 'b'", "character 13: the value is not quoted"),
        ("userName eq \u{201c}b\u{201d}", "character 13: the value is not quoted"),
        ("userName sw b", "character 13: the value is not quoted"),
        ("emails.type eq work", "character 16: the value is not quoted"),
        ("userName gt 12", "character 10: the value must be of the type of `userName`"),
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
        ("active eq 1", "character 8: the value must be of the type of `active`"),
        ("title gt 5", "character 7: the value must be of the type of `title`"),
        ("title gt null", "character 7: `gt` cannot compare with null"),
        ("x509Certificates.value gt \"a\"", "character 24: `gt` cannot compare"),
        ("name eq \"x\"", "character 1: `name` is complex"),
        ("title[value eq \"x\"]", "character 1: `title` has no sub-attributes"),
        ("meta.created gt \"yesterday\"", "character 14: the value must be of the type of `meta.created`"),
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

#[test]
fn values_compared_returns_literals_of_value_comparisons() {
    for (text, expect) in [
        (r#"members.value eq "a""#, Some(vec!["a"])),
        (r#"members eq "a" or not (members[value eq "b"])"#, Some(vec!["a", "b"])),
        (r#"displayName eq "x" and members.value eq "a""#, Some(vec!["a"])),
        (r#"displayName pr"#, Some(vec![])),
        (r#"members pr"#, None),
        (r#"members.value ne "a""#, None),
        (r#"members.value sw "a""#, None),
        (r#"members.display eq "a""#, None),
        (r#"members.value eq "a" and members.type eq "User""#, None),
        (r#"members[value eq "a" and type eq "User"]"#, None),
    ] {
        let filter = Filter::parse(resource_type(Kind::Group), text, &Dialect::lenient()).unwrap();
        assert_eq!(filter.values_compared("members"), expect, "{text}");
    }
}
