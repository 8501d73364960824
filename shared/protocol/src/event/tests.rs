use serde_json::{Value, json};

use super::*;
use crate::Tenant;
use crate::limits::EVENT_BYTES;

const ISSUER: &str = "https://api.example/scim/v2";
const ADA: &str = "0191b1c8-7a60-7c3e-8a3e-0000000000aa";
const STAFF: &str = "0191b1c8-7a60-7c3e-8a3e-0000000000bb";
const TXN: &str = "0191b1c8-7a60-7c3e-8a3e-0000000000cc";

fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).unwrap()
}

fn numbered(number: usize) -> ResourceId {
    id(&format!("0191b1c8-7a60-7c3e-8a3e-{number:012x}"))
}

fn change(kind: Kind, change_type: ChangeType, before: Option<u64>, attributes: &[&str]) -> Change {
    Change {
        id: id(TXN),
        tenant: Tenant::named("acme").unwrap(),
        token: "t-1".to_owned(),
        kind,
        resource: id(if kind == Kind::User { ADA } else { STAFF }),
        change_type,
        attributes: attributes.iter().map(|name| (*name).to_owned()).collect(),
        before,
        after: (change_type != ChangeType::Deleted).then(|| before.unwrap_or(0) + 1),
        members: MemberDelta::default(),
        display_updated: Vec::new(),
        is_chunked: false,
        group_exits: Vec::new(),
        active: None,
        at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        previous_at: None,
    }
}

fn current(version: u64) -> CurrentResource {
    let resource = json!({"schemas": [schema::USER], "id": ADA, "externalId": "00u1", "userName": "ada"});
    CurrentResource { version, resource: resource.as_object().unwrap().clone() }
}

/// Names, and the events claim of each.
fn types_and_payloads(change: &Change, current: Option<&CurrentResource>) -> Vec<(&'static str, Value)> {
    let events = events(change, &[], ISSUER, current);
    events.into_iter().map(|event| (event.event_type.as_str(), event.claims["events"].clone())).collect()
}

#[test]
fn event_has_the_claims_of_the_rfcs_and_of_the_product() {
    let created = change(Kind::User, ChangeType::Created, None, &["userName", "active"]);
    let [event] = &events(&created, &[], ISSUER, None)[..] else { panic!("one event") };
    let expect = json!({
        "jti": format!("{TXN}.user.created"), "txn": TXN, "iat": 1_767_323_045, "iss": ISSUER,
        "sub_id": {"format": "scim", "uri": format!("/Users/{ADA}"), "id": ADA},
        "events": {"urn:ietf:params:scim:event:prov:create:notice": {"version": "W/\"1\"",
            "attributes": ["userName", "active"]}},
        "tenant": "acme",
    });
    assert_eq!(Value::Object(event.claims.clone()), expect);
    assert_eq!((event.uri.as_str(), event.version), (&*format!("/Users/{ADA}"), Some(1)));
    assert_eq!(events(&created, &[], ISSUER, None), std::slice::from_ref(event), "the same for each delivery");
}

#[test]
fn deletion_has_the_version_that_is_greater_than_all_before_it() {
    let deleted = change(Kind::User, ChangeType::Deleted, Some(2), &[]);
    let event = &events(&deleted, &[], ISSUER, None)[0];
    assert_eq!(event.claims["version"], "W/\"3\"");
    assert_eq!(event.claims["events"], json!({"urn:ietf:params:scim:event:prov:delete": {}}), "RFC 9967 §2.4.4");
    let updated = change(Kind::User, ChangeType::Updated, Some(2), &["title"]);
    assert!(!events(&updated, &[], ISSUER, None)[0].claims.contains_key("version"), "it is in the payload");
}

