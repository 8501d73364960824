//! Checks that invalid filters are rejected with the position of the error, and that the response is never an
//! unfiltered list (RFC 7644 §3.4.2.2, §3.12).

use std::time::{Duration, Instant};

use serde_json::json;

use crate::target::{Target, unique};

checks![
    malformed_filter_returns_400,
    meaningless_filter_returns_400,
    group_filter_errors_match_user_filter_errors,
    filter_error_names_the_position,
    too_long_or_too_deep_filter_returns_400,
    very_deep_filter_returns_400_quickly,
];

const SYNTAX: &[&str] = &[
    "",
    " ",
    "userName",
    "userName eq",
    "userName eq \"a",
    "userName eq a\"",
    "userName is \"a\"",
    "eq \"a\"",
    "userName eq \"a\" and",
    "and userName eq \"a\"",
    "userName eq \"a\" userName eq \"b\"",
    "userName eq \"a\" xor userName eq \"b\"",
    "(userName eq \"a\"",
    "userName eq \"a\")",
    "not userName eq \"a\"",
    "not",
    "emails[type eq \"work\"",
    "emails type eq \"work\"]",
    "emails[]",
    "emails[type eq \"work\" or]",
    "userName eq 'a'",
    "userName eq \"\\x\"",
    "userName pr \"a\"",
    "userName == \"a\"",
    "*",
    "()",
    "name..givenName eq \"a\"",
    "userName.eq \"a\"",
    "emails[emails[type eq \"a\"]]",
    "true",
    "\"a\" eq userName",
    "userName eq {}",
];

const MEANING: &[&str] = &[
    "noSuchAttribute eq \"a\"",
    "name.noSuchPart eq \"a\"",
    "emails[noSuchPart eq \"a\"]",
    "displayNames pr",
    "members.value eq \"a\"",
    "urn:example:made:up:1.0:User:title eq \"a\"",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:noSuchAttribute eq \"a\"",
    "active gt true",
    "active lt false",
    "active ge true",
    "active co true",
    "emails[primary gt true]",
    "active eq \"perhaps\"",
    "active eq 1",
    "userName gt 5",
    "title eq true",
    "meta.created gt \"yesterday\"",
    "title[type eq \"a\"]",
    "x509Certificates.value gt \"a\"",
];

fn check_errors(target: &Target, endpoint: &str, filters: &[&str]) {
    let scim = target.client();
    scim.post("/Users", &json!({ "userName": unique("present") })).expect(201);
    for filter in filters {
        let answer =
            scim.list(endpoint, &[("filter", filter), ("count", "10")]).expect_error(400, "invalidFilter", &[]);
        answer.check(answer.detail().chars().any(|c| c.is_ascii_digit()), "expected the position in the detail");
        answer.check(answer["Resources"].is_null(), "expected no list");
    }
}

fn malformed_filter_returns_400(target: &Target) {
    check_errors(target, "/Users", SYNTAX);
}

fn meaningless_filter_returns_400(target: &Target) {
    check_errors(target, "/Users", MEANING);
}

fn group_filter_errors_match_user_filter_errors(target: &Target) {
    check_errors(
        target,
        "/Groups",
        &["userName eq \"a\"", "displayName", "displayName gt true", "members[", "emails.value eq \"a\""],
    );
}

fn filter_error_names_the_position(target: &Target) {
    let scim = target.client();
    // The service may count the position from 0 or from 1.
    for (filter, positions) in [
        ("userName eq \"a\" and bogus eq \"b\"", "20|21"),
        ("userName eq \"a\" and active gt true", "20|21|27|28"),
        ("userName eq \"a\" or (title pr", "18|19|20|28|29|30"),
        ("userName eq \"a\" and emails[type zz \"w\"]", "32|33|27|28"),
    ] {
        scim.list("/Users", &[("filter", filter)]).expect_error(400, "invalidFilter", &[positions]);
    }
}

fn too_long_or_too_deep_filter_returns_400(target: &Target) {
    let scim = target.client();
    let deep = |open: &str, times: usize| format!("{}userName pr{}", open.repeat(times), ")".repeat(times));
    for (filter, limit) in [
        (format!("userName eq \"{}\"", "a".repeat(4_096)), "4096|4,096|4 KB|4 KiB"),
        (format!("userName pr{}", " or userName pr".repeat(300)), "4096|4,096|4 KB|4 KiB"),
        (deep("(", 17), "16"),
        (deep("not (", 17), "16"),
        (deep("(", 1_500), "16"),
        (deep("not (", 600), "16"),
    ] {
        scim.list("/Users", &[("filter", &filter)]).expect_error(400, "invalidFilter", &[limit]);
    }
}

/// The service does not descend through 10,000 levels to reject a filter: that takes no longer than the rejection
/// of a flat filter of the same length. The check compares only the best times, because a busy machine may delay
/// any single request.
fn very_deep_filter_returns_400_quickly(target: &Target) {
    let scim = target.client();
    let time = |filter: &str| {
        let start = Instant::now();
        scim.get(format!("/Users?filter={filter}")).expect_error(400, "invalidFilter", &[]);
        start.elapsed()
    };
    let deep = format!("{}userName%20pr{}", "(".repeat(10_000), ")".repeat(10_000));
    let flat = format!("userName%20eq%20%22{}%22", "a".repeat(20_000));
    let (mut deepest, mut flattest) = (Duration::MAX, Duration::MAX);
    for _ in 0..200 {
        (deepest, flattest) = (deepest.min(time(&deep)), flattest.min(time(&flat)));
        if deepest < flattest * 2 + Duration::from_millis(10) {
            return;
        }
    }
    panic!("the deep filter takes {deepest:?}, but a flat filter takes {flattest:?}");
}
