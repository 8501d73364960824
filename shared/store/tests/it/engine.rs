//! A fresh table for each test, with helpers that write to it and read it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{self, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::Caller;
use schema::{Kind, Object, ResourceId};
use serde_json::json;
use store::{
    ChangeRecord, Commit, CommitState, Connection, Credentials, Directory, Error, GroupVersion, Index, KeyedResource,
    Keys, Member, RemainingEdges, ResourceWrite, SettleState, now_ms,
};
use testkit::engine;
use uuid::Uuid;

pub(crate) const AT: &str = "2026-01-02T03:04:05.678Z";

/// A tenant in a table that no other test uses.
pub(crate) struct Site {
    pub(crate) directory: Directory,
    pub(crate) caller: Caller,
    pub(crate) table: String,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let table = format!("t{}", Uuid::now_v7());
        let site = Self::at(engine(), &table).await;
        site.directory.create_table().await.unwrap();
        site
    }

    /// The same table at another URL, such as that of a proxy.
    pub(crate) async fn at(url: &str, table: &str) -> Self {
        let connection = Connection {
            endpoint: Some(url.to_owned()),
            table: table.to_owned(),
            credentials: Credentials::Key("local".to_owned()),
        };
        Self {
            directory: Directory::connect(connection).await.unwrap(),
            caller: tenant("acme"),
            table: table.to_owned(),
        }
    }

    pub(crate) async fn commit(&self, commit: &Commit) -> Result<CommitState, Error> {
        self.directory.commit(&self.caller, commit).await
    }

    /// Completes the pending change of a resource.
    pub(crate) async fn settle(&self, id: &ResourceId) -> Result<SettleState, Error> {
        self.directory.settle(&self.caller.tenant, id, Instant::now() + Duration::from_secs(60)).await
    }

    /// Finishes all unfinished changes, as if an hour had passed and no other caller were at work. Returns their
    /// number.
    pub(crate) async fn finish_all(&self) -> usize {
        let mut finished = 0;
        loop {
            let due = self.directory.unfinished_changes(now_ms() + 3_600_000).await.unwrap();
            if due.is_empty() {
                return finished;
            }
            for change in due {
                let deadline = Instant::now() + Duration::from_secs(60);
                assert_eq!(self.directory.finish_change(&change, deadline).await, Ok(SettleState::Done));
                finished += 1;
            }
        }
    }

    pub(crate) async fn user(&self, name: &str) -> ResourceId {
        let commit = create(Kind::User, name);
        self.commit(&commit).await.unwrap();
        commit.id
    }

    pub(crate) async fn group(&self, name: &str, members: &[&ResourceId]) -> ResourceId {
        let commit = Commit { add: members.iter().map(|id| user(id)).collect(), ..create(Kind::Group, name) };
        self.commit(&commit).await.unwrap();
        commit.id
    }

    pub(crate) async fn version(&self, kind: Kind, id: &ResourceId) -> Option<u64> {
        self.directory.get(&self.caller.tenant, kind, id).await.unwrap().map(|stored| stored.version)
    }

    pub(crate) async fn owner(&self, kind: Kind, name: &str) -> Option<ResourceId> {
        self.directory.name_owner(&self.caller.tenant, kind, name).await.unwrap()
    }

    /// The members of a group by its edges. If the group exists, they have to agree with what readers see.
    pub(crate) async fn member_ids(&self, group: &ResourceId) -> Vec<ResourceId> {
        let items = self.items(&format!("acme#member#{group}")).await;
        let edges: Vec<_> = items.iter().map(|item| ResourceId::parse(item["sk"].as_s().unwrap()).unwrap()).collect();
        if let Some(seen) = self.members(group).await {
            assert_eq!(seen.into_iter().map(|member| member.id).collect::<Vec<_>>(), edges);
        }
        edges
    }

    /// The members of a group as readers see them.
    pub(crate) async fn members(&self, group: &ResourceId) -> Option<Vec<Member>> {
        let stored = self.directory.get(&self.caller.tenant, Kind::Group, group).await.unwrap()?;
        self.directory.members(&self.caller.tenant, stored).await.unwrap().map(|(_, members)| members)
    }

    /// The groups of a member as readers see them.
    pub(crate) async fn groups_of(&self, member: &ResourceId) -> Vec<ResourceId> {
        let pending_changes = self.directory.pending_changes(&self.caller.tenant).await.unwrap();
        self.directory.groups_of(&self.caller.tenant, member, &pending_changes).await.unwrap()
    }

    /// The pending items, without the item that records when a large change was last completed.
    pub(crate) async fn pending_items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let items = self.items("acme#unsettled").await;
        items.into_iter().filter(|item| !item.contains_key("settled")).collect()
    }

    /// The chunks of large changes that are not applied.
    pub(crate) async fn open_chunks(&self) -> usize {
        let scan = raw().scan().table_name(&self.table).consistent_read(true);
        let pages = scan.filter_expression("contains(pk, :part) AND applied = :no");
        let pages = pages.expression_attribute_values(":part", AttributeValue::S("#part#".to_owned()));
        let items =
            pages.expression_attribute_values(":no", AttributeValue::Bool(false)).into_paginator().items().send();
        items.collect::<Result<Vec<_>, _>>().await.unwrap().len()
    }

    /// The stored items of a collection, ordered by sort key.
    pub(crate) async fn items(&self, collection: &str) -> Vec<HashMap<String, AttributeValue>> {
        let query = raw().query().table_name(&self.table).key_condition_expression("pk = :pk").consistent_read(true);
        let answer = query.expression_attribute_values(":pk", AttributeValue::S(collection.to_owned())).send().await;
        answer.unwrap().items.unwrap_or_default()
    }
}

