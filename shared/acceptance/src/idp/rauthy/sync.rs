//! The requests of rauthy when an administrator connects an application, and after each change of a user or group.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::client::RauthyClient;
use super::directory::{Extent, Group, User};
use crate::target::{Target, unique};

/// A rauthy with one connected server.
#[derive(Debug)]
pub(super) struct Rauthy {
    pub(super) requests: RauthyClient,
    /// The beginning of every e-mail address and of every name of a group, which no other check uses.
    pub(super) run: String,
    pub(super) groups: Vec<Group>,
    pub(super) users: Vec<User>,
    /// rauthy links only groups whose names begin with this, and only users who are in one of them.
    pub(super) group_prefix: Option<String>,
    /// Whether a synchronization deletes the other groups and users at the server instead of unlinking them.
    pub(super) deletes_unlinked: bool,
}

/// The ids at the server of groups that rauthy has found or created, by name.
type KnownGroups = HashMap<String, String>;

impl Rauthy {
    /// A rauthy without users and groups.
    pub(super) fn of(target: &Target) -> Self {
        let requests = RauthyClient::of(target);
        let run = unique("rauthy");
        Self { requests, run, groups: Vec::new(), users: Vec::new(), group_prefix: None, deletes_unlinked: false }
    }

    /// The same rauthy, which repeats requests after a response with 429 or 503.
    pub(super) fn repeating(mut self) -> Self {
        self.requests.scim = self.requests.scim.repeating(true);
        self
    }

    /// An e-mail address of this run.
    pub(super) fn email(&self, local: &str) -> String {
        format!("{}.{local}@rauthy.example", self.run)
    }

    /// The name of a group of this run.
    pub(super) fn group_name(&self, name: &str) -> String {
        format!("{} {name}", self.run)
    }

    pub(super) fn add_group(&mut self, name: &str) -> &Group {
        let group = Group::new(self.group_name(name));
        self.groups.push(group);
        self.groups.last().unwrap()
    }

    pub(super) fn add_user(&mut self, local: &str, groups: &[&str]) -> &mut User {
        let mut user = User::new(self.email(local));
        user.groups = groups.iter().map(|name| self.group_name(name)).collect();
        self.users.push(user);
        self.users.last_mut().unwrap()
    }

    pub(super) fn links_group(&self, name: &str) -> bool {
        self.group_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
    }

    pub(super) fn links_user(&self, user: &User) -> bool {
        self.group_prefix.is_none() || user.groups.iter().any(|name| self.links_group(name))
    }

    /// The users who have to be at the server.
    pub(super) fn users_sent(&self) -> impl Iterator<Item = &User> {
        self.users.iter().filter(|user| !self.deletes_unlinked || self.links_user(user))
    }