#[test]
fn each_change_has_its_event_types() {
    let prov = |event: &str, payload: Value| json!({format!("urn:ietf:params:scim:event:prov:{event}"): payload});
    let title = prov("put:notice", json!({"version": "W/\"3\"", "attributes": ["title"]}));
    let active = prov("put:notice", json!({"version": "W/\"3\"", "attributes": ["active"]}));
    let members =
        |version: u64| prov("patch:notice", json!({"version": format!("W/\"{version}\""), "attributes": ["members"]}));
    let turned = |to| Change { active: Some(to), ..change(Kind::User, ChangeType::Updated, Some(2), &["active"]) };
    let joined = MemberDelta { added: vec![id(ADA)], removed: vec![] };
    let group = |change_type, before, attributes| Change {
        members: joined.clone(),
        ..change(Kind::Group, change_type, before, attributes)
    };
    let exits = |version| vec![GroupExit { group: id(STAFF), version, previous_at: None }];
    for (change, expect) in [
        (change(Kind::User, ChangeType::Updated, Some(2), &["title"]), vec![("user.updated", title)]),
        (
            turned(false),
            vec![
                ("user.updated", active.clone()),
                ("user.deactivated", prov("deactivate", json!({"version": "W/\"3\""}))),
            ],
        ),
        (
            turned(true),
            vec![("user.updated", active), ("user.reactivated", prov("activate", json!({"version": "W/\"3\""})))],
        ),
        (change(Kind::User, ChangeType::Deleted, Some(2), &[]), vec![("user.deleted", prov("delete", json!({})))]),
        (
            Change { group_exits: exits(Some(7)), ..change(Kind::User, ChangeType::Deleted, Some(2), &[]) },
            vec![("user.deleted", prov("delete", json!({}))), ("group.members.changed", members(7))],
        ),
        (
            Change { group_exits: exits(None), ..change(Kind::User, ChangeType::Deleted, Some(2), &[]) },
            vec![
                ("user.deleted", prov("delete", json!({}))),
                ("group.members.changed", prov("patch:notice", json!({"attributes": ["members"]}))),
            ],
        ),
        (
            group(ChangeType::Created, None, &["displayName", "members"]),
            vec![
                (
                    "group.created",
                    prov("create:notice", json!({"version": "W/\"1\"", "attributes": ["displayName", "members"]})),
                ),
                ("group.members.changed", members(1)),
            ],
        ),
        (group(ChangeType::Updated, Some(2), &["members"]), vec![("group.members.changed", members(3))]),
        (
            group(ChangeType::Updated, Some(2), &["displayName", "members"]),
            vec![
                (
                    "group.updated",
                    prov("put:notice", json!({"version": "W/\"3\"", "attributes": ["displayName", "members"]})),
                ),
                ("group.members.changed", members(3)),
            ],
        ),
        // A member's display name changes, and no member is added or removed.
        (
            change(Kind::Group, ChangeType::Updated, Some(2), &["members"]),
            vec![("group.updated", prov("put:notice", json!({"version": "W/\"3\"", "attributes": ["members"]})))],
        ),
        (change(Kind::Group, ChangeType::Deleted, Some(2), &[]), vec![("group.deleted", prov("delete", json!({})))]),
    ] {
        assert_eq!(types_and_payloads(&change, None), expect, "{change:?}");
    }
}

#[test]
fn membership_event_lists_members_of_its_group() {
    let pushed = Change {
        members: MemberDelta { added: vec![numbered(1)], removed: vec![numbered(2), numbered(3)] },
        ..change(Kind::Group, ChangeType::Updated, Some(2), &["members"])
    };
    let [event] = &events(&pushed, &[], ISSUER, None)[..] else { panic!("one event") };
    let ids = |claim: &str| event.claims[claim].as_array().unwrap().len();
    assert_eq!((event.claims["added"][0].as_str(), ids("added"), ids("removed")), (Some(numbered(1).as_str()), 1, 2));
    assert!(event.claims.get("part").is_none());
    assert_eq!(event.claims["jti"], format!("{TXN}.group.members.changed"));

    let [one, two] = [(STAFF, Some(4)), (TXN, None)].map(|(group, version)| GroupExit {
        group: id(group),
        version,
        previous_at: None,
    });
    let gone = Change { group_exits: vec![one, two], ..change(Kind::User, ChangeType::Deleted, Some(2), &[]) };
    let published = events(&gone, &[], ISSUER, None);
    let about = |event: &Event| (event.uri.clone(), event.claims["jti"].clone(), event.claims["removed"].clone());
    assert_eq!(
        published[1..].iter().map(about).collect::<Vec<_>>(),
        [STAFF, TXN].map(|group| (
            format!("/Groups/{group}"),
            json!(format!("{TXN}.group.members.changed.{group}")),
            json!([ADA])
        ))
    );
}

