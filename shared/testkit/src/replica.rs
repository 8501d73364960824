//! A consumer of events that rebuilds a directory from them alone, to be compared with the real one. It also checks
//! their order: the events of a resource arrive in the order of its versions, and an event that arrives twice has
//! the same `jti`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fmt, fs};

use serde_json::Value;

/// A directory that is rebuilt from events.
#[derive(Debug, Default)]
pub struct Replica {
    resources: BTreeMap<String, Resource>,
    deleted: BTreeSet<String>,
    /// The `jti` of each event so far.
    seen: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Resource {
    version: u64,
    /// The newest representation, and its version.
    data: Option<(u64, Value)>,
    members: BTreeSet<String>,
}

/// A difference between the replica and the real directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The path of the resource: `/Users/…`.
    uri: String,
    problem: String,
}

impl Difference {
    fn new(uri: &str, problem: impl Into<String>) -> Self {
        Self { uri: uri.to_owned(), problem: problem.into() }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.uri, self.problem)
    }
}

impl std::error::Error for Difference {}

/// The events in a file, without an incomplete last line.
pub fn events_in(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Replica {
    /// Applies events in the order in which they arrived, each with its type as `detail-type` and its claims as
    /// `detail`.
    pub fn of(events: &[Value]) -> Self {
        let mut replica = Self::default();
        events.iter().for_each(|event| replica.apply(event));
        replica
    }

    /// Applies events that arrived in any order, and some of them twice: those of a resource in the order of its
    /// versions, as the guide instructs consumers.
    pub fn of_disordered(events: &[Value]) -> Self {
        let mut ordered = events.to_vec();
        ordered.sort_by_key(place);
        Self::of(&ordered)
    }

    fn apply(&mut self, event: &Value) {
        let claims = &event["detail"];
        let text = |claim: &str| claims[claim].as_str().unwrap().to_owned();
        if !self.seen.insert(text("jti")) {
            return;
        }
        let name = event["detail-type"].as_str().unwrap();
        assert!(text("jti").starts_with(&format!("{}.{name}", text("txn"))), "{event}");
        let uri = claims["sub_id"]["uri"].as_str().unwrap().to_owned();
        let (_, payload) = claims["events"].as_object().unwrap().iter().next().unwrap();
        let version = payload["version"].as_str().map(number);
        match name {
            "user.created" | "group.created" => self.create(uri, payload, version.unwrap()),
            "user.updated" | "group.updated" => self.update(&uri, payload, version.unwrap()),
            "user.deactivated" | "user.reactivated" => {
                self.check_active(&uri, name == "user.reactivated", version.unwrap())
            }
            "user.deleted" | "group.deleted" => {
                let resource = self.resources.remove(&uri);
                let resource = resource.unwrap_or_else(|| panic!("{uri} was never created, or is deleted twice"));
                assert_eq!(claims["version"].as_str().map(number), Some(resource.version + 1), "{uri}");
                self.deleted.insert(uri);
            }
            "group.members.changed" => self.change_members(&uri, claims, version.unwrap()),
            other => panic!("an event of an unknown type: {other}"),
        }
    }

    fn create(&mut self, uri: String, payload: &Value, version: u64) {
        assert_eq!(version, 1, "{uri}");
        let mut resource = Resource { version, ..Resource::default() };
        resource.take(payload);
        assert!(!self.deleted.contains(&uri), "{uri} is created after its deletion");
        assert!(self.resources.insert(uri.clone(), resource).is_none(), "{uri} is created twice");
    }

    fn update(&mut self, uri: &str, payload: &Value, version: u64) {
        let resource = self.resources.get_mut(uri).unwrap_or_else(|| panic!("{uri} is updated before it is created"));
        assert_eq!(version, resource.version + 1, "{uri}: a version is missing or late");
        resource.version = version;
        resource.take(payload);
    }

    /// The event follows the update that changed `active`.
    fn check_active(&mut self, uri: &str, active: bool, version: u64) {
        let resource = &self.resources[uri];
        assert_eq!(version, resource.version, "{uri}");
        if let Some((_, data)) = resource.data.as_ref().filter(|(of, _)| *of == version) {
            assert_eq!(data["active"], active, "{uri}");
        }
    }

    /// The event is of the next version, in one or more chunks, or follows the other event of its version.
    fn change_members(&mut self, uri: &str, claims: &Value, version: u64) {
        if self.deleted.contains(uri) {
            return;
        }
        let group = self.resources.get_mut(uri).unwrap_or_else(|| panic!("{uri} gets members before it is created"));
        let steps = version - group.version;
        assert!(steps <= 1, "{uri}: version {version} follows {}", group.version);
        group.version = version;
        for id in values_of(&claims["added"]) {
            assert!(group.members.insert(id.clone()), "{uri}: {id} joins twice");
        }
        for id in values_of(&claims["removed"]) {
            assert!(group.members.remove(&id), "{uri}: {id} leaves and was no member");
        }
    }

    /// Compares this with the real directory: all of its users, and all of its groups with their members.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare(&self, users: Vec<Value>, groups: Vec<Value>) -> Result<(), Difference> {
        let mut real = BTreeSet::new();
        for (endpoint, edges, all) in [("/Users", "groups", users), ("/Groups", "members", groups)] {
            for mut seen in all {
                let uri = format!("{endpoint}/{}", seen["id"].as_str().unwrap());
                let ours = self.resources.get(&uri).ok_or_else(|| Difference::new(&uri, "it has no event"))?;
                let theirs = seen.as_object_mut().unwrap().shift_remove(edges).unwrap_or_default();
                ours.compare(&seen, endpoint == "/Groups").map_err(|problem| Difference::new(&uri, problem))?;
                let members = theirs.as_array().into_iter().flatten().map(|member| member["value"].as_str().unwrap());
                let members: BTreeSet<String> = members.map(str::to_owned).collect();
                if endpoint == "/Groups" && ours.members != members {
                    let problem = format!("the events give members {:?}, the directory {members:?}", ours.members);
                    return Err(Difference::new(&uri, problem));
                }
                real.insert(uri);
            }
        }
        match self.resources.keys().find(|uri| !real.contains(*uri)) {
            Some(uri) => Err(Difference::new(uri, "it has events and is not in the directory")),
            None => Ok(()),
        }
    }
}

