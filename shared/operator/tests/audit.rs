//! The `audit` command over a directory with a user and a group.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test panics")]

use std::io::{self, ErrorKind, Write};
use std::time::{Duration, Instant};

use clap::Parser;
use operator::Audit;
use protocol::{Caller, Exchange, Projection};
use schema::Kind;
use serde_json::{Value, json};
use service::Context;
use store::{Connection, Credentials, Directory};
use testkit::Engine;

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    audit: Audit,
}

struct Fixture {
    directory: Directory,
    user: String,
    group: String,
    _engine: Engine,
}

impl Fixture {
    async fn new() -> Self {
        let engine = Engine::start();
        let credentials = Credentials::Key(engine.key.clone());
        let connection = Connection { endpoint: Some(engine.url.clone()), table: "scim".to_owned(), credentials };
        let directory = Directory::connect(connection).await.unwrap();
        directory.create_table().await.unwrap();
        let user = create(&directory, Kind::User, json!({"userName": "ada"})).await;
        let group = json!({"displayName": "Staff", "members": [{"value": user}]});
        let group = create(&directory, Kind::Group, group).await;
        Self { directory, user, group, _engine: engine }
    }

    /// The output and the summary of the command, or its error.
    async fn run(&self, arguments: &[&str]) -> Result<(String, String), String> {
        let mut output = Vec::new();
        let audit = Options::parse_from([&["audit"], arguments].concat()).audit;
        let summary = audit.run(&self.directory, "acme", &mut output).await.map_err(|error| format!("{error:#}"))?;
        Ok((String::from_utf8(output).unwrap(), summary))
    }
}

async fn create(directory: &Directory, kind: Kind, body: Value) -> String {
    let caller = Caller::from_context("acme", "token", "read write", None).unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let context =
        Context::new(directory, Exchange { caller: &caller, base_url: "https://api.example/scim/v2", deadline: until });
    let reply = service::create(&context, kind, body.as_object().unwrap(), &Projection::default()).await.unwrap();
    reply.body.unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_written_as_lines_of_json() {
    let fixture = Fixture::new().await;
    let (output, summary) = fixture.run(&["--resource", &fixture.user]).await.unwrap();
    let changes: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&Value> = changes.iter().map(|change| &change["what"]).collect();
    assert_eq!(kinds, ["user.created", "group.created"]);
    assert_eq!(summary, format!("The trail begins at {}.", changes[0]["at"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_written_one_a_line() {
    let fixture = Fixture::new().await;
    let (output, _) = fixture.run(&["--members-of", &fixture.group]).await.unwrap();
    assert_eq!(output, format!("{}\n", fixture.user));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_option_is_named_in_the_error() {
    let fixture = Fixture::new().await;
    let error = fixture.run(&["--from", "yesterday"]).await.unwrap_err();
    assert!(error.contains("from must be an instant"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reader_that_closes_the_output_is_no_error() {
    struct FailingOutput(ErrorKind);
    impl Write for FailingOutput {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let fixture = Fixture::new().await;
    let audit = Options::parse_from(["audit"]).audit;
    assert!(audit.run(&fixture.directory, "acme", &mut FailingOutput(ErrorKind::BrokenPipe)).await.is_ok());
    let full = audit.run(&fixture.directory, "acme", &mut FailingOutput(ErrorKind::StorageFull)).await.unwrap_err();
    assert_eq!(full.to_string(), "the output cannot be written");
}
