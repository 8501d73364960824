//! Changes that the request left unfinished: their events do not wait, and `functions/settle` finishes them.

use gateway::iam::as_function;
use protocol::{Precondition, Projection};
use schema::{Kind, ResourceId};
use serde_json::{Value, json};
use store::{ChangeRecord, Commit, CommitState, KeyedResource, Keys, Member, RemainingEdges, ResourceWrite};

use super::Fixture;
use crate::bus::detail;
use crate::directory::TABLE;

const MEMBERS: usize = 40;

impl Fixture {
    /// A commit that adds forty users to a new group and is not finished.
    async fn large_change(&self) -> Commit {
        let mut add = Vec::new();
        for number in 0..MEMBERS {
            let id = self.create(Kind::User, json!({"userName": format!("u{number}")})).await;
            add.push(Member { id: ResourceId::parse(&id).unwrap(), kind: Kind::User, display: None });
        }
        let id = ResourceId::parse(&self.create(Kind::Group, json!({"displayName": "staff"})).await).unwrap();
        let keys = Keys { name: "staff".to_owned(), ..Keys::default() };
        let resource = json!({"displayName": "staff"}).as_object().unwrap().clone();
        let after = KeyedResource { resource, keys: keys.clone() };
        let write = ResourceWrite::Update { expected: 1, before: keys, after };
        Commit { kind: Kind::Group, id, write, add, remove: vec![], group_exits: vec![], change: change_record() }
    }

    async fn pending(&self, group: &ResourceId) -> Option<ResourceId> {
        self.directory.get(&self.caller.tenant, Kind::Group, group).await.unwrap().unwrap().member_summary.pending
    }

    async fn members(&self, group: &ResourceId) -> usize {
        let all = Projection::default();
        let any = Precondition::default();
        let read = async { service::get(&self.context(), Kind::Group, group.as_str(), &all, &any).await };
        let reply = as_function("GroupsGet", read).await.unwrap();
        reply.body.unwrap()["members"].as_array().unwrap().len()
    }

    fn unfinished(&self) -> usize {
        self.engine.items(TABLE, "#unfinished").len()
    }

    /// The pending items, without the item that has the time of the last completion.
    fn pending_items(&self) -> Vec<Value> {
        let mut items = self.engine.items(TABLE, "acme#unsettled");
        items.retain(|item| item["sk"]["S"] != "last");
        items
    }
}

pub(super) fn change_record() -> ChangeRecord {
    ChangeRecord {
        id: ResourceId::parse(&uuid::Uuid::now_v7().to_string()).unwrap(),
        at: "2026-01-02T03:04:05.678Z".to_owned(),
        attributes: vec!["members".to_owned()],
        active: None,
        previous_at: None,
    }
}

/// The process that made the change died directly after its commit.
#[tokio::test(flavor = "multi_thread")]
async fn pending_change_is_published_at_once_and_finished_later() {
    let fixture = Fixture::new(false).await;
    let commit = fixture.large_change().await;
    assert_eq!(fixture.directory.commit(&fixture.caller, &commit).await, Ok(CommitState::Pending));
    assert_eq!(fixture.pending(&commit.id).await, Some(commit.change.id.clone()));
    let record = fixture.records().pop().unwrap();
    // A member who is deleted meanwhile is not added. A reader of the group sees it as if the change were complete.
    fixture.delete(Kind::User, commit.add[0].id.as_str()).await;
    assert_eq!(fixture.members(&commit.id).await, MEMBERS - 1);
    assert_eq!(fixture.publish(&[record]).await, [""; 0]);
    assert!(fixture.pending(&commit.id).await.is_some(), "to publish is not to finish");
    let accepted = fixture.bus.lock().unwrap().accepted.clone();
    assert_eq!(detail(&accepted[0])["added"].as_array().unwrap().len(), MEMBERS);

    assert_eq!(fixture.settle().await, json!({"completed": 1, "failed": 0}));
    assert_eq!(fixture.members(&commit.id).await, MEMBERS - 1);
    assert_eq!((fixture.pending(&commit.id).await, fixture.unfinished()), (None, 0));
    assert!(fixture.pending_items().is_empty(), "nothing is pending");
    let removed = fixture.records().pop().unwrap();
    assert_eq!(fixture.publish(&[removed]).await, [""; 0]);
    let lost = detail(fixture.bus.lock().unwrap().accepted.last().unwrap());
    assert_eq!(lost["removed"], json!([commit.add[0].id.as_str()]));

    let keys = Keys { name: "staff".to_owned(), ..Keys::default() };
    let remaining = RemainingEdges::Present { pending: None, groups: vec![] };
    let write = ResourceWrite::Delete { expected: 3, before: keys, groups: 0, remaining };
    let gone = Commit { write, add: vec![], change: change_record(), ..commit };
    assert_eq!(fixture.directory.commit(&fixture.caller, &gone).await, Ok(CommitState::Pending));
    assert_eq!(fixture.settle().await, json!({"completed": 1, "failed": 0}));
    assert!(fixture.pending_items().is_empty() && fixture.unfinished() == 0, "nothing is pending");
    assert!(fixture.engine.items(TABLE, &format!("acme#member#{}", gone.id)).is_empty());
}

