//! Checks that the access path of a filter does not change the response: a lookup by key and a scan of the whole
//! directory return the same list (RFC 7644 §3.4.2.1, §3.4.2.2).

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{Client, ENTERPRISE, USER};
use crate::target::Target;

checks![
    key_lookup_and_full_scan_return_the_same: EmptyDirectory,
];

/// Filters are cheaper than the sequences of other randomised checks, so each case tries this number of them.
const FILTERS_PER_CASE: u32 = 6;

/// A value that is too long for a key, so that the service finds it by its hash.
fn long(end: &str) -> String {
    format!("{}{end}", "long".repeat(300))
}

/// Values that differ in case and in the normalization of Unicode, that are prefixes of each other, and that contain
/// the separator of keys.
fn values() -> Vec<String> {
    [
        "Ada",
        "ada",
        "ADA",
        "ada.l",
        "Adam",
        "x",
        "X",
        "x#y",
        "x#",
        "",
        " ",
        "jörg",
        "JO\u{308}RG",
        "jo",
        "Straße",
        "ΟΔΟΣ",
        "οδο",
        "a@x.example",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([long("1"), long("2")])
    .collect()
}

/// Creates users and nested groups with overlapping values, and deletes some of them. Returns the ids of all.
fn create_directory(scim: &Client) -> Vec<String> {
    let mut ids = Vec::new();
    for (at, name) in
        ["Ada", "ada.l", "Adam", "jörg", "Jo", "Straße", "x", "x#y", "ada lovelace", "gone", "οδος"].iter().enumerate()
    {
        let pick = |n: usize| values()[(at * 7 + n) % values().len()].clone();
        let mut user = json!({
            "schemas": [USER, ENTERPRISE], "userName": name, "externalId": pick(0), "displayName": pick(1), "title": pick(2),
            "emails": [{ "value": pick(3), "type": "work" }, { "value": pick(4), "type": "home", "primary": at % 2 == 0 }],
            ENTERPRISE: { "department": pick(5), "manager": { "value": pick(6) } },
        });
        for emptied in ["/externalId", "/emails/0/value", "/emails/1/value"] {
            let value = user.pointer_mut(emptied).unwrap();
            if value.as_str().unwrap().trim().is_empty() {
                *value = "x".into();
            }
        }
        ids.push(scim.post("/Users", &user).expect(201).id());
    }
    let mut groups: Vec<String> = Vec::new();
    for (at, name) in ["Ada", "ada.l", "Team x#", "Οδος", "gone"].iter().enumerate() {
        let mut members: Vec<Value> = ids[at..=at * 2].iter().map(|id| json!({ "value": id })).collect();
        members.push(json!({ "value": ids[9] }));
        members.extend(groups.last().map(|id| json!({ "value": id })));
        let external_id = values()[at * 5 % 9].clone();
        let group = json!({ "displayName": name, "externalId": external_id, "members": members });
        groups.push(scim.post("/Groups", &group).expect(201).id());
    }
    scim.delete(format!("/Users/{}", ids[9])).expect(204);
    scim.delete(format!("/Groups/{}", groups[4])).expect(204);
    ids.append(&mut groups);
    ids
}

/// The attributes of an endpoint that filters compare with texts.
fn text_attributes(endpoint: &str) -> &'static [&'static str] {
    match endpoint {
        "/Users" => {
            &["userName", "externalId", "emails.value", "emails", "displayName", "title", "manager", "department"]
        }
        "/Groups" => &["displayName", "externalId", "members.display"],
        _ => &[
            "userName",
            "externalId",
            "emails.value",
            "displayName",
            "urn:ietf:params:scim:schemas:core:2.0:User:displayName",
            "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
            "urn:ietf:params:scim:schemas:core:2.0:User:externalId",
            "title",
            "manager",
        ],
    }
}

/// The attributes of an endpoint that hold ids.
fn id_attributes(endpoint: &str) -> &'static [&'static str] {
    match endpoint {
        "/Users" => &["id", "groups.value", "groups"],
        "/Groups" => &["id", "members.value", "members"],
        _ => &["id", "groups.value", "members.value"],
    }
}