#[test]
fn many_member_ids_are_split_into_numbered_events() {
    let ids = |from: usize, to: usize| (from..to).map(numbered).collect::<Vec<_>>();
    let parts: Vec<MemberDelta> = (0..21)
        .map(|at| MemberDelta { added: ids(at * 100, at * 100 + 90), removed: ids(at * 100 + 90, at * 100 + 100) })
        .collect();
    let large = Change { is_chunked: true, ..change(Kind::Group, ChangeType::Updated, Some(2), &["members"]) };
    let published = events(&large, &parts, ISSUER, None);
    assert_eq!(published.len(), 3, "2,100 ids by 1,000");
    let mut seen = (Vec::new(), Vec::new());
    for (event, number) in published.iter().zip(1..) {
        assert_eq!((&event.claims["part"], &event.claims["parts"]), (&json!(number), &json!(3)));
        assert_eq!(event.claims["jti"], format!("{TXN}.group.members.changed.{number}"));
        assert!(serde_json::to_string(&event.claims).unwrap().len() < 64_000);
        seen.0.extend(event.claims["added"].as_array().unwrap().clone());
        seen.1.extend(event.claims["removed"].as_array().unwrap().clone());
    }
    let all = |of: fn(&MemberDelta) -> &Vec<ResourceId>| {
        parts.iter().flat_map(of).map(|id| json!(id.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(seen, (all(|part| &part.added), all(|part| &part.removed)));
    assert_eq!(events(&large, &parts, ISSUER, None), published, "the same for each delivery");
}

#[test]
fn event_contains_resource_of_matching_version() {
    let of = |change: &Change, version| {
        let current = current(version);
        let event = events(change, &[], ISSUER, Some(&current)).remove(0);
        let (uri, payload) = event.claims["events"].as_object().unwrap().iter().next().unwrap();
        assert!(payload.get("data").is_some() != payload.get("attributes").is_some(), "one of the two: {payload}");
        assert_eq!(uri.ends_with(":full"), payload.get("data").is_some(), "{uri}");
        assert_eq!(event.claims["sub_id"].get("externalId").is_some(), payload.get("data").is_some());
        (uri.rsplit_once("prov:").unwrap().1.to_owned(), payload["version"].clone())
    };
    let user = change(Kind::User, ChangeType::Updated, Some(2), &["title"]);
    let group = change(Kind::Group, ChangeType::Updated, Some(2), &["displayName"]);
    for (change, version, expect) in [
        (&user, 3, "put:full"),
        (&user, 4, "put:notice"),
        (&user, 2, "put:notice"),
        (&group, 3, "put:full"),
        (&group, 4, "put:full"),
        (&group, 2, "put:notice"),
        (&change(Kind::User, ChangeType::Created, None, &["userName"]), 1, "create:full"),
    ] {
        assert_eq!(of(change, version), (expect.to_owned(), json!(entity(change))), "{change:?} at {version}");
    }
    assert_eq!(types_and_payloads(&change(Kind::User, ChangeType::Deleted, Some(2), &[]), Some(&current(3))).len(), 1);
    let data =
        types_and_payloads(&user, Some(&current(3)))[0].1["urn:ietf:params:scim:event:prov:put:full"]["data"].clone();
    assert_eq!(data, Value::Object(current(3).resource));
}

fn entity(change: &Change) -> String {
    crate::entity_tag(change.after.unwrap())
}

#[test]
fn event_of_oversized_resource_is_a_notice() {
    let user = change(Kind::User, ChangeType::Updated, Some(2), &["title"]);
    let mut large = current(3);
    large.resource.insert("title".to_owned(), "x".repeat(EVENT_BYTES).into());
    let [event] = &events(&user, &[], ISSUER, Some(&large))[..] else { panic!("one event") };
    assert!(event.claims["events"].get("urn:ietf:params:scim:event:prov:put:notice").is_some());
    large.resource.insert("title".to_owned(), "x".repeat(EVENT_BYTES - 1000).into());
    let [event] = &events(&user, &[], ISSUER, Some(&large))[..] else { panic!("one event") };
    assert!(event.claims["events"].get("urn:ietf:params:scim:event:prov:put:full").is_some());
}
