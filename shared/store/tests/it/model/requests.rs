//! How a writer sends its requests: to the operations of `service` in this process, or over HTTP to another release of
//! the service on the same table.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{Error, Exchange, Precondition, Projection, Reply};
use schema::{Kind, Object, ResourceId};
use serde_json::Value;
use service::Context;
use testkit::Release;

use crate::engine::Site;

pub(crate) struct Requests {
    pub(super) site: &'static Site,
    pub(super) other: Option<Arc<Release>>,
}

impl Requests {
    pub(super) async fn create(&self, kind: Kind, body: Value) -> Result<Reply, Error> {
        match &self.other {
            None => service::create(&context(self.site), kind, &object(body), &Projection::default()).await,
            Some(other) => send(other, "POST", kind, "", &body),
        }
    }

    pub(super) async fn patch(&self, kind: Kind, id: &ResourceId, body: Value) -> Result<Reply, Error> {
        let (whole, any) = (Projection::default(), Precondition::default());
        match &self.other {
            None => service::patch(&context(self.site), kind, id.as_str(), &object(body), &whole, &any).await,
            Some(other) => send(other, "PATCH", kind, id.as_str(), &body),
        }
    }

    pub(super) async fn replace(&self, kind: Kind, id: &ResourceId, body: Value) -> Result<Reply, Error> {
        let (whole, any) = (Projection::default(), Precondition::default());
        match &self.other {
            None => service::replace(&context(self.site), kind, id.as_str(), &object(body), &whole, &any).await,
            Some(other) => send(other, "PUT", kind, id.as_str(), &body),
        }
    }

    pub(super) async fn get(&self, kind: Kind, id: &ResourceId) -> Result<Reply, Error> {
        let (whole, any) = (Projection::default(), Precondition::default());
        match &self.other {
            None => service::get(&context(self.site), kind, id.as_str(), &whole, &any).await,
            Some(other) => send(other, "GET", kind, id.as_str(), &Value::Null),
        }
    }

    pub(super) async fn delete(&self, kind: Kind, id: &ResourceId) -> Result<Reply, Error> {
        match &self.other {
            None => service::delete(&context(self.site), kind, id.as_str(), &Precondition::default()).await,
            Some(other) => send(other, "DELETE", kind, id.as_str(), &Value::Null),
        }
    }
}

pub(crate) fn context(site: &'static Site) -> Context<'static> {
    Context::new(
        &site.directory,
        Exchange {
            caller: &site.caller,
            base_url: "https://api.example/scim/v2",
            deadline: Instant::now() + Duration::from_secs(60),
        },
    )
}

fn object(value: Value) -> Object {
    value.as_object().unwrap().clone()
}

fn send(release: &Release, method: &str, kind: Kind, id: &str, body: &Value) -> Result<Reply, Error> {
    let path = format!("/{}s/{id}", kind.name());
    let (status, version, body) =
        tokio::task::block_in_place(|| release.send(method, path.trim_end_matches('/'), body));
    let detail = || body["detail"].as_str().unwrap_or_default().to_owned();
    match status {
        200..300 => Ok(Reply { status, version, body: body.as_object().cloned(), ..Reply::default() }),
        400 => Err(Error::InvalidValue(detail())),
        404 => Err(Error::NotFound(detail())),
        409 => Err(Error::Uniqueness(detail())),
        429 => Err(Error::TooManyRequests { retry_after: 1 }),
        503 => Err(Error::Unavailable { retry_after: 1 }),
        _ => panic!("{method} {path} of the other release: {status} {body}"),
    }
}
