//! One of several concurrent clients. No other client changes its users and their memberships, so that it knows at
//! any time the states that they can have. All clients compete for the same names.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};

use crate::fault_rates::{Counts, Unsure};
use crate::outage::fixture::expect_deferred;
use acceptance::answer::{Answer, values};
use acceptance::client::{Client, PATCH};
use acceptance::request::{Request, encode};
use acceptance::unique;

/// The time after which API Gateway abandons a request.
const PATIENCE: Duration = Duration::from_secs(29);
/// The number of names for which all clients compete.
const NAMES: usize = 12;
/// The number of users that each client creates first, so that groups get many members in one change.
const STAYING: usize = 36;

/// The ids of the users of all clients.
#[derive(Default)]
pub(crate) struct Names {
    ids: Mutex<Vec<String>>,
}

/// The states that a user can have: more than one after a response of unknown outcome. `None` means that the user
/// does not exist.
type Possible = Vec<Option<State>>;

#[derive(Debug, Clone, PartialEq)]
struct State {
    name: String,
    /// The value of `title` and `nickName`, which are always changed together.
    tag: String,
}

pub(crate) struct Party<'a> {
    clients: &'a [Client],
    groups: &'a [String],
    names: &'a Names,
    random: Rng,
    left: u64,
    users: BTreeMap<String, Possible>,
    gone: Vec<String>,
    /// By group and user: whether the user can be a member, and whether it can be no member.
    members: BTreeMap<(String, String), (bool, bool)>,
    pub(crate) counts: Counts,
}

impl<'a> Party<'a> {
    pub(crate) fn new(clients: &'a [Client], groups: &'a [String], names: &'a Names, seed: u64, requests: u64) -> Self {
        let (random, counts) = (Rng::with_seed(seed), Counts::default());
        let (users, gone, members) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        Self { clients, groups, names, random, left: requests, users, gone, members, counts }
    }

    pub(crate) fn run(&mut self) {
        while self.counts.requests < self.left {
            let user = self.random.choice(self.users.keys()).cloned().unwrap_or_default();
            let group = self.random.choice(self.groups).cloned().expect("a group");
            match self.random.u8(0..100) {
                _ if self.users.len() < STAYING => self.create(&unique("staying-")),
                0..12 => {
                    let name = self.name();
                    self.create(&name);
                }
                12..30 => self.tag(&user),
                30..42 => self.rename(&user),
                42..50 => self.delete(&user),
                50..65 => self.look(&user),
                65..72 => self.find(),
                72..76 => self.look_at_another(),
                76..92 => self.join(&group),
                _ => self.look_at_members(&group),
            }
        }
    }

    /// Checks without faults that every user and every membership has a possible state.
    pub(crate) fn settle(&mut self) {
        self.users.keys().cloned().collect::<Vec<_>>().iter().for_each(|user| self.look(user));
        self.groups.iter().for_each(|group| self.look_at_members(group));
        for id in std::mem::take(&mut self.gone) {
            let answer = self.send(&Request::new("GET", format!("/Users/{id}"))).expect("no fault");
            answer.check(answer.status == 404, "expected no user after its delete");
        }
        assert!(self.users.values().all(|possible| possible.len() == 1), "every user has one state after it was read");
    }

    /// Sends a request. A deferred request has had no effect after 429, and may have had one after 503.
    fn send(&mut self, request: &Request) -> Result<Answer, Unsure> {
        let (client, begun) = (self.random.choice(self.clients).expect("a server"), Instant::now());
        let answer = client.send(request);
        answer.check(begun.elapsed() < PATIENCE, "expected an answer before API Gateway abandons the request");
        self.counts.requests += 1;
        match answer.status {
            200 | 201 | 204 => self.counts.done += 1,
            404 | 409 => self.counts.refused += 1,
            429 | 503 => {
                let status = answer.status;
                let is_open = expect_deferred(answer, status).status == 503;
                *(if is_open { &mut self.counts.unknown } else { &mut self.counts.deferred }) += 1;
                return Err(if is_open { Unsure::Open } else { Unsure::Not });
            }
            _ => answer.check(false, "no fault explains this status"),
        }
        Ok(answer)
    }

