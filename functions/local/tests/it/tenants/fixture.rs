//! Two tenants in one table with their resources and tokens of every kind, and ids that no tenant has.

use serde_json::{Value, json};
use service::tokens::{IssueRequest, IssuedToken, RevokeRequest, RotateRequest, issue, revoke, rotate};
use store::{Connection, Credentials, Directory};
use testkit::engine;

use crate::server::{Data, Server};
use crate::template::Api;
use acceptance::client::{Client, USER};
use acceptance::protocol::bulk;
use acceptance::unique;

pub(crate) struct Fixture {
    pub(crate) api: Api,
    pub(crate) tenants: [Tenant; 2],
    /// A client at the URL of the stage, to which the paths of the template are relative.
    pub(crate) root: Client,
    _server: Server,
}

pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) values: ResourceValues,
    /// A text in every resource and attribute of the tenant that `values` does not name.
    pub(crate) hidden: String,
    pub(crate) credentials: Vec<Credential>,
}

/// The values by which a request can name resources: those of a tenant, or values that no tenant has.
pub(crate) struct ResourceValues {
    /// The beginning of every name.
    pub(crate) tag: String,
    pub(crate) user: String,
    pub(crate) group: String,
    /// The version of the user.
    pub(crate) version: String,
    /// The cursors of the second page of `/Users`, of `/Groups` and of the root, with one resource a page.
    pub(crate) cursors: [String; 3],
}

pub(crate) const LISTS: [&str; 3] = ["/Users", "/Groups", ""];

/// The requests that a credential permits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    Nothing,
    Read,
    Everything,
}

pub(crate) struct Credential {
    pub(crate) name: &'static str,
    pub(crate) authorization: Option<String>,
    pub(crate) may: Permission,
}

impl Fixture {
    /// One process serves both tenants, so that a value that it caches for one could reach the other.
    pub(crate) fn new() -> Self {
        let names = [unique("t"), unique("t")];
        let server = Server::start(&Data::At(engine()), &names[0]);
        let scim = server.client();
        // The numbers of changes differ, so that the versions of the two users differ, too.
        let tenants = [2, 3].map(|changes| Tenant::new(&names[0], &names[changes - 2], &scim, changes));
        let api = Api::read().unwrap();
        let stage = scim.base().strip_suffix("/v2").unwrap().to_owned();
        assert!(stage.ends_with(&format!("/{}", api.stage)));
        let root = scim.with_base(&stage);
        Self { api, tenants, root, _server: server }
    }
}

impl Tenant {
    fn new(table: &str, name: &str, anybody: &Client, changes: usize) -> Self {
        let credentials = credentials(table, name);
        let scim = anybody.with_authorization(credentials[0].authorization.as_deref());
        let tag = unique("theirs");
        let hidden = unique("hidden");
        let [external, email, paging_filter] = [external(&tag), email(&tag), paging_filter(&tag)];
        let user = json!({ "userName": user_name(&tag), "externalId": external, "title": hidden,
            "emails": [{ "value": email, "display": hidden }] });
        let user = scim.post("/Users", &user).expect(201).id();
        let group = json!({ "displayName": group_name(&tag), "externalId": external,
            "members": [{ "value": user, "display": hidden }] });
        let group = scim.post("/Groups", &group).expect(201).id();
        for number in 0..2 {
            scim.post("/Users", &json!({ "userName": format!("{hidden}{number}") })).expect(201);
            scim.post("/Groups", &json!({ "displayName": format!("{hidden}{number}") })).expect(201);
        }
        bulk::check(&scim, &json!([bulk::user(&bulk_id(&tag), &format!("{hidden}2"))]), "201");
        for number in 0..changes {
            let rename = json!([{ "op": "replace", "path": "displayName", "value": format!("{hidden}{number}") }]);
            scim.patch(format!("/Users/{user}"), &rename).expect(200);
        }
        let version = scim.get(format!("/Users/{user}")).expect(200).header("etag").to_owned();
        let cursors = LISTS.map(|path| {
            // A client that pages by index leaves a bookmark where its second page begins.
            scim.list(path, &[("filter", &paging_filter), ("startIndex", "1"), ("count", "1")]).expect(200);
            scim.list(path, &[("cursor", ""), ("count", "1")]).expect(200)["nextCursor"].as_str().unwrap().to_owned()
        });
        let values = ResourceValues { tag, user, group, version, cursors };
        Self { name: name.to_owned(), values, hidden, credentials }
    }
}

