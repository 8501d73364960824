//! The memberships of the users of one client, as far as they are known.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sender::{Effect, Sender};
use super::users::Users;
use acceptance::answer::values;
use acceptance::client::PATCH;
use acceptance::request::Request;

#[derive(Default)]
pub(super) struct Memberships {
    /// By group and user: whether the user can be a member, and whether it can be no member.
    possible: BTreeMap<(String, String), (bool, bool)>,
}

impl Memberships {
    /// Adds one, some or all users of this client to the group, or removes them.
    pub(super) fn change(&mut self, sender: &mut Sender<'_>, users: &Users, group: &str) {
        let adds = sender.random.bool();
        let mut ids = users.existing_ids();
        sender.random.shuffle(&mut ids);
        let count = if sender.random.u8(0..5) == 0 { ids.len() } else { sender.random.usize(1..4) };
        ids.truncate(count);
        let members: Value = ids.iter().map(|id| json!({ "value": id })).collect();
        let op = if adds { "add" } else { "remove" };
        let body = json!({ "schemas": [PATCH], "Operations": [{ "op": op, "path": "members", "value": members }] });
        let sent = sender.send(&Request::new("PATCH", format!("/Groups/{group}")).json(&body));
        for id in ids {
            let possible = self.possible.entry((group.to_owned(), id)).or_insert((false, true));
            match &sent {
                Ok(answer) => {
                    answer.check([200, 204].contains(&answer.status), "expected 200 or 204");
                    *possible = (adds, !adds);
                }
                Err(Effect::Unknown) => *possible = (possible.0 || adds, possible.1 || !adds),
                Err(Effect::Absent) => {}
            }
        }
    }

    /// Reads a group, and checks that each of its memberships is possible.
    pub(super) fn read(&mut self, sender: &mut Sender<'_>, users: &Users, group: &str) {
        let Ok(answer) = sender.send(&Request::new("GET", format!("/Groups/{group}"))) else { return };
        let members = values(&answer["members"]);
        for ((of, user), possible) in &mut self.possible {
            if of != group || !users.exists(user) {
                continue;
            }
            let is_member = members.contains(user);
            let is_possible = if is_member { possible.0 } else { possible.1 };
            answer.check(is_possible, &format!("expected the opposite: {user} is a member: {is_member}"));
            *possible = (is_member, !is_member);
        }
        let deleted = users.deleted.iter().find(|user| members.contains(user));
        answer.check(deleted.is_none(), &format!("expected no deleted member: {deleted:?}"));
    }
}