    fn name(&mut self) -> String {
        format!("contended-{}", self.random.usize(0..NAMES))
    }

    /// Creates a user, and repeats the request until it gets a response: a repeat has to find the user that an
    /// earlier attempt may have created.
    fn create(&mut self, name: &str) {
        let tag = unique("tag-");
        let body = json!({ "userName": name, "externalId": tag, "title": tag, "nickName": tag });
        let request = Request::new("POST", "/Users").json(&body);
        let mut is_open = false;
        let id = loop {
            match self.send(&request) {
                Ok(answer) if answer.status == 201 => break Some(answer.id()),
                Ok(answer) => {
                    answer.check(answer.status == 409, "expected 201 or 409");
                    break None;
                }
                Err(unsure) => is_open |= unsure == Unsure::Open,
            }
        };
        let found = self.search(&format!("externalId eq \"{tag}\""));
        match &id {
            Some(id) => assert_eq!(found, std::slice::from_ref(id), "the user was created as {id}"),
            None => {
                assert!(found.len() <= usize::from(is_open), "the create was rejected, but the user exists: {found:?}")
            }
        }
        for id in found {
            self.names.ids.lock().unwrap().push(id.clone());
            self.users.insert(id, vec![Some(State { name: name.to_owned(), tag: tag.clone() })]);
        }
    }

    /// The ids of the users that a filter finds. Repeats the request until it gets a response.
    fn search(&mut self, filter: &str) -> Vec<String> {
        let request = Request::new("GET", format!("/Users?filter={}", encode(filter)));
        loop {
            if let Ok(answer) = self.send(&request) {
                return answer.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect();
            }
        }
    }

    fn tag(&mut self, id: &str) {
        let tag = unique("tag-");
        let value = json!([
            { "op": "replace", "path": "title", "value": tag },
            { "op": "replace", "path": "nickName", "value": tag },
        ]);
        self.change(id, &value, |state| state.tag.clone_from(&tag));
    }

    fn rename(&mut self, id: &str) {
        let (name, tag) = (self.name(), unique("tag-"));
        let value = json!([{ "op": "replace", "value": { "userName": name, "title": tag, "nickName": tag } }]);
        self.change(id, &value, |state| *state = State { name: name.clone(), tag: tag.clone() });
    }

    fn change(&mut self, id: &str, operations: &Value, made: impl Fn(&mut State)) {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        let sent = self.send(&Request::new("PATCH", format!("/Users/{id}")).json(&body));
        let possible = self.users.get_mut(id).expect("this client created the user");
        let changed = possible.iter().flatten().cloned().map(|mut state| {
            made(&mut state);
            Some(state)
        });
        let changed: Possible = changed.collect();
        match sent {
            Ok(answer) if answer.status == 200 => {
                *possible = changed;
                self.compare(id, &answer);
            }
            Ok(answer) if answer.status == 404 => possible.retain(Option::is_none),
            Ok(answer) => answer.check(answer.status == 409, "expected 200, 404 or 409"),
            Err(Unsure::Open) => possible.extend(changed),
            Err(Unsure::Not) => {}
        }
        self.is_possible(id);
    }

    fn delete(&mut self, id: &str) {
        let sent = self.send(&Request::new("DELETE", format!("/Users/{id}")));
        let possible = self.users.get_mut(id).expect("this client created the user");
        match sent {
            Ok(answer) if answer.status == 204 => {
                assert!(possible.iter().any(Option::is_some), "a user is deleted once, but {id} was deleted before");
                *possible = vec![None];
            }
            Ok(answer) => {
                answer.check(answer.status == 404, "expected 204 or 404");
                possible.retain(Option::is_none);
            }
            Err(Unsure::Open) => possible.push(None),
            Err(Unsure::Not) => {}
        }
        self.is_possible(id);
    }

