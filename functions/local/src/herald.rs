//! Where events go on this machine: a line on the terminal, and, if a file was named, a line of JSON in it that is like what a
//! target of EventBridge is sent.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use protocol::event::Event;
use serde_json::{Value, json};

use crate::{private, terminal};

/// Tells events.
pub(crate) struct Herald {
    file: Option<(PathBuf, File)>,
    /// By tenant, the change that the file tells of last.
    last: HashMap<String, String>,
}

impl Herald {
    /// Opens the file, or makes it, for its owner alone. What a killed process has left of a line is cut off.
    ///
    /// # Errors
    /// With a sentence.
    pub(crate) fn new(path: Option<&Path>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self { file: None, last: HashMap::new() }) };
        let opened = private::open(File::options().read(true).append(true).create(true), path);
        let opened = opened.and_then(|file| Ok((last(&file)?, file)));
        let (last, file) = opened.map_err(|error| trouble(path, &error))?;
        Ok(Self { file: Some((path.to_owned(), file)), last })
    }

    pub(crate) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// The id of the last change of a tenant's that the file told of when it was opened, perhaps not of all its events.
    pub(crate) fn last(&self, tenant: &str) -> Option<&str> {
        self.last.get(tenant).map(String::as_str)
    }

    /// # Errors
    /// With a sentence, if the file cannot be written.
    pub(crate) fn tell(&mut self, events: &[Event]) -> Result<(), String> {
        let lines: String = events.iter().map(|event| format!("{}\n", line(event))).collect();
        if let Some((path, file)) = &mut self.file {
            file.write_all(lines.as_bytes()).map_err(|error| trouble(path, &error))?;
        }
        events.iter().for_each(terminal::event);
        Ok(())
    }
}

fn line(event: &Event) -> Value {
    json!({
        "source": "scim",
        "detail-type": event.name.as_str(),
        "time": event.at.to_string(),
        "detail": event.claims,
    })
}

/// Reads the file to its last whole line.
fn last(file: &File) -> io::Result<HashMap<String, String>> {
    let (mut reader, mut line, mut length, mut last) = (BufReader::new(file), Vec::new(), 0, HashMap::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        if !line.ends_with(b"\n") {
            file.set_len(length)?;
            break;
        }
        length += line.len() as u64;
        let told: Value = serde_json::from_slice(&line).unwrap_or_default();
        let claim = |name: &str| Some(told.get("detail")?.get(name)?.as_str()?.to_owned());
        last.extend(claim("tenant").zip(claim("txn")));
        line.clear();
    }
    Ok(last)
}

fn trouble(path: &Path, error: &io::Error) -> String {
    format!("the file of events {} cannot be used: {error}", path.display())
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
            verb: ChangeType::Created,
            attributes: Vec::new(),
            before: None,
            after: Some(1),
            members: MemberDelta::default(),
            display_updated: Vec::new(),
            is_chunked: false,
            left: Vec::new(),
            active: None,
            at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        };
        events(&change, &[], "https://api.example/scim/v2", None)
    }

    #[test]
    fn a_file_is_the_owners_and_goes_on_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let ids = [1, 2, 3].map(|n| format!("0191b1c8-7a60-7c3e-8a3e-00000000000{n}"));
        let mut herald = Herald::new(Some(&path)).unwrap();
        assert_eq!(herald.last("acme"), None);
        herald.tell(&created("acme", &ids[0])).unwrap();
        herald.tell(&created("other", &ids[1])).unwrap();
        herald.tell(&created("acme", &ids[2])).unwrap();
        drop(herald);
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
        let mut herald = Herald::new(Some(&path)).unwrap();
        assert_eq!((herald.last("acme"), herald.last("other")), (Some(&*ids[0]), Some(&*ids[1])));
        herald.tell(&created("acme", &ids[2])).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        assert!(Herald::new(Some(folder.path())).is_err(), "a folder");
    }
}
