//! Tables of filters on one user: which of them match.

use schema::{Dialect, Kind, resource_type};
use serde_json::json;

use super::{ENTERPRISE, parse, user};
use crate::filter::{Filter, Operator};

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
            let user = json!({"userName": value, "title": value, "emails": [{"value": value}],
                ENTERPRISE: {"department": value}});
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
