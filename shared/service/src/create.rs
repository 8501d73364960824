//! Creates a resource (RFC 7644 §3.3).

use protocol::membership::{Delta, MemberOperation, fold, take_members};
use protocol::{Error, Projection, Reply};
use schema::{Kind, Object, ResourceId, resource_type};
use store::{
    ChangeRecord, Commit, Error as StoreError, KeyedResource, Keys, MemberSummary, ResourceWrite, StoredKeys,
    StoredResource,
};

use crate::changed_attributes::changed_attributes;
use crate::clock::now_rfc3339;
use crate::error::to_client_error;
use crate::keys::{keys_of, new_id, uniqueness_error};
use crate::read_set::ReadSet;
use crate::represent::{Representation, member_value};
use crate::retry::RetryLoop;
use crate::{Context, membership, pending};

/// Creates a resource; for a group, also its memberships. Returns the reply with status 201 after the commit.
///
/// # Errors
/// [`Error::InvalidValue`], [`Error::Uniqueness`] if another resource has the name, [`Error::PayloadTooLarge`] for
/// a group with more members than one request can add ([`protocol::limits::MEMBER_CHANGES`]).
///
/// # Examples
/// ```no_run
/// use std::time::{Duration, Instant};
///
/// use protocol::{Caller, Exchange, Projection};
/// use schema::{Kind, Object};
/// use service::Context;
/// use store::{Connection, Credentials, Directory};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection {
///     endpoint: Some("http://localhost:8000".to_owned()),
///     table: "directory".to_owned(),
///     credentials: Credentials::Key("local".to_owned()),
/// };
/// let directory = Directory::connect(connection).await?;
/// let caller = Caller::from_context("acme", "token-id", "read write", None).ok_or("not a valid tenant")?;
/// let exchange = Exchange {
///     caller: &caller,
///     base_url: "https://example.com/scim/v2",
///     deadline: Instant::now() + Duration::from_secs(29),
/// };
/// let context = Context::new(&directory, exchange);
/// let body: Object = serde_json::from_str(r#"{"userName": "bjensen@example.com"}"#)?;
/// let reply = service::create(&context, Kind::User, &body, &Projection::default()).await?;
/// assert_eq!(reply.status, 201);
/// # Ok(())
/// # }
/// ```
pub async fn create(context: &Context<'_>, kind: Kind, body: &Object, projection: &Projection) -> Result<Reply, Error> {
    create_as(context, kind, new_id()?, body, projection).await
}

/// Creates a resource with a given new id.
///
/// # Errors
/// As [`create`].
pub(crate) async fn create_as(
    context: &Context<'_>,
    kind: Kind,
    id: ResourceId,
    body: &Object,
    projection: &Projection,
) -> Result<Reply, Error> {
    let new = NewResource::read(context, kind, id, body)?;
    context.spend_on(&new.resource)?;
    let mut retry = RetryLoop::new(context);
    loop {
        let commit = new.plan(context).await?;
        match retry.commit(context, &commit).await {
            Ok(committed) => {
                pending::finish_own_commit(context, &new.id, committed, retry.response_deadline()).await;
                return Ok(reply(context, commit, new.resource, projection));
            }
            Err(StoreError::NameTaken) => return Err(uniqueness_error(kind)),
            // A member was deleted after it was looked up, so the members are looked up again.
            Err(StoreError::MembersNotFound(_)) => retry.backoff().await?,
            Err(error @ StoreError::TooLargeTogether) => retry.recover(context, kind, error).await?,
            Err(error) => return Err(to_client_error(error)),
        }
    }
}

/// A resource that a request creates.
struct NewResource {
    kind: Kind,
    id: ResourceId,
    resource: Object,
    keys: Keys,
    members: Delta,
    created: String,
}

impl NewResource {
    fn read(context: &Context<'_>, kind: Kind, id: ResourceId, body: &Object) -> Result<Self, Error> {
        let mut resource = resource_type(kind).read(body, &context.exchange.caller.dialect)?;
        let members = take_members(kind, body, &mut resource)?.unwrap_or_default();
        let members = fold(vec![MemberOperation::Replace(members)], &[], &[])?;
        if kind == Kind::User {
            resource.entry("active").or_insert(true.into());
        }
        let keys = keys_of(kind, &resource)?;
        Ok(Self { kind, id, resource, keys, members, created: now_rfc3339() })
    }

    /// The commit that creates it, with the members that exist now.
    async fn plan(&self, context: &Context<'_>) -> Result<Commit, Error> {
        let members = membership::plan(context, None, &self.members, &[], &ReadSet::default()).await?;
        let change = ChangeRecord {
            id: new_id()?,
            at: self.created.clone(),
            attributes: changed_attributes(&Object::new(), &self.resource, !members.add.is_empty()),
            active: None,
            previous_at: None,
        };
        let after = KeyedResource { resource: self.resource.clone(), keys: self.keys.clone() };
        Ok(Commit {
            kind: self.kind,
            id: self.id.clone(),
            write: ResourceWrite::Create { after },
            add: members.add,
            remove: Vec::new(),
            group_exits: Vec::new(),
            change,
        })
    }
}

/// The reply needs no read: the resource is what was committed.
fn reply(context: &Context<'_>, commit: Commit, resource: Object, projection: &Projection) -> Reply {
    let stored = StoredResource {
        id: commit.id,
        kind: commit.kind,
        version: 1,
        created: commit.change.at.clone(),
        last_modified: commit.change.at,
        resource,
        member_summary: MemberSummary::default(),
        group_count: 0,
        keys: StoredKeys::default(),
    };
    let mut members = commit.add;
    members.sort_by(|one, other| one.id.cmp(&other.id));
    let members = members.iter().map(|member| member_value(context, member)).collect();
    let Representation { stored, body, .. } =
        Representation::new(context.exchange.base_url, stored).with_edges(members);
    Reply {
        status: 201,
        location: Some(stored.kind.location(context.exchange.base_url, &stored.id)),
        version: Some(protocol::entity_tag(stored.version)),
        body: Some(projection.apply(resource_type(stored.kind), body)),
        changed: commit.change.attributes.into_iter().collect(),
    }
}
