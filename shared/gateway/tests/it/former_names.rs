//! Resources that other releases stored. In version 0.1.0, the keys of names did not depend on case, but on the
//! normalization of Unicode and on the form of a small sigma. Later releases store keys beside the texts of which they
//! were made.

use std::collections::BTreeMap;

use std::time::{Duration, Instant};

use protocol::{Caller, Error, Exchange, Precondition, Projection, Reply};
use schema::{Kind, ResourceId, resource_type};
use serde_json::{Value, json};
use service::Context;
use store::{ChangeRecord, Commit, CommitState, Directory, Index, KeyedResource, Keys, ResourceWrite, StoredKeys};
use testkit::Engine;

use crate::directory::{TABLE, directory};

/// A kind, a name, its key in version 0.1.0, and its key now.
const NAMES: [(Kind, &str, &str, &str); 3] = [
    (Kind::User, "Οδος", "οδος", "οδοσ"),
    (Kind::Group, "Οδος", "οδος", "οδοσ"),
    (Kind::Group, "Cafe\u{301}", "cafe\u{301}", "café"),
];

struct Fixture {
    directory: &'static Directory,
    engine: Engine,
    caller: Caller,
    kind: Kind,
}

impl Fixture {
    async fn new(kind: Kind) -> Self {
        let (directory, engine) = directory().await;
        let caller = Caller::from_context("acme", "token-1", "read write", None).unwrap();
        Self { directory, engine, caller, kind }
    }

