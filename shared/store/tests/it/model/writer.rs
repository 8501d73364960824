//! A writer: it chooses each operation at random and records it with its response.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use fastrand::Rng;
use protocol::{Error, Reply};
use schema::{Kind, ResourceId};
use serde_json::{Value, json};
use testkit::Release;

use super::requests::Requests;
use crate::engine::Site;

pub(crate) type Ids = BTreeSet<ResourceId>;

/// The numbers of different names. They are small, so that some operations fail because the name is taken.
const USER_NAMES: usize = 400;
const GROUP_NAMES: usize = 12;

/// A requested operation. The ids are those of users, the members of the group that the operation changes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum OperationKind {
    CreateUser,
    Rename,
    DeleteUser,
    CreateGroup(Ids),
    Change {
        add: Ids,
        remove: Ids,
    },
    Replace(Ids),
    /// A replacement that was refused because none of the members exists.
    RefusedReplace(Ids),
    DeleteGroup,
    /// The delete of a user whose response was lost, so that it may have happened.
    UnknownDelete,
    /// A read of a group, with the members that it returned.
    Read(Ids),
}

/// An operation that succeeded, even if it changed nothing, or a refused replacement.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(super) asked: OperationKind,
    pub(super) id: ResourceId,
    /// The version in the response, `None` for a delete and for a refused replacement.
    pub(super) version: Option<u64>,
    pub(super) begun: Instant,
    pub(super) ended: Instant,
}

/// The resources that all writers of a site know.
#[derive(Default)]
pub(crate) struct KnownResources {
    users: Mutex<Vec<ResourceId>>,
    groups: Mutex<Vec<ResourceId>>,
}

pub(crate) struct Writer {
    requests: Requests,
    known: &'static KnownResources,
    random: Rng,
    done: Vec<Operation>,
}

impl Writer {
    pub(crate) fn new(site: &'static Site, known: &'static KnownResources, seed: u64) -> Self {
        Self { requests: Requests { site, other: None }, known, random: Rng::with_seed(seed), done: Vec::new() }
    }

    /// A writer that sends its requests to another release.
    pub(super) fn through(self, other: Option<Arc<Release>>) -> Self {
        Self { requests: Requests { other, ..self.requests }, ..self }
    }

    pub(crate) async fn run(mut self, operations: u64) -> Vec<Operation> {
        for _ in 0..operations {
            let begun = Instant::now();
            let outcome = self.one().await;
            let ended = Instant::now();
            match outcome {
                Ok((asked, id, version)) => self.done.push(Operation { asked, id, version, begun, ended }),
                // The response of DynamoDB was lost. The change records show whether the operation was applied.
                Err(error) if error.status() == 503 => {}
                Err(error) => assert!([404, 409, 429].contains(&error.status()), "{error:?}"),
            }
        }
        self.done
    }

    async fn one(&mut self) -> Result<(OperationKind, ResourceId, Option<u64>), Error> {
        let (user, group) = (self.pick(&self.known.users), self.pick(&self.known.groups));
        match (self.random.u8(0..100), user, group) {
            (0..30, ..) | (_, None, _) => {
                let name = self.user_name();
                self.create(Kind::User, json!({"userName": name}), None).await
            }
            (30..34, ..) | (_, _, None) => {
                let members = self.some(5);
                let body = json!({"displayName": self.group_name(), "members": listed(&members)});
                self.create(Kind::Group, body, Some(members)).await
            }
            (34..40, Some(user), _) => {
                let rename = json!({"op": "replace", "path": "userName", "value": self.user_name()});
                let reply = self.patch(Kind::User, &user, json!([rename])).await?;
                Ok((OperationKind::Rename, user, version(&reply)))
            }
            (40..48, Some(user), _) => self.delete(Kind::User, user, OperationKind::DeleteUser).await,
            (48..76, _, Some(group)) => {
                let most = if self.random.u8(0..4) == 0 { 60 } else { 3 };
                let (add, mut remove) = (self.some(most), self.some(most));
                remove.retain(|id| !add.contains(id));
                let add_all = json!({"op": "add", "path": "members", "value": listed(&add)});
                let remove_all = json!({"op": "remove", "path": "members", "value": listed(&remove)});
                let operations = if remove.is_empty() { json!([add_all]) } else { json!([remove_all, add_all]) };
                let reply = self.patch(Kind::Group, &group, operations).await?;
                Ok((OperationKind::Change { add, remove }, group, version(&reply)))
            }
            (76..82, _, Some(group)) => {
                let members = self.some(80);
                let body = json!({"displayName": self.group_name(), "members": listed(&members)});
                match self.requests.replace(Kind::Group, &group, body).await {
                    Ok(reply) => Ok((OperationKind::Replace(members), group, version(&reply))),
                    Err(Error::InvalidValue(detail)) if detail.contains("none of these ids exists") => {
                        Ok((OperationKind::RefusedReplace(members), group, None))
                    }
                    Err(error) => Err(error),
                }
            }
            (82..83, _, Some(group)) => self.delete(Kind::Group, group, OperationKind::DeleteGroup).await,
            (.., Some(group)) => {
                let reply = self.requests.get(Kind::Group, &group).await?;
                Ok((OperationKind::Read(members(&reply)), group, version(&reply)))
            }
        }
    }

