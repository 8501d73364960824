//! Tenants do not wait for each other: while the deletions of one take all the throughput that its partitions have, the
//! event of another one is on the bus within seconds of its commit.
//!
//! `DELETED_GROUPS` sets the number of groups that are deleted.

use std::time::{Duration, Instant};

use protocol::Caller;
use schema::{Kind, ResourceId};
use serde_json::json;
use store::{Commit, CommitState, Connection, Credentials, Directory, Keys, RemainingEdges, ResourceWrite};
use testkit::{AwsProxy, Behaviour, variable};

use super::Fixture;
use super::unfinished::change_record;
use crate::directory::TABLE;

/// The members of each group. Both membership items of each are in partitions that all groups or all members share, and
/// a partition takes 1,000 units a second.
const MEMBERS: usize = 200;
/// The time within which the event has to be on the bus.
const AIM: Duration = Duration::from_secs(5);

impl Fixture {
    /// The same table, with the throughput that its partitions have on AWS.
    async fn with_throughput(self) -> Self {
        let proxy = AwsProxy::before(&self.engine.url, &[Behaviour::Throughput], 1);
        let credentials = Credentials::Key(self.engine.key.clone());
        let endpoint = Some(proxy.url().to_owned());
        let directory = Directory::connect(Connection { endpoint, table: TABLE.to_owned(), credentials }).await;
        Self::of(Box::leak(Box::new(directory.unwrap())), self.engine, false).await
    }

    /// Commits the deletion of a group, and leaves its membership items.
    async fn commit_deletion(&self, name: &str, group: &str) {
        let write = ResourceWrite::Delete {
            expected: 1,
            before: Keys { name: name.to_owned(), ..Keys::default() },
            groups: 0,
            remaining: RemainingEdges::Present { pending: None, groups: vec![] },
        };
        let id = ResourceId::parse(group).unwrap();
        let (add, remove, group_exits) = (vec![], vec![], vec![]);
        let commit = Commit { kind: Kind::Group, id, write, add, remove, group_exits, change: change_record() };
        assert_eq!(self.directory.commit(&self.caller, &commit).await, Ok(CommitState::Pending));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn event_does_not_wait_for_the_deletions_of_another_tenant() {
    let number = variable("DELETED_GROUPS", 12);
    let fixture = Fixture::new(false).await;
    let mut members = Vec::new();
    for n in 0..MEMBERS {
        members.push(json!({"value": fixture.create(Kind::User, json!({"userName": format!("user-{n}")})).await}));
    }
    for n in 0..number {
        let name = format!("group-{n}");
        let group = fixture.create(Kind::Group, json!({"displayName": name, "members": members})).await;
        fixture.commit_deletion(&name, &group).await;
    }
    let deleted = fixture.records().split_off(MEMBERS + usize::try_from(number).unwrap());
    fixture.make_all_due();

    let fixture = fixture.with_throughput().await;
    let settling = {
        let directory = fixture.directory;
        tokio::spawn(async move { service::finish_changes(directory, Instant::now() + Duration::from_secs(600)).await })
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begun = Instant::now();
    let other = Fixture { caller: Caller::from_context("other", "token-2", "read write", None).unwrap(), ..fixture };
    other.create(Kind::User, json!({"userName": "ada"})).await;
    let created = other.engine.items(TABLE, "other#change");
    assert_eq!(other.publish(&[deleted.as_slice(), &created].concat()).await, [""; 0]);
    let time = begun.elapsed();
    let left = other.engine.items(TABLE, "#unfinished").len();
    println!("{number} deletions of {MEMBERS} memberships, and {left} changes unfinished: the event after {time:.1?}");
    assert!(left > 0 && !settling.is_finished(), "the deletions take longer");
    assert_eq!(other.published().last().map(String::as_str), Some("user.created"));
    assert!(time < AIM, "{time:?}");
    settling.abort();
}