/// Terms that an endpoint supports.
fn term(endpoint: &str, ids: &[String]) -> BoxedStrategy<String> {
    let text_attributes = text_attributes(endpoint);
    let id_attributes = id_attributes(endpoint);
    let operator = select(vec!["eq", "eq", "eq", "sw", "ne", "co", "ew", "ge"]);
    let compare = (select(text_attributes), operator, select(values()))
        .prop_map(|(attribute, operator, value)| format!("{attribute} {operator} {}", json!(value)));
    let mut all_ids = ids.to_vec();
    all_ids.extend([ids[0].to_uppercase(), "x".to_owned(), "0191b1c8-7a60-7c3e-8a3e-0123456789ab".to_owned()]);
    let by_id = (select(id_attributes), select(vec!["eq", "eq", "eq", "ne"]), select(all_ids.clone()))
        .prop_map(|(attribute, operator, id)| format!("{attribute} {operator} \"{id}\""));
    let present = select([text_attributes, id_attributes].concat()).prop_map(|attribute| format!("{attribute} pr"));
    let kind = select(vec!["User", "Group", "user"]).prop_map(|kind| format!("meta.resourceType eq \"{kind}\""));
    let mut terms = vec![compare.boxed(), by_id.boxed(), present.boxed(), kind.boxed()];
    if endpoint != "/Groups" {
        terms.extend(email_terms());
    }
    if endpoint != "/Users" {
        terms.push(member_term(all_ids));
    }
    proptest::strategy::Union::new(terms).boxed()
}

/// Terms on the elements of `emails`.
fn email_terms() -> [BoxedStrategy<String>; 2] {
    let inner = select(vec![
        "value eq V",
        "type eq \"work\" and value eq V",
        "not (value eq V)",
        "value sw V or primary eq true",
    ]);
    let element = (inner, select(values()))
        .prop_map(|(inner, value)| format!("emails[{}]", inner.replace('V', &json!(value).to_string())));
    let entra = select(values()).prop_map(|value| format!("emails[type eq \"work\"].value eq {}", json!(value)));
    [element.boxed(), entra.boxed()]
}

/// A term on the elements of `members`.
fn member_term(ids: Vec<String>) -> BoxedStrategy<String> {
    let inner =
        select(vec!["value eq \"V\"", "type eq \"Group\" and value eq \"V\"", "value eq \"V\" or type eq \"Group\""]);
    (inner, select(ids)).prop_map(|(inner, id)| format!("members[{}]", inner.replace('V', &id))).boxed()
}

fn filter(endpoint: &str, ids: &[String]) -> impl Strategy<Value = String> + use<> {
    term(endpoint, ids).prop_recursive(3, 8, 3, |inner| {
        let several = |word: &'static str| {
            let terms = prop::collection::vec(inner.clone(), 2..4);
            terms.prop_map(move |terms| terms.iter().map(|term| format!("({term})")).collect::<Vec<_>>().join(word))
        };
        prop_oneof![
            3 => several(" and "),
            2 => several(" or "),
            1 => inner.clone().prop_map(|term| format!("not ({term})")),
        ]
    })
}

fn ids_of(answer: &Answer) -> Vec<String> {
    answer.resources().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn key_lookup_and_full_scan_return_the_same(target: &Target) {
    let scim = target.client();
    let ids = create_directory(&scim);
    let cases = target.random_cases * FILTERS_PER_CASE;
    let found = Cell::new(0);
    for endpoint in ["/Users", "/Groups", ""] {
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let result = runner.run(&filter(endpoint, &ids), |filter| {
            let list = |filter: &str| scim.list(endpoint, &[("filter", filter), ("attributes", "id")]).expect(200);
            let planned = list(&filter);
            // Every resource has an id, so the second term matches nothing, but it rules out a lookup by key.
            let scanned = list(&format!("({filter}) or id eq null"));
            prop_assert_eq!(ids_of(&planned), ids_of(&scanned), "{} {}", endpoint, filter);
            prop_assert_eq!(planned.total(), scanned.total());
            found.set(found.get() + planned.total());
            Ok(())
        });
        result.unwrap();
    }
    assert!(found.get() > u64::from(cases), "expected the filters to find more resources");
}
