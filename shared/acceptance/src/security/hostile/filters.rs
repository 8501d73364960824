//! Checks of filters with the syntax of patterns, or that could be slow to evaluate (RFC 7644 §3.4.2.2).

use serde_json::json;

use crate::client::Client;
use crate::security::timing::no_slower;
use crate::target::{Target, unique};

checks![pattern_characters_are_plain_text, long_search_text_takes_no_longer_than_a_plain_one,];

/// The ids of the users that a filter finds.
fn found(scim: &Client, filter: &str) -> Vec<String> {
    let found = scim.find("/Users", filter);
    found.iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect()
}

const PATTERNS: [&str; 16] = [
    "(a+)+$",
    ".*",
    "%",
    "_",
    "[a-z]*",
    "^a",
    "a{9}",
    "a|b",
    "\\",
    "\\d",
    "'--",
    "a\" or title pr",
    "*",
    "?",
    "${a}",
    "#",
];

/// Filters have no patterns, so every character matches only itself.
fn pattern_characters_are_plain_text(target: &Target) {
    let scim = target.client();
    let tag = unique("p");
    let titled = |title: &str| {
        let user = json!({ "userName": unique("pattern"), "title": format!("{tag}{title}{tag}") });
        scim.post("/Users", &user).expect(201).id()
    };
    let plain = titled("aaaaaaaaa");
    for (pattern, id) in PATTERNS.map(|pattern| (pattern, titled(pattern))) {
        let whole = json!(format!("{tag}{pattern}{tag}"));
        for operator in ["eq", "co", "sw", "ew"] {
            let found = found(&scim, &format!("title {operator} {whole}"));
            assert_eq!(found, std::slice::from_ref(&id), "{operator} {pattern}");
        }
        let end = json!(format!("{pattern}{tag}"));
        assert!(!found(&scim, &format!("title ew {end}")).contains(&plain), "{pattern}");
    }
}

fn long_search_text_takes_no_longer_than_a_plain_one(target: &Target) {
    let scim = target.client();
    for _ in 0..3 {
        let user = json!({ "userName": unique("hay"), "title": "a".repeat(100_000) });
        scim.post("/Users", &user).expect(201);
    }
    let list = |filter: &str| {
        let answer = scim.list("/Users", &[("filter", filter), ("attributes", "id")]).expect(200);
        answer.check(answer.total() == 0, "expected no user");
        answer
    };
    let many = |needle: &str| vec![format!("title co \"{needle}\""); 19].join(" or ");
    let middle = format!("{}b{}", "a".repeat(1_900), "a".repeat(1_900));
    for (what, needle) in [
        ("a last b", format!("{}b", "a".repeat(3_900))),
        ("a first b", format!("b{}", "a".repeat(3_900))),
        ("a b within", middle),
    ] {
        let plain = format!("title co \"{}\"", "b".repeat(needle.len()));
        no_slower(what, || list(&format!("title co \"{needle}\"")), || list(&plain));
    }
    let short = format!("{}b", "a".repeat(180));
    let other = "b".repeat(181);
    no_slower("19 needles", || list(&many(&short)), || list(&many(&other)));
    let pattern = "(a+)+$".repeat(600);
    no_slower(
        "a pattern",
        || list(&format!("title co \"{pattern}\"")),
        || list(&format!("title co \"{}\"", "b".repeat(3_600))),
    );
}