/// The process died before its commit: its chunks are deleted, and it cannot be committed later.
#[tokio::test(flavor = "multi_thread")]
async fn prepared_change_that_is_never_committed_leaves_nothing() {
    let fixture = Fixture::new(false).await;
    let commit = fixture.large_change().await;
    let prepared = fixture.directory.prepare(&fixture.caller, &commit, false).await.unwrap();
    let chunks = || fixture.engine.items(TABLE, &format!("acme#part#{}", commit.change.id));
    assert_eq!((chunks().len(), fixture.unfinished()), (2, 1));
    let never = json!({"N": "253402300799"});
    assert!(chunks().iter().all(|chunk| chunk["expires"] == never), "what may be committed does not expire");
    assert_eq!(fixture.settle().await, json!({"completed": 1, "failed": 0}));
    assert_eq!((chunks().len(), fixture.unfinished()), (0, 0));
    assert_eq!(fixture.directory.send(prepared).await, Err(store::Error::Stale));
    assert_eq!(fixture.pending(&commit.id).await, None);
}

/// DynamoDB applies a call late that writes a chunk.
#[tokio::test(flavor = "multi_thread")]
async fn chunk_that_is_written_after_its_change_was_aborted_is_deleted() {
    let fixture = Fixture::new(false).await;
    let commit = fixture.large_change().await;
    let prepared = fixture.directory.prepare(&fixture.caller, &commit, false).await.unwrap();
    let chunks = || fixture.engine.items(TABLE, &format!("acme#part#{}", commit.change.id));
    let late = chunks().pop().unwrap();
    fixture.directory.abort(prepared).await;
    assert_eq!((chunks().len(), fixture.unfinished()), (0, 1));
    fixture.engine.call("PutItem", &json!({"TableName": TABLE, "Item": late}));
    assert_eq!(fixture.settle().await, json!({"completed": 1, "failed": 0}));
    assert_eq!((chunks().len(), fixture.unfinished()), (0, 0));
}

/// A change that an earlier release committed is not listed, until its record is published.
#[tokio::test(flavor = "multi_thread")]
async fn pending_change_of_an_earlier_release_is_finished() {
    let fixture = Fixture::new(false).await;
    let commit = fixture.large_change().await;
    assert_eq!(fixture.directory.commit(&fixture.caller, &commit).await, Ok(CommitState::Pending));
    let key = |pk: &str, sk: &ResourceId| json!({"pk": {"S": pk}, "sk": {"S": sk.as_str()}});
    let unlist = json!({"TableName": TABLE, "Key": key("#unfinished", &commit.change.id)});
    fixture.engine.call("DeleteItem", &unlist);
    let mark = json!({
        "TableName": TABLE, "Key": key("acme#unsettled", &commit.id), "UpdateExpression": "REMOVE listed",
    });
    fixture.engine.call("UpdateItem", &mark);
    assert_eq!(fixture.settle().await, json!({"completed": 0, "failed": 0}));
    let mut record = fixture.records().pop().unwrap();
    record.as_object_mut().unwrap().remove("format");
    assert_eq!(fixture.publish(&[record]).await, [""; 0]);
    assert_eq!(fixture.settle().await, json!({"completed": 1, "failed": 0}));
    assert_eq!(fixture.pending(&commit.id).await, None);
}

/// A change that cannot be finished stays on the list. After an hour of failures, the function fails once, which raises
/// an alarm.
#[tokio::test(flavor = "multi_thread")]
async fn change_with_missing_chunks_is_reported_and_tried_again() {
    let fixture = Fixture::new(false).await;
    let commit = fixture.large_change().await;
    assert_eq!(fixture.directory.commit(&fixture.caller, &commit).await, Ok(CommitState::Pending));
    let chunk = fixture.engine.items(TABLE, &format!("acme#part#{}", commit.change.id)).pop().unwrap();
    let lost = json!({"TableName": TABLE, "Key": {"pk": chunk["pk"], "sk": chunk["sk"]}});
    fixture.engine.call("DeleteItem", &lost);
    for failures in 1..=9 {
        let work = fixture.directory.unfinished_changes(u64::MAX / 2).await.unwrap();
        assert_eq!(work[0].failures, failures - 1);
        let outcome = fixture.try_settle().await;
        let expect =
            if failures == 9 { Err(protocol::Error::Internal) } else { Ok(json!({"completed": 0, "failed": 1})) };
        assert_eq!(outcome, expect, "after {failures} failures");
    }
    assert_eq!(fixture.unfinished(), 1, "it stays on the list");
}
