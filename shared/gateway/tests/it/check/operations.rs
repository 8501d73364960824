//! The kinds of transactions.

use std::time::{Duration, Instant};

use schema::{Kind, ResourceId};
use serde_json::{Value, json};
use store::{ChangeRecord, Commit, KeyedResource, Keys, Member, RemainingEdges, ResourceWrite, SettleState};
use uuid::Uuid;

use super::table::{ItemKey, Items};
use crate::fixture::Fixture;

/// More members than one transaction changes.
const MANY: usize = 35;

/// An operation, of which each item is left out.
#[derive(Debug, Clone, Copy)]
pub(super) enum TransactionKind {
    CreateUser,
    RenameUser,
    Deactivate,
    DeleteUser,
    DeleteMember,
    CreateGroup,
    RenameGroup,
    AddMember,
    RemoveMember,
    DeleteGroup,
    CommitLargeChange,
    ApplyLargeChange,
    CommitLargeDelete,
    ApplyLargeDelete,
}

/// The resources that exist before the operation.
pub(super) struct Resources {
    users: Vec<String>,
    group: String,
}

impl TransactionKind {
    pub(super) async fn prepare(self, fixture: &Fixture) -> Resources {
        let count = if self.is_large() { MANY } else { 3 };
        let mut users = Vec::new();
        for n in 0..count {
            users.push(fixture.create(Kind::User, user(&format!("user-{n}"))).await);
        }
        let members: Vec<Value> = match self {
            TransactionKind::CommitLargeChange | TransactionKind::ApplyLargeChange => Vec::new(),
            _ => users.iter().skip(1).map(|id| json!({"value": id})).collect(),
        };
        let group = json!({"displayName": "Staff", "externalId": "staff", "members": members});
        let group = fixture.create(Kind::Group, group).await;
        Items::read(&fixture.engine).without_list().write(&fixture.engine);
        let resources = Resources { users, group };
        match self {
            TransactionKind::ApplyLargeChange => commit_large_change(fixture, &resources).await,
            TransactionKind::ApplyLargeDelete => commit_large_delete(fixture, &resources.group).await,
            _ => {}
        }
        resources
    }

    fn is_large(self) -> bool {
        use TransactionKind::{ApplyLargeChange, ApplyLargeDelete, CommitLargeChange, CommitLargeDelete};
        matches!(self, CommitLargeChange | ApplyLargeChange | CommitLargeDelete | ApplyLargeDelete)
    }

    pub(super) async fn carry_out(self, fixture: &Fixture, resources: &Resources) {
        let Resources { users, group } = resources;
        let member = &users[1];
        let replace = |path: &str, value: Value| json!([{"op": "replace", "path": path, "value": value}]);
        match self {
            TransactionKind::CreateUser => drop(fixture.create(Kind::User, user("new")).await),
            TransactionKind::RenameUser => {
                let mut new = user("renamed");
                new.as_object_mut().unwrap().remove("active");
                fixture.patch(Kind::User, member, json!([{"op": "replace", "value": new}])).await;
            }
            TransactionKind::Deactivate => fixture.patch(Kind::User, member, replace("active", json!(false))).await,
            TransactionKind::DeleteUser => fixture.delete(Kind::User, &users[0]).await,
            TransactionKind::DeleteMember => fixture.delete(Kind::User, member).await,
            TransactionKind::CreateGroup => {
                let members: Vec<Value> = users.iter().map(|id| json!({"value": id})).collect();
                fixture
                    .create(Kind::Group, json!({"displayName": "New", "externalId": "new", "members": members}))
                    .await;
            }
            TransactionKind::RenameGroup => {
                let new = json!({"displayName": "Renamed", "externalId": "renamed"});
                fixture.patch(Kind::Group, group, json!([{"op": "replace", "value": new}])).await;
            }
            TransactionKind::AddMember => {
                let add = json!([{"op": "add", "path": "members", "value": [{"value": users[0]}]}]);
                fixture.patch(Kind::Group, group, add).await;
            }
            TransactionKind::RemoveMember => {
                let remove = json!([{"op": "remove", "path": format!("members[value eq \"{member}\"]")}]);
                fixture.patch(Kind::Group, group, remove).await;
            }
            TransactionKind::DeleteGroup => fixture.delete(Kind::Group, group).await,
            TransactionKind::CommitLargeChange => commit_large_change(fixture, resources).await,
            TransactionKind::CommitLargeDelete => commit_large_delete(fixture, group).await,
            TransactionKind::ApplyLargeChange | TransactionKind::ApplyLargeDelete => {
                let until = Instant::now() + Duration::from_secs(60);
                let settled = fixture.directory.settle(&fixture.caller.tenant, &id_of(group), until).await;
                assert_eq!(settled, Ok(SettleState::Done));
            }
        }
    }
}

