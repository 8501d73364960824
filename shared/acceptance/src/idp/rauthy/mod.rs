//! rauthy 0.36 synchronizes all groups and users when it is connected, and sends each later change on its own. It
//! searches by `externalId` and then by name, does not encode its filters, replaces users by PUT, links and renames
//! groups by a PATCH without a path, and adds and removes one member at a time.
//!
//! After every step the checks read the users and groups back and compare them with those of rauthy.

mod agreement;
mod client;
mod directory;
mod sync;

use serde_json::json;

use self::sync::{Rauthy, id_of};
use crate::client::USER;
use crate::parallel;
use crate::target::Target;

checks![
    directory_agrees_after_every_step_of_a_synchronization,
    directory_agrees_after_unlinking_deleting_and_linking_again,
    directory_agrees_after_100_parallel_creates_and_moves,
    unlinked_user_with_a_plus_sign_is_found_and_linked_again,
    unlinked_user_with_other_unencoded_signs_is_found_and_linked_again,
    filter_that_an_unencoded_sign_cuts_off_is_rejected,
];

/// The number of users who are created at the same time.
const PARALLEL: usize = 100;
/// The number of their groups.
const TEAMS: usize = 10;

/// The beginning of the names of the groups that stay linked while rauthy links only some groups.
const APP: &str = "app:";

/// A rauthy with groups, of which the first `app_groups` have names that begin with `APP`. Of 10 users, one is only in
/// another group, and one is in no group. The first user has a plus sign in the address.
fn rauthy_with(target: &Target, users: usize, app_groups: usize, other_groups: usize) -> Rauthy {
    let mut rauthy = Rauthy::of(target);
    for number in 0..app_groups {
        rauthy.add_group(&format!("{APP}{number:03}"));
    }
    for number in 0..other_groups {
        rauthy.add_group(&format!("ops {number:03}"));
    }
    for number in 0..users {
        let app = |number: usize| format!("{APP}{:03}", number % app_groups);
        let ops = format!("ops {:03}", number % other_groups);
        let groups = match number % 10 {
            9 => vec![],
            8 => vec![ops],
            7 => vec![app(number), ops],
            6 => vec![app(number), app(number + 1)],
            _ => vec![app(number)],
        };
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let sign = if number == 0 { "plus+" } else { "" };
        let user = rauthy.add_user(&format!("{sign}{number:03}"), &groups);
        user.family_name = (number % 4 != 0).then(|| format!("Family {number}"));
        user.phone = (number % 2 == 0).then(|| format!("+44 20 7946 0{number:03}"));
        user.roles = (0..number % 3).map(|role| format!("role-{role}")).collect();
    }
    rauthy
}

fn directory_agrees_after_every_step_of_a_synchronization(target: &Target) {
    let mut rauthy = rauthy_with(target, 250, 100, 30);
    rauthy.synchronize();
    let first = agreement::check(&rauthy, "the first synchronization");
    rauthy.synchronize();
    let second = agreement::check(&rauthy, "a second synchronization");
    assert!(first == second, "expected a second synchronization to change nothing, not even lastModified");
    change_users(&mut rauthy);
    change_groups(&mut rauthy);
    delete(&mut rauthy);
}

fn change_users(rauthy: &mut Rauthy) {
    rauthy.add_user("created", &["app:001", "ops 001"]).phone = Some("+44 20 7946 0999".to_owned());
    rauthy.update_user(rauthy.users.len() - 1);
    agreement::check(rauthy, "the create of a user");

    rauthy.users[2].given_name = "Augusta".to_owned();
    rauthy.users[2].family_name = None;
    rauthy.users[2].roles = vec!["admin".to_owned()];
    rauthy.update_user(2);
    agreement::check(rauthy, "the rename of a user");

    rauthy.users[3].email = rauthy.email("renamed+003");
    rauthy.update_user(3);
    agreement::check(rauthy, "the change of an e-mail address");

    rauthy.users[4].is_enabled = false;
    rauthy.update_user(4);
    agreement::check(rauthy, "the disabling of a user");

    // rauthy disables users who expire, and sends each of them.
    for at in 20..25 {
        rauthy.users[at].is_enabled = false;
        rauthy.update_user(at);
    }
    agreement::check(rauthy, "the expiry of users");

    rauthy.users[4].is_enabled = true;
    rauthy.update_user(4);
    agreement::check(rauthy, "the enabling of a user");
}

