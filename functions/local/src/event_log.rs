//! The destination of events on this machine: a line on the terminal and, if the options name a file, a line of
//! JSON in it, in the form in which EventBridge delivers events to a target.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use protocol::event::Event;
use serde_json::{Value, json};

use crate::{owner_only, terminal};

/// Publishes events.
pub(crate) struct EventLog {
    file: Option<(PathBuf, File)>,
    /// The id of the last change in the file when it was opened, by tenant.
    last_changes: HashMap<String, String>,
}

impl EventLog {
    /// Opens or creates the file, readable only by its owner. A line that a killed process has left incomplete is
    /// cut off.
    ///
    /// # Errors
    /// The file cannot be used.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self { file: None, last_changes: HashMap::new() }) };
        let file = owner_only::open(File::options().read(true).append(true).create(true), path);
        let file = file.with_context(|| unusable(path))?;
        let last_changes = recover(&file).with_context(|| unusable(path))?;
        Ok(Self { file: Some((path.to_owned(), file)), last_changes })
    }

    pub(crate) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// The id of the tenant's last change in the file when it was opened. The file may lack some of its events.
    pub(crate) fn last_change(&self, tenant: &str) -> Option<&str> {
        self.last_changes.get(tenant).map(String::as_str)
    }

    /// Appends the events to the file, if there is one, and prints them.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn append(&mut self, events: &[Event]) -> Result<()> {
        if let Some((path, file)) = &mut self.file {
            let lines: String = events.iter().map(|event| format!("{}\n", to_json(event))).collect();
            file.write_all(lines.as_bytes()).with_context(|| unusable(path))?;
        }
        events.iter().for_each(terminal::print_event);
        Ok(())
    }
}

fn to_json(event: &Event) -> Value {
    json!({
        "source": "scim",
        "detail-type": event.event_type.as_str(),
        "time": event.at.to_string(),
        "detail": event.claims,
    })
}

/// Reads the last change of each tenant, and cuts off an incomplete last line.
fn recover(file: &File) -> io::Result<HashMap<String, String>> {
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut length = 0;
    let mut last_changes = HashMap::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if !line.ends_with(b"\n") {
            file.set_len(length)?;
            break;
        }
        length += line.len() as u64;
        let event: Value = serde_json::from_slice(&line).unwrap_or_default();
        let claim = |name: &str| Some(event.get("detail")?.get(name)?.as_str()?.to_owned());
        last_changes.extend(claim("tenant").zip(claim("txn")));
        line.clear();
    }
    Ok(last_changes)
}

fn unusable(path: &Path) -> String {
    format!("the event file {} cannot be used", path.display())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use protocol::Tenant;
    use protocol::event::{Change, ChangeType, MemberDelta, events};
    use schema::{Kind, ResourceId};

    use super::*;

    fn created(tenant: &str, id: &str) -> Vec<Event> {
        let id = ResourceId::parse(id).unwrap();
        let change = Change {
            id: id.clone(),
            tenant: Tenant::named(tenant).unwrap(),
            token: "t".to_owned(),
            kind: Kind::User,
            resource: id,
            change_type: ChangeType::Created,
            attributes: Vec::new(),
            before: None,
            after: Some(1),
            members: MemberDelta::default(),
            display_updated: Vec::new(),
            is_chunked: false,
            group_exits: Vec::new(),
            active: None,
            at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            previous_at: None,
        };
        events(&change, &[], "https://api.example/scim/v2", None)
    }

    #[test]
    fn file_is_readable_by_its_owner_alone_and_continues_after_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let ids = [1, 2, 3].map(|n| format!("0191b1c8-7a60-7c3e-8a3e-00000000000{n}"));
        let mut log = EventLog::open(Some(&path)).unwrap();
        assert_eq!(log.last_change("acme"), None);
        log.append(&created("acme", &ids[0])).unwrap();
        log.append(&created("other", &ids[1])).unwrap();
        log.append(&created("acme", &ids[2])).unwrap();
        drop(log);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let whole = fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[0]["detail-type"]), (3, &json!("user.created")));
        assert_eq!((&lines[0]["time"], &lines[0]["source"]), (&json!("2026-01-02T03:04:05.678Z"), &json!("scim")));

        let torn = whole.len() - 20;
        File::options().write(true).open(&path).unwrap().set_len(torn as u64).unwrap();
        let mut log = EventLog::open(Some(&path)).unwrap();
        assert_eq!((log.last_change("acme"), log.last_change("other")), (Some(&*ids[0]), Some(&*ids[1])));
        log.append(&created("acme", &ids[2])).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        assert!(EventLog::open(Some(folder.path())).is_err(), "a folder");
    }
}