/// Whether the table is right with the item in either state.
pub(super) fn is_harmless(before: &Items, after: &Items, key: &ItemKey) -> bool {
    let item = after.get(key).or(before.get(key)).unwrap();
    match key.0.as_str() {
        // A change that is complete need not be on the list, and Settle takes it off.
        "#unfinished" => {
            let resource = item["resource"]["S"].as_str().unwrap().to_owned();
            after.get(&("acme#unsettled".to_owned(), resource)).is_none()
        }
        // The time of the latest large change; and a deletion that Settle finds on its list.
        "acme#unsettled" => {
            key.1 == "last" || (item["deleted"]["BOOL"] == true && after.get(key).is_none() && after.is_listed(&key.1))
        }
        // A resource that is gone cannot say that it has had a record.
        "acme#change" => item["what"]["S"].as_str().unwrap().ends_with(".deleted") && item.get("groupsLeft").is_none(),
        _ => false,
    }
}

/// A user that is found by each kind of value.
fn user(name: &str) -> Value {
    let emails = json!([{"value": format!("{name}@example.com")}, {"value": format!("{name}@example.org")}]);
    json!({"userName": name, "externalId": name, "active": true, "emails": emails})
}

async fn commit_large_change(fixture: &Fixture, resources: &Resources) {
    let member = |id: &String| Member { id: id_of(id), kind: Kind::User, display: Some("Ada".to_owned()) };
    let add = resources.users.iter().map(member).collect();
    commit(fixture, &resources.group, |before, after| ResourceWrite::Update { expected: 1, before, after }, add).await;
}

async fn commit_large_delete(fixture: &Fixture, group: &str) {
    let remaining = RemainingEdges::Present { pending: None, groups: Vec::new() };
    commit(fixture, group, |before, _| ResourceWrite::Delete { expected: 1, before, groups: 0, remaining }, Vec::new())
        .await;
}

/// Commits a change of the group, and leaves its membership items as they are.
async fn commit(
    fixture: &Fixture,
    group: &str,
    write: impl FnOnce(Keys, KeyedResource) -> ResourceWrite,
    add: Vec<Member>,
) {
    let id = id_of(group);
    let stored = fixture.directory.get(&fixture.caller.tenant, Kind::Group, &id).await.unwrap().unwrap();
    let lookups = vec![(store::Index::GroupExternalId, "staff".to_owned())];
    let keys = Keys { name: "staff".to_owned(), lookups, ..Keys::default() };
    let change = ChangeRecord {
        id: id_of(&Uuid::now_v7().to_string()),
        at: stored.last_modified.clone(),
        attributes: vec!["members".to_owned()],
        active: None,
        previous_at: Some(stored.last_modified.clone()),
    };
    let after = KeyedResource { resource: stored.resource, keys: keys.clone() };
    let write = write(keys, after);
    let remove = Vec::new();
    let group_exits = Vec::new();
    let commit = Commit { kind: Kind::Group, id, write, add, remove, group_exits, change };
    fixture.directory.commit(&fixture.caller, &commit).await.unwrap();
}

fn id_of(text: &str) -> ResourceId {
    ResourceId::parse(text).unwrap()
}
