//! Groups with as many members as one request may change, and larger ones.

use serde_json::{Value, json};

use crate::service::{Request, Service, encoded, group, patch, terms};

/// Members that one request may change.
const CHANGES: usize = protocol::limits::MEMBER_CHANGES;
/// Members in a response, and of the largest group that is read.
const MEMBERS: usize = protocol::limits::MEMBERS_IN_RESPONSE as usize;
/// Groups of users in a response.
const ON_A_PAGE: usize = protocol::limits::GROUPS_IN_RESPONSE as usize;
/// Members of each of the groups that fill a page together, each with the same members.
const SMALL_GROUP: usize = 1000;

pub(crate) fn measure(service: &mut Service) {
    let ids = service.user_ids(MEMBERS);
    let members = |count: usize, more: &dyn Fn(usize) -> Value| -> Value {
        ids.iter().take(count).enumerate().map(|(n, id)| with(json!({"value": id}), &more(n))).collect()
    };
    let plain = |count: usize| members(count, &|_| json!({}));
    for count in [1000, CHANGES / 2, CHANGES, MEMBERS] {
        let body = group(&format!("group of {count}"), &json!({"members": plain(count.min(CHANGES))}));
        service.measure(&format!("{count} members"), &Request::send("POST", "/Groups", body));
        let found = service.prepare(&Request::get(format!(
            "/Groups?count=1&attributes=id&filter={}",
            encoded(&format!("displayName eq \"group of {count}\""))
        )));
        let id = match found["Resources"][0]["id"].as_str() {
            Some(id) => id.to_owned(),
            None => return,
        };
        service.settle(&id);
        for more in ids[..count].chunks(CHANGES).skip(1) {
            let more: Value = more.iter().map(|id| json!({"value": id})).collect();
            let add = patch([json!({"op": "add", "path": "members", "value": more})]);
            service.prepare(&Request::send("PATCH", format!("/Groups/{id}?attributes=id"), add));
            service.settle(&id);
        }
        reads(service, &id, count);
        changes(service, &id, count, &plain(count), &ids);
    }
    pages(service, &plain(SMALL_GROUP));
}

/// Pages with as many groups of users as a response may have, and as many members.
fn pages(service: &mut Service, members: &Value) {
    for n in 0..ON_A_PAGE / SMALL_GROUP {
        let body = group(&format!("one of many {n}"), &json!({"members": members}));
        let created = service.prepare(&Request::send("POST", "/Groups?attributes=id", body));
        service.settle(created["id"].as_str().unwrap());
    }
    for target in ["/Groups?count=100", "/Users?count=1000", "/Users?count=1000&attributes=groups.display"] {
        service.measure(&format!("{ON_A_PAGE} members on a page, {target}"), &Request::get(target));
    }
}

fn with(mut member: Value, more: &Value) -> Value {
    member.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    member
}

fn reads(service: &mut Service, id: &str, count: usize) {
    let co = terms(" or ", 300, |n| format!("display co \"z{n}\""));
    let value_co = terms(" or ", 300, |n| format!("members.value co \"z{n}\""));
    let filters = [
        ("members eq", format!("members.value eq \"{id}\"")),
        ("300 co in members", format!("members[{co}]")),
        ("300 co of members", value_co),
        ("members pr", "members pr".to_owned()),
    ];
    for page in ["", "attributes=displayName", "attributes=members.value", "excludedAttributes=members"] {
        service.measure(&format!("{count} members, {page}"), &Request::get(format!("/Groups/{id}?{page}")));
        service.measure(&format!("{count} members, {page}"), &Request::get(format!("/Groups?{page}")));
        for (name, filter) in &filters {
            let target = format!("/Groups?{page}&filter={}", encoded(filter));
            service.measure(&format!("{count} members, {name}, {page}"), &Request::get(target));
        }
    }
    let in_group = encoded(&format!("groups.value eq \"{id}\""));
    for page in ["count=1000", "count=1000&attributes=userName", "count=1000&sortBy=userName"] {
        service.measure(
            &format!("members of a group of {count}, {page}"),
            &Request::get(format!("/Users?{page}&filter={in_group}")),
        );
    }
}

fn changes(service: &mut Service, id: &str, count: usize, members: &Value, ids: &[String]) {
    let path = format!("/Groups/{id}");
    let co = terms(" or ", 300, |n| format!("display co \"z{n}\""));
    let unknown: Value = (0..count).map(|n| json!({"value": format!("unknown-{n}")})).collect();
    let some: Value = ids[..count].iter().take(CHANGES).map(|id| json!({"value": id})).collect();
    let body = |members: &Value| group(&format!("group of {count}"), &json!({"members": members}));
    let by_id = |op: &str, times: usize| -> Value {
        let operation = |id: &String| json!({"op": op, "path": format!("members[value eq \"{id}\"]")});
        patch(ids.iter().take(times).map(operation))
    };
    let filters = |times: usize, filter: &str| {
        patch((0..times).map(|_| json!({"op": "remove", "path": format!("members[{filter}]")})))
    };
    let remove_where = json!({"op": "remove", "path": "members[display eq \"z\"]"});
    let display = "x".repeat(protocol::limits::BODY_BYTES / count);
    let rename = json!({"op": "replace", "path": "members[value pr].display", "value": display});
    let then_filters = |first: Value, times: usize| patch([first].into_iter().chain(vec![remove_where.clone(); times]));
    let requests = [
        (
            "as many as may be added, and 70 removals by eq of display",
            "PATCH",
            then_filters(json!({"op": "add", "path": "members", "value": some}), 70),
        ),
        ("one display for all", "PATCH", patch([rename.clone()])),
        ("one display for all, and 10 removals by eq of display", "PATCH", then_filters(rename, 10)),
        ("add of all, who are members", "PATCH", patch([json!({"op": "add", "path": "members", "value": members})])),
        ("as many as may be removed", "PATCH", patch([json!({"op": "remove", "path": "members", "value": some})])),
        ("as many as may be added", "PATCH", patch([json!({"op": "add", "path": "members", "value": some})])),
        ("1,000 removals by filter", "PATCH", by_id("remove", 1000)),
        (
            "1,000 adds",
            "PATCH",
            patch(ids.iter().take(1000).map(|id| json!({"op": "add", "path": "members", "value": [{"value": id}]}))),
        ),
        ("1 removal by 100 co", "PATCH", filters(1, &co)),
        ("10 removals by 100 co", "PATCH", filters(10, &co)),
        ("1,000 removals by eq of display", "PATCH", filters(1000, "display eq \"z\"")),
        ("the same members", "PUT", body(members)),
        ("unknown members", "PUT", body(&unknown)),
        ("no members", "PUT", group(&format!("group of {count}"), &json!({}))),
    ];
    for (name, method, body) in requests {
        service.measure(&format!("{count} members, {name}"), &Request::send(method, &path, body));
        service.settle(id);
    }
    service.measure(&format!("{count} members before"), &Request { method: "DELETE", target: path, body: None });
}