impl Resource {
    fn take(&mut self, payload: &Value) {
        let Some(data) = payload.get("data") else { return };
        let version = number(data["meta"]["version"].as_str().unwrap());
        assert!(data.get("password").is_none() && data.get("members").is_none() && data.get("groups").is_none());
        if self.data.as_ref().is_none_or(|(of, _)| *of < version) {
            self.data = Some((version, data.clone()));
        }
    }

    /// Ignores what events do not carry: a change of members gives a group a new version without a representation,
    /// and a restarted server may have another URL.
    fn compare(&self, seen: &Value, is_group: bool) -> Result<(), String> {
        let (_, mut data) = self.data.clone().ok_or("no event has a representation")?;
        let mut seen = seen.clone();
        if number(seen["meta"]["version"].as_str().unwrap()) != self.version {
            return Err(format!(
                "the events end at version {}, the directory has {}",
                self.version, seen["meta"]["version"]
            ));
        }
        let ignored: &[&str] = if is_group { &["location", "version", "lastModified"] } else { &["location"] };
        for one in [&mut data, &mut seen] {
            let meta = one["meta"].as_object_mut().unwrap();
            meta.retain(|name, _| !ignored.contains(&name.as_str()));
        }
        if data == seen { Ok(()) } else { Err(format!("the events give {data}, the directory {seen}")) }
    }
}

/// The place of an event among those of its resource: its version, then its type, then its part. A deleted resource
/// has no later version.
fn place(event: &Value) -> (String, u64, usize, u64) {
    const TYPES: [&str; 6] = ["created", "updated", "deactivated", "reactivated", "changed", "deleted"];
    let claims = &event["detail"];
    let payload = claims["events"].as_object().unwrap().values().next().unwrap();
    let version = payload["version"].as_str().or_else(|| claims["version"].as_str()).map(number).unwrap();
    let name = event["detail-type"].as_str().unwrap();
    let type_place = TYPES.iter().position(|word| name.ends_with(word)).unwrap();
    let uri = claims["sub_id"]["uri"].as_str().unwrap().to_owned();
    (uri, version, type_place, claims["part"].as_u64().unwrap_or(0))
}

fn values_of(ids: &Value) -> Vec<String> {
    ids.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// The version in an entity tag: 3 of `W/"3"`.
fn number(entity_tag: &str) -> u64 {
    entity_tag.trim_start_matches("W/").trim_matches('"').parse().unwrap()
}