/// A plain SDK client.
pub(crate) fn raw() -> Client {
    let config = config::Builder::new()
        .region(Region::from_static("us-east-1"))
        .endpoint_url(engine())
        .credentials_provider(config::Credentials::new("local", "local", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

pub(crate) fn tenant(name: &str) -> Caller {
    Caller::from_context(name, "token-1", "read write", None).unwrap()
}

pub(crate) fn id() -> ResourceId {
    ResourceId::parse(&Uuid::now_v7().to_string()).unwrap()
}

pub(crate) fn user(id: &ResourceId) -> Member {
    Member { id: id.clone(), kind: Kind::User, display: None }
}

pub(crate) fn resource(name: &str) -> Object {
    let json = json!({ "name": name, "exact": 12345678901234567890_u64, "nothing": null, "list": [{ "a": "" }] });
    json.as_object().unwrap().clone()
}

pub(crate) fn snapshot(name: &str) -> KeyedResource {
    KeyedResource { resource: resource(name), keys: keys(name, &[]) }
}

pub(crate) fn keys(name: &str, lookups: &[(Index, &str)]) -> Keys {
    let lookups = lookups.iter().map(|(index, value)| (*index, (*value).to_owned())).collect();
    Keys { name: name.to_owned(), lookups, ..Keys::default() }
}

pub(crate) fn change() -> ChangeRecord {
    let attributes = vec!["displayName".to_owned()];
    ChangeRecord { id: id(), at: AT.to_owned(), attributes, active: None, previous_at: None }
}

fn write(kind: Kind, id: ResourceId, write: ResourceWrite) -> Commit {
    Commit { kind, id, write, add: vec![], remove: vec![], group_exits: vec![], change: change() }
}

pub(crate) fn create(kind: Kind, name: &str) -> Commit {
    write(kind, id(), ResourceWrite::Create { after: snapshot(name) })
}

pub(crate) fn rename(kind: Kind, id: &ResourceId, expected: u64, from: &str, to: &str) -> Commit {
    write(kind, id.clone(), ResourceWrite::Update { expected, before: keys(from, &[]), after: snapshot(to) })
}

/// The delete of a resource that is in no group.
pub(crate) fn delete(kind: Kind, id: &ResourceId, expected: u64, name: &str) -> Commit {
    delete_from(kind, id, expected, name, &[])
}

/// The delete of a member of these groups, each with its version.
pub(crate) fn delete_from(
    kind: Kind,
    id: &ResourceId,
    expected: u64,
    name: &str,
    groups: &[(&ResourceId, u64)],
) -> Commit {
    let (before, count) = (keys(name, &[]), groups.len() as u64);
    let group_exits = groups.iter().map(|(group, version)| GroupVersion {
        group: (*group).clone(),
        version: *version,
        last_modified: AT.to_owned(),
    });
    let delete = ResourceWrite::Delete { expected, before, groups: count, remaining: RemainingEdges::Absent };
    Commit { group_exits: group_exits.collect(), ..write(kind, id.clone(), delete) }
}

/// The delete of a member of this many groups, whose edges are deleted afterwards.
pub(crate) fn delete_first(kind: Kind, id: &ResourceId, expected: u64, name: &str, groups: u64) -> Commit {
    let remaining = RemainingEdges::Present { pending: None, groups: vec![] };
    write(kind, id.clone(), ResourceWrite::Delete { expected, before: keys(name, &[]), groups, remaining })
}
