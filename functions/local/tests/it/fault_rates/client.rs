//! One of several concurrent clients. No other client changes its users and their memberships, so that it knows at
//! any time the states that they can have. All clients compete for the same names.

use std::sync::Mutex;

use super::counts::Counts;
use super::memberships::Memberships;
use super::sender::Sender;
use super::users::Users;
use acceptance::client::Client;
use acceptance::request::Request;
use acceptance::unique;

/// The number of names for which all clients compete.
const NAMES: usize = 12;
/// The number of users that each client creates first, so that groups get many members in one change.
const FIRST_USERS: usize = 36;

/// The ids of the users of all clients.
#[derive(Default)]
pub(super) struct UserIds(Mutex<Vec<String>>);

pub(super) struct ConcurrentClient<'a> {
    sender: Sender<'a>,
    groups: &'a [String],
    all_users: &'a UserIds,
    requests: u64,
    users: Users,
    memberships: Memberships,
}

impl<'a> ConcurrentClient<'a> {
    pub(super) fn new(
        clients: &'a [Client],
        groups: &'a [String],
        all_users: &'a UserIds,
        seed: u64,
        requests: u64,
    ) -> Self {
        Self {
            sender: Sender::new(clients, seed),
            groups,
            all_users,
            requests,
            users: Users::default(),
            memberships: Memberships::default(),
        }
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.sender.counts
    }

    pub(super) fn run(&mut self) {
        while self.sender.counts.requests < self.requests {
            let user = self.sender.random.choice(self.users.ids()).cloned().unwrap_or_default();
            let group = self.sender.random.choice(self.groups).cloned().expect("a group");
            match self.sender.random.u8(0..100) {
                _ if self.users.len() < FIRST_USERS => self.create(&unique("staying-")),
                0..12 => {
                    let name = self.name();
                    self.create(&name);
                }
                12..30 => self.users.tag(&mut self.sender, &user),
                30..42 => {
                    let name = self.name();
                    self.users.rename(&mut self.sender, &user, &name);
                }
                42..50 => self.users.delete(&mut self.sender, &user),
                50..65 => self.users.read(&mut self.sender, &user),
                65..72 => self.find(),
                72..76 => self.read_any(),
                76..92 => self.memberships.change(&mut self.sender, &self.users, &group),
                _ => self.memberships.read(&mut self.sender, &self.users, &group),
            }
        }
    }

    /// Checks without faults that every user and every membership has a possible state.
    pub(super) fn check_states(&mut self) {
        for user in self.users.ids().cloned().collect::<Vec<_>>() {
            self.users.read(&mut self.sender, &user);
        }
        for group in self.groups {
            self.memberships.read(&mut self.sender, &self.users, group);
        }
        for id in std::mem::take(&mut self.users.deleted) {
            let answer = self.sender.send(&Request::new("GET", format!("/Users/{id}"))).expect("no fault");
            answer.check(answer.status == 404, "expected no user after its delete");
        }
        assert!(self.users.have_one_state_each(), "every user has one state after it was read");
    }

    fn name(&mut self) -> String {
        format!("contended-{}", self.sender.random.usize(0..NAMES))
    }

    fn create(&mut self, name: &str) {
        let created = self.users.create(&mut self.sender, name);
        self.all_users.0.lock().unwrap().extend(created);
    }

    /// Reads a user of any client.
    fn read_any(&mut self) {
        let id = self.sender.random.choice(self.all_users.0.lock().unwrap().iter()).cloned();
        if let Some(Ok(answer)) = id.map(|id| self.sender.send(&Request::new("GET", format!("/Users/{id}")))) {
            answer.check(answer["title"] == answer["nickName"], "half a change");
        }
    }

    /// Checks that a contended name has at most one owner.
    fn find(&mut self) {
        let name = self.name();
        let found = self.sender.search(&format!("userName eq \"{name}\""));
        assert!(found.len() <= 1, "{name} has two owners: {found:?}");
    }
}