fn change_groups(rauthy: &mut Rauthy) {
    let name = rauthy.add_group("app:created").name.clone();
    rauthy.update_group(rauthy.groups.last().unwrap());
    agreement::check(rauthy, "the create of a group");

    rauthy.rename_group(5, "app:renamed, with a comma");
    agreement::check(rauthy, "the rename of a group");

    rauthy.users[5].groups.insert(name.clone());
    rauthy.update_user(5);
    agreement::check(rauthy, "the addition of a user to a group");

    rauthy.users[5].groups = [name].into();
    rauthy.update_user(5);
    agreement::check(rauthy, "the removal of a user from a group");

    // An administrator of the server adds a member by hand, whom rauthy removes.
    let directory = agreement::check(rauthy, "the changes of groups");
    let group = &directory.groups[&rauthy.groups[7].name];
    let user = &directory.users[&rauthy.users[5].email];
    rauthy.requests.add_member(&id_of(group), &id_of(user), "by hand");
    rauthy.update_user(5);
    agreement::check(rauthy, "the correction of a user's groups");
}

fn delete(rauthy: &mut Rauthy) {
    for at in [200, 100, 0] {
        rauthy.delete_user(at);
    }
    agreement::check(rauthy, "the deletion of users");
    for at in [120, 60, 3] {
        rauthy.delete_group(at);
    }
    agreement::check(rauthy, "the deletion of groups");
}

/// If only some groups are to be linked, rauthy unlinks or deletes the other groups and the users who are in none of
/// the linked ones, and removes the remaining users from all groups that are not linked.
fn directory_agrees_after_unlinking_deleting_and_linking_again(target: &Target) {
    let mut rauthy = rauthy_with(target, 20, 4, 2);
    rauthy.synchronize();
    agreement::check(&rauthy, "the first synchronization");
    for (deletes_unlinked, step) in [(false, "unlinking some groups and users"), (true, "deleting them")] {
        rauthy.deletes_unlinked = deletes_unlinked;
        rauthy.group_prefix = Some(rauthy.group_name(APP));
        assert_eq!(rauthy.users.iter().filter(|user| !rauthy.links_user(user)).count(), 4);
        rauthy.synchronize();
        agreement::check(&rauthy, step);
        rauthy.group_prefix = None;
        rauthy.synchronize();
        agreement::check(&rauthy, &format!("linking all again after {step}"));
    }
}

/// A busy server may defer some of the requests with 429. rauthy would skip them until its next synchronization, but
/// here they are repeated.
fn directory_agrees_after_100_parallel_creates_and_moves(target: &Target) {
    let mut rauthy = Rauthy::of(target).repeating();
    let team = |number: usize| format!("team {}", number % TEAMS);
    for number in 0..TEAMS {
        rauthy.add_group(&team(number));
    }
    rauthy.groups.iter().for_each(|group| rauthy.update_group(group));
    for number in 0..PARALLEL {
        rauthy.add_user(&format!("{number:03}"), &[&team(number)]);
    }
    send_all_users(&rauthy);
    agreement::check(&rauthy, "parallel creates");

    for number in 0..PARALLEL {
        rauthy.users[number].groups = [rauthy.group_name(&team(number + 1))].into();
    }
    send_all_users(&rauthy);
    agreement::check(&rauthy, "parallel moves");
}

/// Sends all users at the same time, as changes of single users.
fn send_all_users(rauthy: &Rauthy) {
    let send = |user| move || rauthy.send_user(user, &mut Default::default());
    parallel::run(rauthy.users.iter().map(send).collect());
}

/// A `+` in a query can also mean a space. If the server did not search for the sign itself, too, rauthy would not find
/// the user and would send a POST, whose 409 would end the synchronization.
fn unlinked_user_with_a_plus_sign_is_found_and_linked_again(target: &Target) {
    check_linking_again(target, &["plus+tag", "two+plus+signs"]);
}

fn unlinked_user_with_other_unencoded_signs_is_found_and_linked_again(target: &Target) {
    check_linking_again(target, &["o'hara", "a=b", "!$*/?_~-"]);
}

fn check_linking_again(target: &Target, names: &[&str]) {
    let mut rauthy = Rauthy::of(target);
    for name in names {
        rauthy.add_user(name, &[]);
    }
    for (group_prefix, step) in [(None, "the create"), (Some("other:"), "unlinking"), (None, "linking again")] {
        rauthy.group_prefix = group_prefix.map(str::to_owned);
        rauthy.synchronize_users();
        agreement::check(&rauthy, step);
    }
}

/// After a `&`, the rest of the filter is another parameter, and a client does not send what follows a `#`. The
/// server cannot know the rest, so an empty list would be a wrong answer.
fn filter_that_an_unencoded_sign_cuts_off_is_rejected(target: &Target) {
    let mut rauthy = Rauthy::of(target);
    for name in ["r&d", "c#"] {
        let email = rauthy.add_user(name, &[]).email.clone();
        rauthy.requests.scim.post("/Users", &json!({ "schemas": [USER], "userName": email })).expect(201);
        for attribute in ["userName", "externalId"] {
            rauthy.requests.send_search("/Users", attribute, &email).expect_error(400, "invalidFilter", &[]);
        }
    }
}
