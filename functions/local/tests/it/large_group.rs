//! A read of a group of 100,000 members returns all of them or an error, never a part of them.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use testkit::engine;
use uuid::Uuid;

use crate::outage::proxy::{item, load};
use crate::server::{Data, Server};
use acceptance::raw::{RawAnswer, send};
use acceptance::unique;

/// The most members in a response.
const MEMBERS: usize = 100_000;
/// The largest response of Lambda in bytes; a body that is not text is encoded in base64.
const ANSWER: usize = 6 * 1024 * 1024;

/// Changes the item of the group as if it had these members, whose edges are already in the table.
fn grow(tenant: &str, group: &str, count: usize, ids: &[String]) {
    let marks: u64 = ids.iter().map(|id| u64::from_str_radix(&id[26..], 16).unwrap()).sum();
    let mut item = item(tenant, &format!("{tenant}#group"), group);
    item["memberCount"] = json!({ "N": count.to_string() });
    item["memberMarks"] = json!({ "N": marks.to_string() });
    load(tenant, &[item]);
}

fn edge(tenant: &str, group: &str, member: &str) -> Value {
    let display = format!("Somebody {}@example.com", &member[30..]);
    json!({
        "pk": { "S": format!("{tenant}#member#{group}") }, "sk": { "S": member }, "type": { "S": "User" }, "display": { "S": display },
    })
}

fn get(server: &Server, path: &str, coding: &str) -> RawAnswer {
    send(&server.target(), "GET", path, &[("Accept-Encoding", coding)], b"")
}

fn unpacked(answer: &RawAnswer) -> Value {
    assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")));
    let bytes = answer.body.len().div_ceil(3) * 4;
    assert!(bytes < ANSWER, "{bytes} bytes in base64");
    let mut text = String::new();
    GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
    assert!(text.len() > 2 * ANSWER, "the answer fits only because it is compressed");
    serde_json::from_str(&text).unwrap()
}

fn check(group: &Value, ids: &[String]) {
    let members = group["members"].as_array().unwrap();
    let seen: BTreeSet<&str> = members.iter().map(|member| member["value"].as_str().unwrap()).collect();
    assert_eq!((members.len(), seen.len()), (ids.len(), ids.len()));
    assert!(ids.iter().all(|id| seen.contains(id.as_str())));
}

#[test]
fn group_of_100_000_is_returned_whole_or_rejected() {
    let tenant = unique("t");
    let server = Server::start(&Data::At(engine()), &tenant);
    let scim = server.client();
    let group = scim.post("/Groups", &json!({ "displayName": "Everybody" })).expect(201).id();
    let ids: Vec<String> = (0..MEMBERS).map(|_| Uuid::now_v7().to_string()).collect();
    load(&tenant, &ids.iter().map(|id| edge(&tenant, &group, id)).collect::<Vec<_>>());
    grow(&tenant, &group, MEMBERS, &ids);

    let path = format!("/Groups/{group}");
    check(&unpacked(&get(&server, &path, "gzip")), &ids);
    check(&unpacked(&get(&server, "/Groups?count=100", "gzip"))["Resources"][0], &ids);
    for path in [path.as_str(), "/Groups?count=100"] {
        let words = ["6 MB", "excludedAttributes=members", "Accept-Encoding: gzip"];
        scim.get(path).expect_error(413, "", &words);
    }
    scim.get(format!("{path}?excludedAttributes=members")).expect(200);

    // The service rejects a response with more members than the limit before it has read any.
    let other = scim.post("/Groups", &json!({ "displayName": "Everybody twice" })).expect(201).id();
    grow(&tenant, &other, 1, &[]);
    let explains = |answer: &RawAnswer, words: &str| {
        let text = String::from_utf8_lossy(&answer.body);
        assert!(answer.status == 413 && text.contains(words), "{} {text}", answer.status);
    };
    explains(&get(&server, "/Groups?count=100", "gzip"), "Send count=1 or less");
    let calls = server.calls();
    assert!(calls <= 4, "{calls} calls");
    grow(&tenant, &other, MEMBERS + 1, &[]);
    explains(&get(&server, &format!("/Groups/{other}"), "gzip"), "more than 100000 members of groups");
    let calls = server.calls();
    assert!(calls <= 3, "{calls} calls");
    let found = scim.list("/Groups", &[("count", "100"), ("attributes", "displayName")]).expect(200);
    assert_eq!(found.resources().len(), 2);
}
