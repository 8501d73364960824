//! The kinds of transactions.

use std::time::{Duration, Instant};

use schema::{Kind, ResourceId};
use serde_json::{Value, json};
use store::{ChangeRecord, Commit, KeyedResource, Keys, Member, RemainingEdges, ResourceWrite, SettleState};
use uuid::Uuid;

use super::table::{ItemKey, Items};
use crate::site::Site;

/// More members than one transaction changes.
const MANY: usize = 35;

/// An operation, of which each item is left out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operation {
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

/// What is there before the operation.
pub(super) struct Prepared {
    users: Vec<String>,
    group: String,
}

impl Operation {
    pub(super) async fn prepare(self, site: &Site) -> Prepared {
        let count = if self.is_large() { MANY } else { 3 };
        let mut users = Vec::new();
        for n in 0..count {
            users.push(site.create(Kind::User, user(&format!("user-{n}"))).await);
        }
        let members: Vec<Value> = match self {
            Operation::CommitLargeChange | Operation::ApplyLargeChange => Vec::new(),
            _ => users.iter().skip(1).map(|id| json!({"value": id})).collect(),
        };
        let group = json!({"displayName": "Staff", "externalId": "staff", "members": members});
        let group = site.create(Kind::Group, group).await;
        Items::read(&site.engine).without_list().write(&site.engine);
        let prepared = Prepared { users, group };
        match self {
            Operation::ApplyLargeChange => commit_large_change(site, &prepared).await,
            Operation::ApplyLargeDelete => commit_large_delete(site, &prepared.group).await,
            _ => {}
        }
        prepared
    }

    fn is_large(self) -> bool {
        use Operation::{ApplyLargeChange, ApplyLargeDelete, CommitLargeChange, CommitLargeDelete};
        matches!(self, CommitLargeChange | ApplyLargeChange | CommitLargeDelete | ApplyLargeDelete)
    }

    pub(super) async fn carry_out(self, site: &Site, prepared: &Prepared) {
        let Prepared { users, group } = prepared;
        let member = &users[1];
        let replace = |path: &str, value: Value| json!([{"op": "replace", "path": path, "value": value}]);
        match self {
            Operation::CreateUser => drop(site.create(Kind::User, user("new")).await),
            Operation::RenameUser => {
                let mut new = user("renamed");
                new.as_object_mut().unwrap().remove("active");
                site.patch(Kind::User, member, json!([{"op": "replace", "value": new}])).await;
            }
            Operation::Deactivate => site.patch(Kind::User, member, replace("active", json!(false))).await,
            Operation::DeleteUser => site.delete(Kind::User, &users[0]).await,
            Operation::DeleteMember => site.delete(Kind::User, member).await,
            Operation::CreateGroup => {
                let members: Vec<Value> = users.iter().map(|id| json!({"value": id})).collect();
                site.create(Kind::Group, json!({"displayName": "New", "externalId": "new", "members": members})).await;
            }
            Operation::RenameGroup => {
                let new = json!({"displayName": "Renamed", "externalId": "renamed"});
                site.patch(Kind::Group, group, json!([{"op": "replace", "value": new}])).await;
            }
            Operation::AddMember => {
                let add = json!([{"op": "add", "path": "members", "value": [{"value": users[0]}]}]);
                site.patch(Kind::Group, group, add).await;
            }
            Operation::RemoveMember => {
                let remove = json!([{"op": "remove", "path": format!("members[value eq \"{member}\"]")}]);
                site.patch(Kind::Group, group, remove).await;
            }
            Operation::DeleteGroup => site.delete(Kind::Group, group).await,
            Operation::CommitLargeChange => commit_large_change(site, prepared).await,
            Operation::CommitLargeDelete => commit_large_delete(site, group).await,
            Operation::ApplyLargeChange | Operation::ApplyLargeDelete => {
                let until = Instant::now() + Duration::from_secs(60);
                let settled = site.directory.settle(&site.caller.tenant, &id_of(group), until).await;
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

async fn commit_large_change(site: &Site, prepared: &Prepared) {
    let member = |id: &String| Member { id: id_of(id), kind: Kind::User, display: Some("Ada".to_owned()) };
    let add = prepared.users.iter().map(member).collect();
    commit(site, &prepared.group, |before, after| ResourceWrite::Update { expected: 1, before, after }, add).await;
}

async fn commit_large_delete(site: &Site, group: &str) {
    let remaining = RemainingEdges::Present { pending: None, groups: Vec::new() };
    commit(site, group, |before, _| ResourceWrite::Delete { expected: 1, before, groups: 0, remaining }, Vec::new())
        .await;
}

/// Commits a change of the group, and leaves its membership items as they are.
async fn commit(site: &Site, group: &str, write: impl FnOnce(Keys, KeyedResource) -> ResourceWrite, add: Vec<Member>) {
    let id = id_of(group);
    let stored = site.directory.get(&site.caller.tenant, Kind::Group, &id).await.unwrap().unwrap();
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
    let (write, remove, group_exits) = (write(keys, after), Vec::new(), Vec::new());
    let commit = Commit { kind: Kind::Group, id, write, add, remove, group_exits, change };
    site.directory.commit(&site.caller, &commit).await.unwrap();
}

fn id_of(text: &str) -> ResourceId {
    ResourceId::parse(text).unwrap()
}