    fn context(&self) -> Context<'_> {
        Context::new(
            self.directory,
            Exchange {
                caller: &self.caller,
                base_url: "https://api.example/scim/v2",
                deadline: Instant::now() + Duration::from_secs(60),
            },
        )
    }

    /// So many new users, as the members of a group.
    async fn members(&self, count: usize) -> Value {
        let mut members = Vec::new();
        for number in 0..count {
            let user = json!({"userName": format!("user-{number}")});
            let user = user.as_object().unwrap();
            let reply = service::create(&self.context(), Kind::User, user, &Projection::default()).await.unwrap();
            members.push(json!({"value": reply.body.unwrap()["id"]}));
        }
        json!({"members": members})
    }

    /// Stores a resource with this key of its name.
    async fn store(&self, name: &str, key: &str) -> String {
        self.store_with(self.named(name), Keys { name: key.to_owned(), ..Keys::default() }).await
    }

    /// Stores a resource with these keys.
    async fn store_with(&self, resource: Value, keys: Keys) -> String {
        let id = || ResourceId::parse(&uuid::Uuid::now_v7().to_string()).unwrap();
        let after = KeyedResource { resource: resource.as_object().unwrap().clone(), keys };
        let commit = Commit {
            kind: self.kind,
            id: id(),
            write: ResourceWrite::Create { after },
            add: vec![],
            remove: vec![],
            group_exits: vec![],
            change: ChangeRecord {
                id: id(),
                at: "2026-01-02T03:04:05.678Z".to_owned(),
                attributes: vec![],
                active: None,
                previous_at: None,
            },
        };
        assert_eq!(self.directory.commit(&self.caller, &commit).await, Ok(CommitState::Complete));
        commit.id.to_string()
    }

    fn named(&self, name: &str) -> Value {
        json!({(resource_type(self.kind).naming_attribute()): name})
    }

    async fn set(&self, id: &str, value: Value) -> Result<Reply, Error> {
        let body = json!({"Operations": [{"op": "replace", "value": value}]});
        let all = Projection::default();
        let any = Precondition::default();
        service::patch(&self.context(), self.kind, id, body.as_object().unwrap(), &all, &any).await
    }

    async fn delete(&self, id: &str) {
        service::delete(&self.context(), self.kind, id, &Precondition::default()).await.unwrap();
    }

    /// The keys of all e-mail addresses.
    fn email_keys(&self) -> Vec<String> {
        let items = self.engine.items(TABLE, "acme#userEmail");
        items.iter().map(|item| item["sk"]["S"].as_str().unwrap().to_owned()).collect()
    }

    /// The keys of all names.
    fn keys(&self) -> Vec<String> {
        let word = self.kind.name().to_lowercase();
        let items = self.engine.items(TABLE, &format!("acme#{word}Name"));
        items.iter().map(|item| item["sk"]["S"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_resource_leaves_no_key_of_an_earlier_version() {
    for (kind, name, former, _) in NAMES {
        let fixture = Fixture::new(kind).await;
        let id = fixture.store(name, former).await;
        assert_eq!(fixture.keys(), [former]);
        fixture.delete(&id).await;
        assert_eq!(fixture.keys(), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_resource_gets_the_key_of_this_version() {
    for (kind, name, former, now) in NAMES {
        let fixture = Fixture::new(kind).await;
        let id = fixture.store(name, former).await;
        for external_id in ["1", "2"] {
            fixture.set(&id, json!({"externalId": external_id})).await.unwrap();
            assert_eq!(fixture.keys(), [now]);
        }
        fixture.set(&id, fixture.named("x")).await.unwrap();
        assert_eq!(fixture.keys(), ["x"]);
        fixture.delete(&fixture.store(name, former).await).await;
        assert_eq!(fixture.keys(), ["x"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_resource_keeps_its_former_key_if_another_one_has_its_name_now() {
    for (kind, name, former, now) in NAMES {
        let fixture = Fixture::new(kind).await;
        let id = fixture.store(name, former).await;
        let other = fixture.store(name, now).await;
        assert_eq!(fixture.set(&id, json!({"externalId": "1"})).await.map(|reply| reply.status), Ok(200));
        assert!(fixture.keys().contains(&former.to_owned()) && fixture.keys().contains(&now.to_owned()));
        if kind == Kind::Group {
            let many = fixture.members(40).await;
            assert_eq!(fixture.set(&id, many).await.map(|reply| reply.status), Ok(200), "a large change");
        }
        fixture.set(&id, fixture.named("x")).await.unwrap();
        assert!(fixture.keys().iter().all(|key| ["x", now].contains(&key.as_str())) && fixture.keys().len() == 2);
        fixture.delete(&id).await;
        fixture.delete(&other).await;
        assert_eq!(fixture.keys(), [""; 0]);
    }
}

/// The keys that another release made of a name and an e-mail address.
fn other_keys(name: &str, email: &str) -> Keys {
    let pair = |text: &str, key: &str| BTreeMap::from([(text.to_owned(), key.to_owned())]);
    let stored = StoredKeys { name: pair(name, "name of then"), emails: pair(email, "address of then") };
    let lookups = vec![(Index::UserEmail, "address of then".to_owned())];
    Keys { name: "name of then".to_owned(), lookups, stored, ..Keys::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_that_another_release_stored_is_replaced_and_freed() {
    let fixture = Fixture::new(Kind::User).await;
    let ann = json!({"userName": "Ann", "emails": [{"value": "Ann@X"}]});
    let store = || fixture.store_with(ann.clone(), other_keys("Ann", "Ann@X"));
    let id = store().await;
    fixture.delete(&id).await;
    assert_eq!((fixture.keys(), fixture.email_keys()), (vec![], vec![]));
    let id = store().await;
    fixture.set(&id, json!({"externalId": "1"})).await.unwrap();
    assert_eq!((fixture.keys(), fixture.email_keys()), (vec!["ann".to_owned()], vec![format!("ann@x#{id}")]));
    fixture.delete(&id).await;
    assert_eq!((fixture.keys(), fixture.email_keys()), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_key_of_a_changed_text_is_ignored() {
    let fixture = Fixture::new(Kind::User).await;
    let bob = json!({"userName": "Bob", "emails": [{"value": "Bob@X"}]});
    let lookups = vec![(Index::UserEmail, "bob@x".to_owned())];
    let keys = Keys { name: "bob".to_owned(), lookups, ..other_keys("Ann", "Ann@X") };
    let id = fixture.store_with(bob.clone(), keys.clone()).await;
    fixture.set(&id, json!({"userName": "Eve"})).await.unwrap();
    assert_eq!((fixture.keys(), fixture.email_keys()), (vec!["eve".to_owned()], vec![format!("bob@x#{id}")]));
    fixture.delete(&id).await;
    fixture.delete(&fixture.store_with(bob, keys).await).await;
    assert_eq!((fixture.keys(), fixture.email_keys()), (vec![], vec![]));
}
