//! A directory for one test, with the operations of `service`.

use std::time::{Duration, Instant};

use protocol::{Caller, Exchange, Precondition, Projection};
use schema::Kind;
use serde_json::{Value, json};
use service::Context;
use store::Directory;
use testkit::Engine;

use crate::directory::directory;

/// A directory of the tenant `acme`, and its operations.
pub(crate) struct Fixture {
    pub(crate) directory: &'static Directory,
    pub(crate) engine: Engine,
    pub(crate) caller: Caller,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let (directory, engine) = directory().await;
        let caller = Caller::from_context("acme", "token-1", "read write", None).unwrap();
        Self { directory, engine, caller }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context::new(
            self.directory,
            Exchange {
                caller: &self.caller,
                base_url: "https://api.example/scim/v2",
                deadline: Instant::now() + Duration::from_secs(60),
            },
        )
    }

    pub(crate) async fn create(&self, kind: Kind, body: Value) -> String {
        let body = body.as_object().unwrap();
        let reply = service::create(&self.context(), kind, body, &Projection::default()).await.unwrap();
        reply.body.unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn user(&self, name: &str) -> String {
        self.create(Kind::User, json!({"userName": name})).await
    }

    pub(crate) async fn patch(&self, kind: Kind, id: &str, operations: Value) {
        let body = json!({"Operations": operations});
        let all = Projection::default();
        let any = Precondition::default();
        service::patch(&self.context(), kind, id, body.as_object().unwrap(), &all, &any).await.unwrap();
    }

    pub(crate) async fn delete(&self, kind: Kind, id: &str) {
        service::delete(&self.context(), kind, id, &Precondition::default()).await.unwrap();
    }
}
