//! Fuzzes events of API Gateway, for each function behind a route and for the authorizer.

use std::sync::LazyLock;

use gateway::functions;
use serde_json::{Value, json};
use service::tokens::authorize;
use store::{Connection, Credentials, Directory};
use testkit::ReadOnlyProxy;
use tokio::runtime::{Builder, Runtime};

/// A directory with a user and a group that does not change, so that the same event always gets the same response.
struct Site {
    runtime: Runtime,
    directory: &'static Directory,
    user: String,
    group: String,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let engine = ReadOnlyProxy::before(testkit::engine());
    let connect = |url: &str| {
        let table = format!("fuzz{}", std::process::id());
        Connection { endpoint: Some(url.to_owned()), table, credentials: Credentials::Key("local".to_owned()) }
    };
    let changing: &'static Directory = Box::leak(Box::new(runtime.block_on(async {
        let directory = Directory::connect(connect(testkit::engine())).await.unwrap();
        directory.create_table().await.unwrap();
        directory
    })));
    let create = |name: &str, event: &str, body: &Value| {
        let mut event: Value = serde_json::from_str(event).unwrap();
        event["body"] = json!(body.to_string());
        event["multiValueHeaders"] = json!({ "Content-Type": ["application/scim+json"] });
        let answer = runtime.block_on(functions::invoke(name, changing, event).unwrap()).unwrap();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        body["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let mut body = crate::resources::of(crate::Kind::User).clone();
    body.remove("meta");
    let user = create("UsersCreate", include_str!("../../../events/users-create.json"), &Value::Object(body));
    let body = json!({ "displayName": "Tour Guides", "members": [{ "value": user }] });
    let group = create("GroupsCreate", include_str!("../../../events/groups-create.json"), &body);
    let directory = runtime.block_on(Directory::connect(connect(engine.url()))).unwrap();
    Site { runtime, directory: Box::leak(Box::new(directory)), user, group }
});

/// Fuzzes events. The text is the name of a function, a line break, and the event, in which `{user}` and `{group}`
/// stand for the ids of an existing user and group. The response must be a SCIM response, and no internal error.
pub fn event(text: &str) {
    let Some((name, event)) = text.split_once('\n') else { return };
    let event = event.replace("{user}", &SITE.user).replace("{group}", &SITE.group);
    let Ok(event) = serde_json::from_str(&event) else { return };
    if name == "Authorizer" {
        drop(SITE.runtime.block_on(edge::invoke_event(SITE.directory, authorizer::handle, event, None)));
        return;
    }
    let Some(answer) = functions::invoke(name, SITE.directory, event) else { return };
    let Ok(answer) = SITE.runtime.block_on(answer) else { return };
    let status = answer["statusCode"].as_u64().unwrap();
    // /Me returns 501, because a token does not belong to a user (RFC 7644 §3.11).
    assert!((200..500).contains(&status) || status == 501, "{answer}");
    let body = answer["body"].as_str().unwrap_or_default();
    if !body.is_empty() && answer["isBase64Encoded"] != true {
        let body: Value = serde_json::from_str(body).unwrap();
        let said = body["status"].as_str().and_then(|status| status.parse().ok());
        assert!(status < 400 || said == Some(status), "{answer}");
    }
}

/// Fuzzes `Authorization` headers: none of them is authorized, because no token was issued.
pub fn token(text: &str) {
    if let Some(presented) = protocol::token::parse(text) {
        assert!(protocol::token::is_id(&presented.id));
        let bare = text.trim().rsplit(' ').next().unwrap();
        assert!(protocol::token::parse(bare).is_some_and(|again| again.id == presented.id && again.has_no_scheme));
    }
    assert!(SITE.runtime.block_on(authorize(SITE.directory, text)).unwrap().is_none());
}
