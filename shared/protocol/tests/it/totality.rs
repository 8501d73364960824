//! No text makes a parser panic or take long (RFC 7644 §3.4.2.2, §3.5.2, §3.9, §2).
//!
//! `TOTALITY_CASES` sets the number of texts.

use std::env;
use std::time::{Duration, Instant};

use protocol::{Filter, Patch, Projection, token};
use schema::{Dialect, Kind, resource_type};
use serde_json::json;

const CASES: u32 = 20_000;
/// Words of the random texts. They let a parser read further than arbitrary bytes would.
const PARTS: [&str; 40] = [
    "userName",
    "emails",
    "emails[",
    "members[",
    "value",
    ".value",
    "type",
    " eq ",
    " ne ",
    " co ",
    " pr",
    " and ",
    " or ",
    "not (",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "\\",
    "\"x\"",
    "true",
    "null",
    "12",
    "-1e9",
    "a",
    "é",
    "🦀",
    "\u{0}",
    "\u{2028}",
    ".",
    ":",
    ",",
    "urn:ietf:params:scim:schemas:core:2.0:User:",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:",
    "manager",
    "meta.created",
    "\"2024-05-13T04:42:34Z\"",
    "scim_",
    "Bearer ",
];

fn text(random: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    for _ in 0..random.usize(..12) {
        if random.u8(..4) == 0 {
            let bytes: Vec<u8> = (0..random.usize(..8)).map(|_| random.u8(..)).collect();
            text.push_str(&String::from_utf8_lossy(&bytes));
        } else {
            text.push_str(PARTS[random.usize(..PARTS.len())]);
        }
    }
    text
}

#[test]
fn no_parser_panics() {
    let cases = env::var("TOTALITY_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut parsed_count = 0_u32;
    let started = Instant::now();
    for case in 0..cases {
        let text = text(&mut random);
        let dialect = if case % 2 == 0 { Dialect::lenient() } else { Dialect::strict() };
        let kind = Kind::ALL[random.usize(..2)];
        let parsed = std::panic::catch_unwind(|| {
            let filter = Filter::parse(resource_type(kind), &text, &dialect);
            if let Ok(filter) = &filter {
                let printed = filter.to_string();
                let again = Filter::parse(resource_type(kind), &printed, &Dialect::lenient()).unwrap().to_string();
                assert_eq!(again, printed);
            }
            let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "path": text, "value": text}]});
            let patch = Patch::parse(resource_type(kind), body.as_object().unwrap(), &dialect);
            let projection = Projection::parse(Some(&text), None, &dialect);
            let token = token::parse(&text);
            u32::from(filter.is_ok()) + u32::from(patch.is_ok()) + u32::from(projection.is_ok() && token.is_none())
        });
        parsed_count += parsed.unwrap_or_else(|_| panic!("seed {seed}, case {case}: {text:?}"));
    }
    assert!(parsed_count > 0, "some texts must be valid");
    assert!(started.elapsed() < Duration::from_secs(60) || cases > 1_000_000, "{cases} in {:?}", started.elapsed());
}

#[test]
fn only_generated_tokens_are_parsed() {
    let good = token::generate([1; 8], [2; 32]).to_string();
    for at in 0..good.len() {
        for byte in [b'0', b'z', b'_', b' ', 0xc3] {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = byte;
            let changed = String::from_utf8_lossy(&bytes).into_owned();
            assert!(changed == good || token::parse(&changed).is_none(), "{changed}");
        }
    }
}

#[test]
fn deeply_nested_input_is_refused_quickly() {
    let parse = |text: &str| Filter::parse(resource_type(Kind::User), text, &Dialect::lenient());
    let within = |limit: u64, work: &dyn Fn()| {
        // The test takes the best of three times, because other tests run at the same time.
        let best = (0..3)
            .map(|_| {
                let started = Instant::now();
                work();
                started.elapsed()
            })
            .min()
            .unwrap();
        assert!(best < Duration::from_millis(limit), "{best:?}");
    };
    for deep in
        ["(".repeat(10_000), "not (".repeat(10_000), "emails[".repeat(10_000), "(".repeat(4_096), "not(".repeat(1_024)]
    {
        within(10, &|| assert!(parse(&deep).is_err()));
        let body = json!({"Operations": [{"op": "remove", "path": deep}]});
        let body = body.as_object().unwrap();
        within(10, &|| assert!(Patch::parse(resource_type(Kind::User), body, &Dialect::lenient()).is_err()));
    }
}
