//! The users of one client, with the states that each can have.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sender::{Effect, Sender};
use acceptance::answer::Answer;
use acceptance::client::PATCH;
use acceptance::request::Request;
use acceptance::unique;

/// The states that a user can have: more than one after a response of unknown effect. `None` means that the user
/// does not exist.
type PossibleStates = Vec<Option<UserState>>;

#[derive(Debug, Clone, PartialEq)]
struct UserState {
    name: String,
    /// The value of `title` and `nickName`, which are always changed together.
    tag: String,
}

#[derive(Default)]
pub(super) struct Users {
    states: BTreeMap<String, PossibleStates>,
    /// The ids of the users that were deleted.
    pub(super) deleted: Vec<String>,
}

impl Users {
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    pub(super) fn ids(&self) -> impl ExactSizeIterator<Item = &String> {
        self.states.keys()
    }

    /// The ids of the users that certainly exist.
    pub(super) fn existing_ids(&self) -> Vec<String> {
        self.states.iter().filter(|(_, states)| !states.contains(&None)).map(|(id, _)| id.clone()).collect()
    }

    /// Whether the user certainly exists.
    pub(super) fn exists(&self, id: &str) -> bool {
        self.states.get(id).is_some_and(|states| !states.contains(&None))
    }

    pub(super) fn have_one_state_each(&self) -> bool {
        self.states.values().all(|states| states.len() == 1)
    }

    /// Creates a user, and repeats the request until it gets a response: a repeat has to find the user that an
    /// earlier attempt may have created. Returns the ids of the users that were created.
    pub(super) fn create(&mut self, sender: &mut Sender<'_>, name: &str) -> Vec<String> {
        let tag = unique("tag-");
        let body = json!({ "userName": name, "externalId": tag, "title": tag, "nickName": tag });
        let request = Request::new("POST", "/Users").json(&body);
        let mut is_unknown = false;
        let id = loop {
            match sender.send(&request) {
                Ok(answer) if answer.status == 201 => break Some(answer.id()),
                Ok(answer) => {
                    answer.check(answer.status == 409, "expected 201 or 409");
                    break None;
                }
                Err(effect) => is_unknown |= effect == Effect::Unknown,
            }
        };
        let found = sender.search(&format!("externalId eq \"{tag}\""));
        match &id {
            Some(id) => assert_eq!(found, std::slice::from_ref(id), "the user was created as {id}"),
            None => {
                let most = usize::from(is_unknown);
                assert!(found.len() <= most, "the create was rejected, but the user exists: {found:?}");
            }
        }
        for id in &found {
            let state = UserState { name: name.to_owned(), tag: tag.clone() };
            self.states.insert(id.clone(), vec![Some(state)]);
        }
        found
    }

    pub(super) fn tag(&mut self, sender: &mut Sender<'_>, id: &str) {
        let tag = unique("tag-");
        let value = json!([
            { "op": "replace", "path": "title", "value": tag },
            { "op": "replace", "path": "nickName", "value": tag },
        ]);
        self.change(sender, id, &value, |state| state.tag.clone_from(&tag));
    }

    pub(super) fn rename(&mut self, sender: &mut Sender<'_>, id: &str, name: &str) {
        let tag = unique("tag-");
        let value = json!([{ "op": "replace", "value": { "userName": name, "title": tag, "nickName": tag } }]);
        self.change(sender, id, &value, |state| *state = UserState { name: name.to_owned(), tag: tag.clone() });
    }

    fn change(&mut self, sender: &mut Sender<'_>, id: &str, operations: &Value, apply: impl Fn(&mut UserState)) {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        let sent = sender.send(&Request::new("PATCH", format!("/Users/{id}")).json(&body));
        let possible = self.states_of(id);
        let changed = possible.iter().flatten().cloned().map(|mut state| {
            apply(&mut state);
            Some(state)
        });
        let changed: PossibleStates = changed.collect();
        match sent {
            Ok(answer) if answer.status == 200 => {
                *possible = changed;
                self.compare(id, &answer);
            }
            Ok(answer) if answer.status == 404 => possible.retain(Option::is_none),
            Ok(answer) => answer.check(answer.status == 409, "expected 200, 404 or 409"),
            Err(Effect::Unknown) => possible.extend(changed),
            Err(Effect::Absent) => {}
        }
        self.check_state(id);
    }

    pub(super) fn delete(&mut self, sender: &mut Sender<'_>, id: &str) {
        let sent = sender.send(&Request::new("DELETE", format!("/Users/{id}")));
        let possible = self.states_of(id);
        match sent {
            Ok(answer) if answer.status == 204 => {
                assert!(possible.iter().any(Option::is_some), "a user is deleted once, but {id} was deleted before");
                *possible = vec![None];
            }
            Ok(answer) => {
                answer.check(answer.status == 404, "expected 204 or 404");
                possible.retain(Option::is_none);
            }
            Err(Effect::Unknown) => possible.push(None),
            Err(Effect::Absent) => {}
        }
        self.check_state(id);
    }

    /// Reads a user, and checks that it has a possible state.
    pub(super) fn read(&mut self, sender: &mut Sender<'_>, id: &str) {
        if let Ok(answer) = sender.send(&Request::new("GET", format!("/Users/{id}"))) {
            match answer.status {
                404 => self.states_of(id).retain(Option::is_none),
                _ => self.compare(id, &answer),
            }
            self.check_state(id);
        }
    }

    fn states_of(&mut self, id: &str) -> &mut PossibleStates {
        self.states.get_mut(id).expect("this client created the user")
    }

    fn compare(&mut self, id: &str, answer: &Answer) {
        answer.check(answer["title"] == answer["nickName"], "half a change");
        let possible = self.states_of(id);
        let before = format!("{possible:?}");
        possible.retain(|state| {
            state.as_ref().is_some_and(|it| answer["userName"] == *it.name && answer["title"] == *it.tag)
        });
        possible.dedup();
        answer.check(!possible.is_empty(), &format!("expected one of these states: {before}"));
        possible.truncate(1);
    }

    /// Checks that a user has a possible state, and forgets a user that is certainly deleted.
    fn check_state(&mut self, id: &str) {
        let possible = self.states_of(id);
        for state in std::mem::take(possible) {
            if !possible.contains(&state) {
                possible.push(state);
            }
        }
        assert!(!possible.is_empty(), "{id} has a state that no answer explains");
        if *possible == [None] {
            self.states.remove(id);
            self.deleted.push(id.to_owned());
        }
    }
}