    async fn create(
        &self,
        kind: Kind,
        body: Value,
        members: Option<Ids>,
    ) -> Result<(OperationKind, ResourceId, Option<u64>), Error> {
        let reply = self.requests.create(kind, body).await?;
        let id = ResourceId::parse(reply.body.as_ref().unwrap()["id"].as_str().unwrap()).unwrap();
        match kind {
            Kind::User => self.known.users.lock().unwrap().push(id.clone()),
            Kind::Group => self.known.groups.lock().unwrap().push(id.clone()),
        }
        Ok((members.map_or(OperationKind::CreateUser, OperationKind::CreateGroup), id, version(&reply)))
    }

    async fn patch(&self, kind: Kind, id: &ResourceId, operations: Value) -> Result<Reply, Error> {
        self.requests.patch(kind, id, json!({"Operations": operations})).await
    }

    async fn delete(
        &self,
        kind: Kind,
        id: ResourceId,
        asked: OperationKind,
    ) -> Result<(OperationKind, ResourceId, Option<u64>), Error> {
        match self.requests.delete(kind, &id).await {
            Err(error) if error.status() == 503 && kind == Kind::User => {
                return Ok((OperationKind::UnknownDelete, id, None));
            }
            result => drop(result?),
        }
        // Some deleted resources stay known, so that operations on them are tried.
        if fastrand::u8(0..4) > 0 {
            for known in [&self.known.users, &self.known.groups] {
                known.lock().unwrap().retain(|it| *it != id);
            }
        }
        Ok((asked, id, None))
    }

    fn pick(&mut self, from: &Mutex<Vec<ResourceId>>) -> Option<ResourceId> {
        let from = from.lock().unwrap();
        self.random.choice(from.iter()).cloned()
    }

    /// A random choice of at most `most` users.
    fn some(&mut self, most: usize) -> Ids {
        let count = self.random.usize(0..=most);
        (0..count).filter_map(|_| self.pick(&self.known.users)).collect()
    }

    fn user_name(&mut self) -> String {
        format!("user-{}", self.random.usize(0..USER_NAMES))
    }

    fn group_name(&mut self) -> String {
        format!("group-{}", self.random.usize(0..GROUP_NAMES))
    }
}

fn listed(ids: &Ids) -> Vec<Value> {
    ids.iter().map(|id| json!({"value": id.as_str()})).collect()
}

pub(super) fn members(reply: &Reply) -> Ids {
    let members = reply.body.as_ref().unwrap().get("members").and_then(Value::as_array).cloned().unwrap_or_default();
    members.iter().map(|member| ResourceId::parse(member["value"].as_str().unwrap()).unwrap()).collect()
}

/// The number in an ETag: 7 in `W/"7"`.
fn version(reply: &Reply) -> Option<u64> {
    let of_body = || reply.body.as_ref()?.get("meta")?.get("version")?.as_str();
    let tag = reply.version.as_deref().or_else(of_body).expect("a version");
    Some(tag.trim_start_matches("W/").trim_matches('"').parse().expect("a number"))
}
