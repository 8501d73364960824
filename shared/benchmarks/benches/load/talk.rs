//! A job's requests: each is due at a time of its own, whenever the one before it is answered.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::client::{Answer, Call};
use crate::log::Operation;
use crate::mix::Job;
use crate::tenant::Tenant;

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

pub(crate) struct Talk {
    pub(crate) tenant: Rc<Tenant>,
    /// When the next request is.
    pub(crate) due: Instant,
    /// How long after it the one behind it is.
    pub(crate) gap: Duration,
}

impl Talk {
    /// # Errors
    /// With the answer that is wrong. What the job had taken stays taken, as nobody knows what it is like.
    pub(crate) async fn run(mut self, job: Job) -> Result<(), String> {
        match job {
            Job::Find => self.find().await,
            Job::Join => self.join().await,
            Job::Leave => self.leave().await,
            Job::Update => self.update().await,
            Job::Suspend => self.suspend().await,
            Job::Rename => self.rename().await,
            Job::Members => self.change_members().await,
            Job::Push => self.push().await,
            Job::Import => self.import().await,
            Job::Test => self.test().await,
        }
    }

    pub(crate) async fn send(&mut self, call: Call) -> Result<Answer, String> {
        let due = self.due;
        self.due += self.gap;
        sleep_until(due).await;
        self.tenant.client.send(&call, due).await
    }

    pub(crate) async fn ask(&mut self, operation: Operation, path: String) -> Result<Answer, String> {
        self.send(Call { operation, path, body: None }).await
    }

    pub(crate) async fn tell(&mut self, operation: Operation, path: String, body: Value) -> Result<Answer, String> {
        self.send(Call { operation, path, body: Some(body) }).await
    }

    pub(crate) async fn patch(
        &mut self,
        operation: Operation,
        path: String,
        operations: Value,
    ) -> Result<Answer, String> {
        self.tell(operation, path, json!({ "schemas": [PATCH], "Operations": operations })).await
    }

    /// What has this name, as Okta looks for it.
    pub(crate) async fn look(&mut self, operation: Operation, name: &str) -> Result<Answer, String> {
        let (endpoint, attribute) = match operation {
            Operation::FindUser => ("Users", "userName"),
            _ => ("Groups", "displayName"),
        };
        let filter = format!("{attribute}%20eq%20%22{name}%22");
        self.ask(operation, format!("/{endpoint}?filter={filter}&startIndex=1&count=100")).await?.expect(200)
    }
}