impl ResourceValues {
    /// Values of the same form as those of a tenant, which no tenant has.
    pub(crate) fn missing(like: &ResourceValues) -> Self {
        let id = || uuid::Uuid::now_v7().to_string();
        // The cursor names the same page, but its authentication tag is wrong.
        let forge = |cursor: &String| format!("{}{}", if cursor.starts_with('A') { 'B' } else { 'A' }, &cursor[1..]);
        let tag = unique("nobody");
        let version = "W/\"77\"".to_owned();
        Self { tag, user: id(), group: id(), version, cursors: like.cursors.each_ref().map(forge) }
    }
}

pub(crate) fn user_name(tag: &str) -> String {
    format!("{tag}-name")
}

pub(crate) fn group_name(tag: &str) -> String {
    format!("{tag} group")
}

pub(crate) fn external(tag: &str) -> String {
    format!("{tag}-external")
}

pub(crate) fn email(tag: &str) -> String {
    format!("{tag}@mail.example")
}

pub(crate) fn bulk_id(tag: &str) -> String {
    format!("{tag}-bulk")
}

/// The filter with which a client pages by index.
pub(crate) fn paging_filter(tag: &str) -> String {
    format!("id pr or id eq \"{tag}\"")
}

/// Tokens as the operator functions issue them: a lenient one with all scopes, a strict one, a read-only one, an
/// expired one and a revoked one.
async fn tokens(table: &str, tenant: &str) -> [String; 5] {
    let endpoint = Some(engine().to_owned());
    let table = table.to_owned();
    let directory =
        Directory::connect(Connection { endpoint, table, credentials: Credentials::Key("local".to_owned()) })
            .await
            .unwrap();
    let make = async |scopes, dialect| {
        let of = |text: &str| Some(text.to_owned());
        let tenant = tenant.to_owned();
        let label = "test".to_owned();
        let request = IssueRequest { tenant, label, expires_in_days: None, scopes: of(scopes), dialect: of(dialect) };
        issue(&directory, request).await.unwrap()
    };
    let all = "read write";
    let (expired, revoked) = (make(all, "lenient").await, make(all, "lenient").await);
    let end = RotateRequest { id: expired.metadata.id.clone(), overlap_hours: Some(0), expires_in_days: None };
    rotate(&directory, end).await.unwrap();
    revoke(&directory, RevokeRequest { id: revoked.metadata.id.clone() }).await.unwrap();
    let full = make(all, "lenient").await;
    let strict = make(all, "strict").await;
    let read = make("read", "lenient").await;
    [full, strict, read, expired, revoked].map(|IssuedToken { token, .. }| token)
}

/// Credentials of every kind; the first one permits everything.
fn credentials(table: &str, tenant: &str) -> Vec<Credential> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let [full, strict, read, expired, revoked] = runtime.block_on(tokens(table, tenant));
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    // The id of a valid token is combined with the secret of a revoked one.
    let id = full.split('_').nth(1).unwrap();
    let rest = revoked.split('_').nth(2).unwrap();
    let of = |name, authorization, may| Credential { name, authorization, may };
    vec![
        of("full", bearer(&full), Permission::Everything),
        of("strict", bearer(&strict), Permission::Everything),
        of("read-only", bearer(&read), Permission::Read),
        of("none", None, Permission::Nothing),
        of("empty", Some(String::new()), Permission::Nothing),
        of("blank", Some(" ".to_owned()), Permission::Nothing),
        of("scheme alone", Some("Bearer".to_owned()), Permission::Nothing),
        of("garbage", Some("Bearer x".to_owned()), Permission::Nothing),
        of("another scheme", Some(format!("Basic {full}")), Permission::Nothing),
        of("cut", bearer(&full[..full.len() - 1]), Permission::Nothing),
        of("mixed", Some(format!("Bearer scim_{id}_{rest}")), Permission::Nothing),
        of("expired", bearer(&expired), Permission::Nothing),
        of("revoked", bearer(&revoked), Permission::Nothing),
        of("strict and bare", Some(strict), Permission::Nothing),
    ]
}

/// The user and the group of the calling tenant in a request.
pub(crate) struct OwnResources {
    pub(crate) user: String,
    pub(crate) group: String,
}

impl OwnResources {
    /// Creates a user and a group for a request that may change them. Their names are always the same.
    pub(crate) fn new(scim: &Client) -> Self {
        let user = scim.post("/v2/Users", &json!({ "schemas": [USER], "userName": "own" })).expect(201).id();
        let group: Value = json!({ "displayName": "own", "members": [{ "value": user }] });
        let group = scim.post("/v2/Groups", &group).expect(201).id();
        Self { user, group }
    }
}