    /// The groups that have to be at the server.
    pub(super) fn groups_sent(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| !self.deletes_unlinked || self.links_group(&group.name))
    }

    /// The names of the groups in which the server has to have the user.
    pub(super) fn groups_of(&self, user: &User) -> BTreeSet<String> {
        user.groups.iter().filter(|name| self.links_group(name)).cloned().collect()
    }

    /// Synchronizes all groups and then all users.
    pub(super) fn synchronize(&mut self) {
        self.synchronize_groups();
        self.synchronize_users();
    }

    pub(super) fn synchronize_users(&mut self) {
        let mut known = KnownGroups::new();
        for at in 0..self.users.len() {
            self.users[at].last_sent = Extent::Everything;
            let user = &self.users[at];
            if self.links_user(user) || !self.deletes_unlinked {
                self.send_user(user, &mut known);
            } else if let Some(found) = self.requests.find_user(user) {
                self.requests.delete("/Users", &found);
            }
        }
    }

    /// Creates the groups that the server does not have, and links, unlinks or deletes those that it has. The list
    /// may also contain groups of others, and may contain a group twice.
    fn synchronize_groups(&self) {
        let mut missing: Vec<&Group> = self.groups.iter().collect();
        let mut pairs = Vec::new();
        for remote in self.requests.list_groups() {
            let is_remote = |group: &&Group| match remote["externalId"].as_str() {
                Some(external_id) => group.id == external_id,
                None => remote["displayName"] == *group.name,
            };
            if let Some(at) = missing.iter().position(is_remote) {
                pairs.push((missing.swap_remove(at), remote));
            }
        }
        for group in missing.into_iter().filter(|group| self.links_group(&group.name)) {
            self.requests.create_group(group);
        }
        for (group, remote) in pairs {
            match self.links_group(&group.name) {
                false if self.deletes_unlinked => self.requests.delete("/Groups", &remote),
                is_linked => self.requests.update_group(&id_of(&remote), group, is_linked),
            }
        }
    }

    /// Sends one group that was created or renamed.
    pub(super) fn update_group(&self, group: &Group) {
        match self.requests.find_group(group) {
            Some(remote) => self.requests.update_group(&id_of(&remote), group, true),
            None => drop(self.requests.create_group(group)),
        }
    }

    /// Sends one user who was created or changed.
    pub(super) fn update_user(&mut self, at: usize) {
        self.users[at].last_sent = Extent::WithoutContact;
        self.send_user(&self.users[at], &mut KnownGroups::new());
    }

    /// Creates or replaces a user, and then corrects the user's groups.
    pub(super) fn send_user(&self, user: &User, known: &mut KnownGroups) {
        let is_linked = self.links_user(user);
        let found = self.requests.find_user(user).map(|remote| id_of(&remote));
        if found.is_none() && !is_linked {
            return;
        }
        let remote = self.requests.send_user(found.as_deref(), user.resource(is_linked, user.last_sent));
        self.correct_groups(user, &remote, known);
    }

    /// Compares the groups in the answer to a POST or PUT with the user's groups by name, adds the user to those
    /// that are missing, and removes the user from the others.
    fn correct_groups(&self, user: &User, remote: &Value, known: &mut KnownGroups) {
        let id = id_of(remote);
        let mut others: Vec<&Value> = remote["groups"].as_array().into_iter().flatten().collect();
        for name in self.groups_of(user).into_iter().rev() {
            if let Some(at) = others.iter().position(|group| group["display"] == *name) {
                others.swap_remove(at);
                continue;
            }
            let group = known.entry(name).or_insert_with_key(|name| self.find_or_create_group(name));
            self.requests.add_member(group, &id, &user.email);
        }
        for group in others {
            self.requests.remove_member(group["value"].as_str().unwrap(), &id);
        }
    }

    /// The id at the server of a group.
    fn find_or_create_group(&self, name: &str) -> String {
        let group = self.groups.iter().find(|group| group.name == name).expect("users are in existing groups");
        id_of(&self.requests.find_group(group).unwrap_or_else(|| self.requests.create_group(group)))
    }

    /// Deletes a user here and at the server.
    pub(super) fn delete_user(&mut self, at: usize) {
        let user = self.users.remove(at);
        let found = self.requests.find_user(&user).expect("the server has the user");
        self.requests.delete("/Users", &found);
    }

    /// Deletes a group here and at the server, which also removes its members from it.
    pub(super) fn delete_group(&mut self, at: usize) {
        let group = self.groups.remove(at);
        for user in &mut self.users {
            user.groups.remove(&group.name);
        }
        let found = self.requests.find_group(&group).expect("the server has the group");
        self.requests.delete("/Groups", &found);
    }

    /// Renames a group here and at the server.
    pub(super) fn rename_group(&mut self, at: usize, name: &str) {
        let name = self.group_name(name);
        let old = std::mem::replace(&mut self.groups[at].name, name.clone());
        for user in &mut self.users {
            if user.groups.remove(&old) {
                user.groups.insert(name.clone());
            }
        }
        self.update_group(&self.groups[at]);
    }
}

pub(super) fn id_of(resource: &Value) -> String {
    resource["id"].as_str().expect("every resource has an id").to_owned()
}
