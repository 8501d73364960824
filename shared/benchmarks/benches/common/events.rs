//! The sample events of `events/`, each about a new user, group or token, so that every run gets the same response.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use service::tokens::{IssueRequest, issue};
use store::Directory;

use gateway::functions;

/// The ids, names and tokens in the files.
const USER: &str = "01932c7e-8a4b-7c3d-9e5f-1a2b3c4d5e6f";
const OTHER: &str = "01932c7e-9b5c-7d4e-8f60-2b3c4d5e6f70";
const GROUP: &str = "01932c7f-1c6d-7e5f-9a71-3c4d5e6f7081";
const TOKEN: &str = "scim_0123456789a_thisIsNotARealTokenItOnlyShowsWhereOneGoes";
const TOKEN_ID: &str = "\"0123456789a\"";
const NAME: &str = "test.user@";
const GROUP_NAME: &str = "Test SCIMv2";

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(format!("{name}.json"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The sample event of a function, about new resources.
pub(crate) async fn fresh(directory: &'static Directory, function: &str) -> String {
    let name = format!("user-{:016x}@", fastrand::u64(..));
    let mut text = file(function);
    for id in [USER, OTHER] {
        if text.contains(id) {
            let user = if id == USER { name.clone() } else { format!("other-{name}") };
            text = text.replace(
                id,
                &create(directory, "UsersCreate", json!({ "userName": format!("{user}okta.local") })).await,
            );
        }
    }
    if text.contains(GROUP) {
        text = text.replace(GROUP, &create(directory, "GroupsCreate", json!({ "displayName": name })).await);
    }
    if function == "authorizer" || text.contains(TOKEN_ID) {
        let request: IssueRequest =
            serde_json::from_value(json!({ "tenant": "another", "label": "cold start" })).unwrap();
        let issued = issue(directory, request).await.unwrap();
        text = text.replace(TOKEN, &issued.token).replace(TOKEN_ID, &format!("{:?}", issued.metadata.id));
    }
    text.replace(NAME, &name).replace(GROUP_NAME, &name)
}

pub(crate) async fn create(directory: &'static Directory, function: &str, body: Value) -> String {
    let file = if function == "UsersCreate" { file("users-create") } else { file("groups-create") };
    let mut event: Value = serde_json::from_str(&file).unwrap();
    event["body"] = json!(body.to_string());
    // The benchmark reads the response, so it must not be compressed.
    for headers in ["headers", "multiValueHeaders"] {
        event[headers].as_object_mut().unwrap().remove("Accept-Encoding");
    }
    let answer = functions::invoke(function, directory, event).unwrap().await.unwrap();
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    body["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}
