//! The requests of a job. Each is due at a fixed time, which does not depend on the response to the one before it.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::client::{Answer, Call, RequestError};
use crate::log::Operation;
use crate::mix::Job;
use crate::tenant::Tenant;

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

pub(crate) struct Session {
    pub(crate) tenant: Rc<Tenant>,
    /// When the next request is due.
    pub(crate) due: Instant,
    /// The time from one due request to the next.
    pub(crate) gap: Duration,
}

impl Session {
    /// # Errors
    /// Describes the wrong response. The resources that the job has taken stay taken, because their state is
    /// unknown.
    pub(crate) async fn run(mut self, job: Job) -> Result<(), RequestError> {
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

    pub(crate) async fn send(&mut self, call: Call) -> Result<Answer, RequestError> {
        let due = self.due;
        self.due += self.gap;
        sleep_until(due).await;
        self.tenant.client.send(&call, due).await
    }

    pub(crate) async fn get_path(&mut self, operation: Operation, path: String) -> Result<Answer, RequestError> {
        self.send(Call { operation, path, body: None }).await
    }

    pub(crate) async fn send_body(
        &mut self,
        operation: Operation,
        path: String,
        body: Value,
    ) -> Result<Answer, RequestError> {
        self.send(Call { operation, path, body: Some(body) }).await
    }

    pub(crate) async fn patch(
        &mut self,
        operation: Operation,
        path: String,
        operations: Value,
    ) -> Result<Answer, RequestError> {
        self.send_body(operation, path, json!({ "schemas": [PATCH], "Operations": operations })).await
    }

    /// Searches for a name, as Okta does before it creates a resource.
    pub(crate) async fn find_by_name(&mut self, operation: Operation, name: &str) -> Result<Answer, RequestError> {
        let (endpoint, attribute) = match operation {
            Operation::FindUser => ("Users", "userName"),
            _ => ("Groups", "displayName"),
        };
        let filter = format!("{attribute}%20eq%20%22{name}%22");
        self.get_path(operation, format!("/{endpoint}?filter={filter}&startIndex=1&count=100")).await?.expect(200)
    }
}
