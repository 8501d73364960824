//! A directory for one test, and the files of this workspace.

use std::fs;
use std::path::{Path, PathBuf};

use gateway::iam;
use serde_json::Value;
use store::{Connection, Credentials, Directory};
use testkit::Engine;

pub(crate) const TABLE: &str = "scim";

/// An empty directory in memory, which lives as long as its engine.
pub(crate) async fn directory() -> (&'static Directory, Engine) {
    let engine = Engine::start();
    let credentials = Credentials::Key(engine.key.clone());
    let connection = Connection { endpoint: Some(engine.url.clone()), table: TABLE.to_owned(), credentials };
    let directory = Directory::connect(connection).await.unwrap();
    directory.create_table().await.unwrap();
    (Box::leak(Box::new(directory.with_access_check(iam::check))), engine)
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// An event of `events/`, without `.json`.
pub(crate) fn event(name: &str) -> Value {
    let text = fs::read_to_string(root().join("events").join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}
