//! What `local` keeps is its owner's alone, and of its token there is only what it prints at the start (README, Security).
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

/// The files in a folder, with the widest rights that each was seen with until `until`, which is looked at before.
fn watch(folder: &Path, until: &AtomicBool) -> BTreeMap<String, u32> {
    let mut seen = BTreeMap::new();
    loop {
        let is_last = until.load(Ordering::SeqCst);
        for entry in fs::read_dir(folder).unwrap().flatten() {
            // Some are gone by now.
            let Ok(about) = entry.metadata() else { continue };
            *seen.entry(entry.file_name().into_string().unwrap()).or_default() |= about.permissions().mode() & 0o777;
        }
        if is_last {
            return seen;
        }
    }
}

/// Each file that has other rights than to be read and written by its owner.
fn open_to_others(seen: &BTreeMap<String, u32>) -> Vec<String> {
    let wrong = seen.iter().filter(|(_, rights)| **rights != 0o600);
    wrong.map(|(name, rights)| format!("{name} {rights:o}")).collect()
}

/// Starts a server on the folder, makes a user, and kills it; its token, what it said once it had begun, and the rights of all files meanwhile.
fn session(folder: &Path, tenant: &str) -> (String, Vec<String>, BTreeMap<String, u32>) {
    let (data, events) = (folder.join("directory.db"), folder.join("events.jsonl"));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| watch(folder, &over));
        let mut server = Server::with_events_file(&Data::File(&data), tenant, &events, true);
        let name = unique("someone");
        server.client().post("/Users", &json!({ "userName": name, "password": "a secret" })).expect(201);
        while !fs::read_to_string(&events).unwrap().contains(&name) {
            thread::yield_now();
        }
        let (token, mut said) = (server.token().to_owned(), server.printed_lines());
        said.drain(..=said.iter().position(|line| line == END_OF_INTRODUCTION).unwrap());
        server.kill();
        over.store(true, Ordering::SeqCst);
        (token, said, watching.join().unwrap())
    })
}

#[test]
fn files_are_readable_by_their_owner_only() {
    let test = "files_are_readable_by_their_owner_only";
    if std::env::var_os("DYNAMODB_ENDPOINT").is_some() {
        return print_skipped(test, "the data are in no file");
    }
    let (folder, tenant) = (tempfile::tempdir().unwrap(), unique("t"));
    let token_file = format!("directory.db.{tenant}.token");
    let (token, said, seen) = session(folder.path(), &tenant);
    for name in
        ["directory.db", "directory.db-wal", "directory.db-shm", "directory.db.lock", &token_file, "events.jsonl"]
    {
        assert!(seen.contains_key(name), "{name}: {seen:?}");
    }
    assert_eq!(open_to_others(&seen), [""; 0]);

    // As they were made by somebody else's hand, or by an older program.
    for name in seen.keys().filter(|name| folder.path().join(name).exists()) {
        fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o666)).unwrap();
    }
    let (again, said_again, _) = session(folder.path(), &tenant);
    let left = watch(folder.path(), &AtomicBool::new(true));
    assert_eq!((open_to_others(&left), left.len()), (Vec::new(), 6));
    assert_eq!(again, token, "it is kept");

    let secret = &token["scim_0123456789a_".len()..];
    let told = json!(events_in(&folder.path().join("events.jsonl"))).to_string();
    assert!(told.contains("user.created") && !told.contains(secret) && !told.contains("a secret"), "{told}");
    let lines = [said, said_again].concat();
    assert!(!lines.is_empty() && !lines.iter().any(|line| line.contains(secret)), "{lines:#?}");
    let database =
        ["directory.db", "directory.db-wal"].map(|name| fs::read(folder.path().join(name)).unwrap()).concat();
    let contains = |text: &str| database.windows(text.len()).any(|found| found == text.as_bytes());
    assert!(contains("expiresAt") && !contains(secret), "the token itself is not stored");
}
