//! The requests of a task. Each is due at a fixed time, which does not depend on the response to the one before it.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::client::{Answer, RequestError, TaskRequest};
use crate::log::RequestKind;
use crate::mix::Task;
use crate::tenant::LoadTenant;

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

pub(crate) struct Session {
    pub(crate) tenant: Rc<LoadTenant>,
    /// When the next request is due.
    pub(crate) due: Instant,
    /// The time from one due request to the next.
    pub(crate) gap: Duration,
}

impl Session {
    /// # Errors
    /// Describes the wrong response. The resources that the task has taken stay taken, because their state is
    /// unknown.
    pub(crate) async fn run(mut self, task: Task) -> Result<(), RequestError> {
        match task {
            Task::Find => self.find().await,
            Task::Join => self.join().await,
            Task::Leave => self.leave().await,
            Task::Update => self.update().await,
            Task::Suspend => self.suspend().await,
            Task::Rename => self.rename().await,
            Task::Members => self.change_members().await,
            Task::Push => self.push().await,
            Task::Import => self.import().await,
            Task::Test => self.test().await,
        }
    }

    pub(crate) async fn send(&mut self, call: TaskRequest) -> Result<Answer, RequestError> {
        let due = self.due;
        self.due += self.gap;
        sleep_until(due).await;
        self.tenant.client.send(&call, due).await
    }

    pub(crate) async fn get_path(&mut self, operation: RequestKind, path: String) -> Result<Answer, RequestError> {
        self.send(TaskRequest { operation, path, body: None }).await
    }

    pub(crate) async fn send_body(
        &mut self,
        operation: RequestKind,
        path: String,
        body: Value,
    ) -> Result<Answer, RequestError> {
        self.send(TaskRequest { operation, path, body: Some(body) }).await
    }

    pub(crate) async fn patch(
        &mut self,
        operation: RequestKind,
        path: String,
        operations: Value,
    ) -> Result<Answer, RequestError> {
        self.send_body(operation, path, json!({ "schemas": [PATCH], "Operations": operations })).await
    }

    /// Searches for a name, as Okta does before it creates a resource.
    pub(crate) async fn find_by_name(&mut self, operation: RequestKind, name: &str) -> Result<Answer, RequestError> {
        let (endpoint, attribute) = match operation {
            RequestKind::FindUser => ("Users", "userName"),
            _ => ("Groups", "displayName"),
        };
        let filter = format!("{attribute}%20eq%20%22{name}%22");
        self.get_path(operation, format!("/{endpoint}?filter={filter}&startIndex=1&count=100")).await?.expect(200)
    }
}