    fn look(&mut self, id: &str) {
        if let Ok(answer) = self.send(&Request::new("GET", format!("/Users/{id}"))) {
            match answer.status {
                404 => self.users.get_mut(id).expect("this client created the user").retain(Option::is_none),
                _ => self.compare(id, &answer),
            }
            self.is_possible(id);
        }
    }

    fn compare(&mut self, id: &str, answer: &Answer) {
        answer.check(answer["title"] == answer["nickName"], "half a change");
        let possible = self.users.get_mut(id).expect("this client created the user");
        let before = format!("{possible:?}");
        possible.retain(|state| {
            state.as_ref().is_some_and(|it| answer["userName"] == *it.name && answer["title"] == *it.tag)
        });
        possible.dedup();
        answer.check(!possible.is_empty(), &format!("expected one of these states: {before}"));
        possible.truncate(1);
    }

    fn is_possible(&mut self, id: &str) {
        let possible = self.users.get_mut(id).expect("this client created the user");
        let states = std::mem::take(possible);
        states.into_iter().for_each(|state| {
            if !possible.contains(&state) {
                possible.push(state)
            }
        });
        assert!(!possible.is_empty(), "{id} has a state that no answer explains");
        if *possible == [None] {
            self.users.remove(id);
            self.members.retain(|(_, user), _| user != id);
            self.gone.push(id.to_owned());
        }
    }

    fn look_at_another(&mut self) {
        let another = self.random.choice(self.names.ids.lock().unwrap().iter()).cloned();
        if let Some(Ok(answer)) = another.map(|id| self.send(&Request::new("GET", format!("/Users/{id}")))) {
            answer.check(answer["title"] == answer["nickName"], "half a change");
        }
    }

    fn find(&mut self) {
        let name = self.name();
        let found = self.search(&format!("userName eq \"{name}\""));
        assert!(found.len() <= 1, "{name} has two owners: {found:?}");
    }

    /// Adds one, some or all users of this client to the group, or removes them.
    fn join(&mut self, group: &str) {
        let comes = self.random.bool();
        let alive = self.users.iter().filter(|(_, possible)| !possible.contains(&None)).map(|(id, _)| id.clone());
        let mut who: Vec<String> = alive.collect();
        self.random.shuffle(&mut who);
        let count = if self.random.u8(0..5) == 0 { who.len() } else { self.random.usize(1..4) };
        who.truncate(count);
        let members: Value = who.iter().map(|id| json!({ "value": id })).collect();
        let op = if comes { "add" } else { "remove" };
        let body = json!({ "schemas": [PATCH], "Operations": [{ "op": op, "path": "members", "value": members }] });
        let sent = self.send(&Request::new("PATCH", format!("/Groups/{group}")).json(&body));
        for id in who {
            let possible = self.members.entry((group.to_owned(), id)).or_insert((false, true));
            match &sent {
                Ok(answer) => {
                    answer.check([200, 204].contains(&answer.status), "expected 200 or 204");
                    *possible = (comes, !comes);
                }
                Err(Unsure::Open) => *possible = (possible.0 || comes, possible.1 || !comes),
                Err(Unsure::Not) => {}
            }
        }
    }

    fn look_at_members(&mut self, group: &str) {
        let Ok(answer) = self.send(&Request::new("GET", format!("/Groups/{group}"))) else { return };
        let seen = values(&answer["members"]);
        for ((of, user), possible) in &mut self.members {
            if of != group || self.users[user].contains(&None) {
                continue;
            }
            let is_member = seen.contains(user);
            let may = if is_member { possible.0 } else { possible.1 };
            answer.check(may, &format!("expected the opposite: {user} is a member: {is_member}"));
            *possible = (is_member, !is_member);
        }
        let deleted = self.gone.iter().find(|user| seen.contains(user));
        answer.check(deleted.is_none(), &format!("expected no deleted member: {deleted:?}"));
    }
}
