//! Compares the events in a file with the directory of the server that published them.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Replica, events_in};

use acceptance::client::Client;

/// How long the comparison waits for the last events.
const PATIENCE: Duration = Duration::from_secs(60);
const PAGE: usize = 500;

/// Waits until the events in the file, which include the resources, rebuild the directory of the server.
pub(crate) fn rebuilds(file: &Path, scim: &Client) -> Vec<Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        let events = events_in(file);
        match Replica::of(&events).compare(everything(scim, "/Users"), everything(scim, "/Groups")) {
            Ok(()) => return events,
            Err(difference) => assert!(Instant::now() < until, "the events do not rebuild the directory: {difference}"),
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn everything(scim: &Client, endpoint: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let page = scim.get(format!("{endpoint}?startIndex={}&count={PAGE}", all.len() + 1)).expect(200);
        let resources = page.resources();
        all.extend(resources.iter().cloned());
        if resources.len() < PAGE {
            return all;
        }
    }
}
