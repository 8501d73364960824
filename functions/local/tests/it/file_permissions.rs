//! Only their owner can read and write the files of `local`, and `local` shows its token only in its introduction
//! (README, Security).
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use testkit::events_in;

use crate::process::{END_OF_INTRODUCTION, print_skipped};
use crate::server::{Data, Server};
use acceptance::unique;

/// The files in a folder, each with the union of the permissions that it had until `until` was set. The last read
/// at the folder comes after `until` is set.
fn watch(folder: &Path, until: &AtomicBool) -> BTreeMap<String, u32> {
    let mut seen = BTreeMap::new();
    loop {
        let is_last = until.load(Ordering::SeqCst);
        for entry in fs::read_dir(folder).unwrap().flatten() {
            // The server may have deleted the file since the folder was listed.
            let Ok(about) = entry.metadata() else { continue };
            *seen.entry(entry.file_name().into_string().unwrap()).or_default() |= about.permissions().mode() & 0o777;
        }
        if is_last {
            return seen;
        }
    }
}

/// Every file whose permissions differ from read and write for its owner only.
fn open_to_others(seen: &BTreeMap<String, u32>) -> Vec<String> {
    let wrong = seen.iter().filter(|(_, rights)| **rights != 0o600);
    wrong.map(|(name, rights)| format!("{name} {rights:o}")).collect()
}

/// Starts a server on the folder, creates a user, and kills the server. Returns its token, the lines that it
/// printed after its introduction, and the permissions that the files had meanwhile.
fn session(folder: &Path, tenant: &str) -> (String, Vec<String>, BTreeMap<String, u32>) {
    let data = folder.join("directory.db");
    let events = folder.join("events.jsonl");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| watch(folder, &over));
        let mut server = Server::with_events_file(&Data::File(&data), tenant, &events, true);
        let name = unique("someone");
        server.client().post("/Users", &json!({ "userName": name, "password": "a secret" })).expect(201);
        while !fs::read_to_string(&events).unwrap().contains(&name) {
            thread::yield_now();
        }
        let token = server.token().to_owned();
        let mut printed = server.printed_lines();
        printed.drain(..=printed.iter().position(|line| line == END_OF_INTRODUCTION).unwrap());
        server.kill();
        over.store(true, Ordering::SeqCst);
        (token, printed, watching.join().unwrap())
    })
}

#[test]
fn files_are_readable_by_their_owner_only() {
    let test = "files_are_readable_by_their_owner_only";
    if std::env::var_os("DYNAMODB_ENDPOINT").is_some() {
        return print_skipped(test, "DynamoDB Local keeps the data, so that there is no file");
    }
    let folder = tempfile::tempdir().unwrap();
    let tenant = unique("t");
    let token_file = format!("directory.db.{tenant}.token");
    let (token, printed, seen) = session(folder.path(), &tenant);
    for name in
        ["directory.db", "directory.db-wal", "directory.db-shm", "directory.db.lock", &token_file, "events.jsonl"]
    {
        assert!(seen.contains_key(name), "{name}: {seen:?}");
    }
    assert_eq!(open_to_others(&seen), [""; 0]);

    // An operator or an older program may have created the files with other permissions.
    for name in seen.keys().filter(|name| folder.path().join(name).exists()) {
        fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o666)).unwrap();
    }
    let (again, printed_again, _) = session(folder.path(), &tenant);
    let left = watch(folder.path(), &AtomicBool::new(true));
    assert_eq!((open_to_others(&left), left.len()), (Vec::new(), 6));
    assert_eq!(again, token, "the server keeps its token");

    let secret = &token["scim_0123456789a_".len()..];
    let published = json!(events_in(&folder.path().join("events.jsonl"))).to_string();
    assert!(
        published.contains("user.created") && !published.contains(secret) && !published.contains("a secret"),
        "{published}"
    );
    let lines = [printed, printed_again].concat();
    assert!(!lines.is_empty() && !lines.iter().any(|line| line.contains(secret)), "{lines:#?}");
    let database =
        ["directory.db", "directory.db-wal"].map(|name| fs::read(folder.path().join(name)).unwrap()).concat();
    let contains = |text: &str| database.windows(text.len()).any(|found| found == text.as_bytes());
    assert!(contains("expiresAt") && !contains(secret), "the database does not contain the token itself");
}
