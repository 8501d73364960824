//! Edges in both directions, the member count, and the edges of deleted resources.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use schema::Kind::{Group, User};
use schema::ResourceId;
use store::{Commit, CommitState, Error, GroupVersion, MEMBER_CHANGES_PER_COMMIT, Member, SettleState};

use crate::engine::{Site, create, delete, delete_first, delete_from, id, rename, tenant, user};

fn touch(group: &ResourceId, version: u64) -> Commit {
    rename(Group, group, version, "staff", "staff")
}

async fn users(site: &Site, count: usize) -> Vec<ResourceId> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(site.user(&format!("user-{n}")).await);
    }
    ids
}

#[tokio::test]
async fn members_are_added_updated_and_removed() {
    let site = Site::new().await;
    let (directory, tenant) = (&site.directory, &site.caller.tenant);
    let ids = users(&site, 4).await;
    let staff = site.group("staff", &[&ids[0], &ids[1], &ids[1]]).await;
    let inner = site.group("inner", &[]).await;
    assert_eq!(site.member_ids(&staff).await, ids[..2]);

    let named = Member { display: Some("Ann".to_owned()), ..user(&ids[0]) };
    let nested = Member { kind: Group, ..user(&inner) };
    let change = Commit {
        add: vec![named.clone(), user(&ids[2]), nested.clone()],
        remove: vec![user(&ids[0]), user(&ids[1])],
        ..touch(&staff, 1)
    };
    site.commit(&change).await.unwrap();
    assert_eq!(site.members(&staff).await.unwrap(), [named, user(&ids[2]), nested.clone()]);
    assert_eq!(site.member_ids(&staff).await.len(), 3);
    assert_eq!(directory.members_among(tenant, &staff, &[ids[1].clone(), inner.clone()]).await.unwrap(), [nested]);

    for (member, groups) in [(&ids[0], 1), (&ids[1], 0), (&ids[2], 1), (&ids[3], 0), (&inner, 1)] {
        assert_eq!(site.groups_of(member).await.len(), groups, "{member}");
    }
}

#[tokio::test]
async fn missing_member_fails_the_whole_commit() {
    let site = Site::new().await;
    let ids = users(&site, 2).await;
    let staff = site.group("staff", &[]).await;
    let (nobody, other) = (id(), create(User, "ann"));
    site.directory.commit(&tenant("other"), &other).await.unwrap();
    let change = Commit {
        add: vec![user(&ids[0]), user(&nobody), user(&other.id), Member { kind: Group, ..user(&ids[1]) }],
        ..touch(&staff, 1)
    };
    let Err(Error::MembersNotFound(mut missing)) = site.commit(&change).await else { panic!("the commit must fail") };
    missing.sort();
    let mut expected = [nobody, other.id, ids[1].clone()];
    expected.sort();
    assert_eq!(missing, expected);
    assert_eq!(site.member_ids(&staff).await, []);
    assert_eq!(site.version(Group, &staff).await, Some(1));

    site.commit(&delete(User, &ids[0], 1, "user-0")).await.unwrap();
    let late = Commit { add: vec![user(&ids[0])], ..touch(&staff, 1) };
    assert_eq!(site.commit(&late).await, Err(Error::MembersNotFound(vec![ids[0].clone()])));
}

#[tokio::test]
async fn commit_on_misread_edges_is_stale_and_changes_no_count() {
    let site = Site::new().await;
    let ids = users(&site, 2).await;
    let staff = site.group("staff", &[&ids[0]]).await;
    let again = Commit { add: vec![user(&ids[0])], ..touch(&staff, 1) };
    assert_eq!(site.commit(&again).await, Err(Error::Stale));
    let absent = Commit { remove: vec![user(&ids[1])], ..touch(&staff, 1) };
    assert_eq!(site.commit(&absent).await, Err(Error::Stale));
    let replaced = Commit { add: vec![user(&ids[1])], remove: vec![user(&ids[1])], ..touch(&staff, 1) };
    assert_eq!(site.commit(&replaced).await, Err(Error::Stale));
    let stale = Commit { add: vec![user(&ids[1])], ..touch(&staff, 7) };
    assert_eq!(site.commit(&stale).await, Err(Error::Stale));
    assert_eq!(site.member_ids(&staff).await, [ids[0].clone()]);
}

#[tokio::test]
async fn deleted_user_leaves_its_groups() {
    let site = Site::new().await;
    let ids = users(&site, 2).await;
    let staff = site.group("staff", &[&ids[0], &ids[1]]).await;
    let board = site.group("board", &[&ids[0]]).await;
    let mut gone = delete_from(User, &ids[0], 1, "user-0", &[(&staff, 1), (&board, 1)]);
    gone.change.at = "2027-01-01T00:00:00Z".to_owned();
    assert_eq!(site.commit(&gone).await, Ok(CommitState::Complete));
    for (group, left) in [(&staff, &ids[1..]), (&board, &[])] {
        let stored = site.directory.get(&site.caller.tenant, Group, group).await.unwrap().unwrap();
        assert_eq!((stored.version, stored.last_modified.as_str()), (2, "2027-01-01T00:00:00Z"));
        assert_eq!(site.member_ids(group).await, left);
    }
    assert_eq!(site.groups_of(&ids[0]).await, []);
}

/// Another writer added the user to a group, or changed a group, after the groups were read.
#[tokio::test]
async fn delete_with_misread_groups_is_stale() {
    let site = Site::new().await;
    let ids = users(&site, 1).await;
    let staff = site.group("staff", &[&ids[0]]).await;
    let board = site.group("board", &[&ids[0]]).await;
    for groups in [&[][..], &[(&staff, 1)], &[(&staff, 1), (&board, 7)], &[(&staff, 1), (&id(), 1)]] {
        let gone = delete_from(User, &ids[0], 1, "user-0", groups);
        assert_eq!(site.commit(&gone).await, Err(Error::Stale), "{groups:?}");
    }
    let out = Commit { remove: vec![user(&ids[0])], ..touch(&staff, 1) };
    site.commit(&out).await.unwrap();
    let gone = delete_from(User, &ids[0], 1, "user-0", &[(&board, 1)]);
    assert_eq!(site.commit(&gone).await, Ok(CommitState::Complete));
    assert_eq!(site.member_ids(&board).await, []);
}

#[tokio::test]
async fn delete_with_more_edges_than_fit_is_pending() {
    let site = Site::new().await;
    let ann = site.user("ann").await;
    let names: Vec<_> = (0..40).map(|n| format!("group-{n}")).collect();
    let mut groups = Vec::new();
    for name in &names {
        groups.push(site.group(name, &[&ann]).await);
    }
    let all: Vec<_> = groups.iter().map(|group| (group, 1)).collect();
    assert_eq!(site.commit(&delete_from(User, &ann, 1, "ann", &all)).await, Ok(CommitState::Pending));
    assert_eq!(site.version(User, &ann).await, None);
    let pending_changes = site.directory.pending_changes(&site.caller.tenant).await.unwrap();
    assert!(pending_changes.hides(&ann) && !pending_changes.hides(&groups[0]));
    assert_eq!(site.items(&format!("acme#memberOf#{ann}")).await.len(), 40);
    // One of the remaining groups is deleted too, before its edges are.
    site.commit(&delete_first(Group, &groups[39], 1, "group-39", 0)).await.unwrap();
    let (one, two) = tokio::join!(site.settle(&ann), site.settle(&ann));
    assert_eq!((one, two), (Ok(SettleState::Done), Ok(SettleState::Done)));
    site.settle(&groups[39]).await.unwrap();
    assert_eq!(site.groups_of(&ann).await, []);
    for group in &groups {
        assert_eq!(site.member_ids(group).await, []);
    }
    assert_eq!(site.version(Group, &groups[35]).await, Some(2));
    assert_eq!(site.pending_items().await, []);
    let records = site.items("acme#change").await;
    let left = |record: &&HashMap<String, AttributeValue>| record.contains_key("membersRemoved");
    assert_eq!(records.iter().filter(left).count(), 39, "each group that was left has a record");
}

#[tokio::test]
async fn deleted_group_leaves_no_edges() {
    let site = Site::new().await;
    let ids = users(&site, 60).await;
    let few: Vec<_> = ids[..3].iter().collect();
    let small = site.group("small", &few).await;
    let remove = ids[..3].iter().map(user).collect();
    let whole = site.commit(&Commit { remove, ..delete(Group, &small, 1, "small") }).await;
    assert_eq!(whole, Ok(CommitState::Complete));
    assert_eq!(site.member_ids(&small).await, []);

    let staff = site.group("staff", &[]).await;
    for (version, ids) in ids.chunks(30).enumerate() {
        let add = ids.iter().map(user).collect();
        site.commit(&Commit { add, ..touch(&staff, version as u64 + 1) }).await.unwrap();
    }
    assert_eq!(site.member_ids(&staff).await.len(), 60);
    site.commit(&delete_first(Group, &staff, 3, "staff", 0)).await.unwrap();
    assert_eq!(site.settle(&staff).await, Ok(SettleState::Done));
    assert_eq!(site.member_ids(&staff).await, []);
    for id in &ids {
        assert_eq!(site.groups_of(id).await, []);
    }
    assert_eq!(site.directory.existing(&site.caller.tenant, &ids).await.unwrap().len(), 60);
    site.commit(&delete(User, &ids[0], 1, "user-0")).await.unwrap();
}

#[tokio::test]
async fn change_that_fits_one_transaction_is_complete_at_once() {
    let site = Site::new().await;
    let ids = users(&site, MEMBER_CHANGES_PER_COMMIT).await;
    let staff = site.group("staff", &[]).await;
    let add: Vec<_> = ids.iter().map(user).collect();
    let most = Commit { add, ..rename(Group, &staff, 1, "staff", "all") };
    assert_eq!(site.commit(&most).await, Ok(CommitState::Complete));
    assert_eq!(site.member_ids(&staff).await.len(), MEMBER_CHANGES_PER_COMMIT);
    let none = Commit { remove: ids.iter().map(user).collect(), ..rename(Group, &staff, 2, "all", "staff") };
    assert_eq!(site.commit(&none).await, Ok(CommitState::Complete));
    assert_eq!(site.member_ids(&staff).await, []);
}

#[tokio::test]
async fn concurrent_adds_are_all_applied() {
    let site = Site::new().await;
    let ids = users(&site, 12).await;
    let staff = site.group("staff", &[]).await;
    join_all(ids.iter().map(|id| async {
        loop {
            let version = site.version(Group, &staff).await.unwrap();
            match site.commit(&Commit { add: vec![user(id)], ..touch(&staff, version) }).await {
                Err(Error::Stale) => {}
                done => return done.unwrap(),
            }
        }
    }))
    .await;
    assert_eq!(site.member_ids(&staff).await, ids);
    assert_eq!(site.version(Group, &staff).await, Some(13));
}

#[tokio::test]
async fn named_members_are_read_in_the_version_of_the_group_alone() {
    let site = Site::new().await;
    let (ann, bob) = (site.user("ann").await, site.user("bob").await);
    let staff = site.group("staff", &[&bob, &ann]).await;
    let stored = site.directory.get(&site.caller.tenant, Group, &staff).await.unwrap().unwrap();
    let read = async |ids: &[ResourceId]| site.directory.members_in_version(&site.caller.tenant, &stored, ids).await;
    let mut named: Vec<ResourceId> = std::iter::repeat_with(id).take(150).collect();
    named.extend([bob.clone(), ann.clone(), bob.clone()]);
    assert_eq!(read(&named).await, Ok(Some(vec![user(&ann), user(&bob)])), "more than one transaction, one id twice");
    site.commit(&rename(Group, &staff, 1, "staff", "board")).await.unwrap();
    assert_eq!(read(&named).await, Ok(None));
}

#[tokio::test]
async fn concurrent_add_and_delete_leave_no_edge() {
    let site = Site::new().await;
    let ids = users(&site, 20).await;
    for (n, id) in ids.iter().enumerate() {
        let staff = site.group(&format!("staff-{n}"), &[]).await;
        let add = Commit { add: vec![user(id)], ..rename(Group, &staff, 1, "x", "x") };
        let gone = delete(User, id, 1, &format!("user-{n}"));
        let (added, deleted) = tokio::join!(site.commit(&add), site.commit(&gone));
        match (added, deleted) {
            (Ok(_), Err(Error::Stale)) => assert_eq!(site.member_ids(&staff).await, std::slice::from_ref(id)),
            (Err(Error::MembersNotFound(_)), Ok(_)) => assert_eq!(site.member_ids(&staff).await, []),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn contradictory_commit_is_refused() {
    let site = Site::new().await;
    let ann = site.user("ann").await;
    let staff = site.group("staff", &[]).await;
    let nonsense = [
        Commit {
            group_exits: vec![GroupVersion { group: id(), version: 1, last_modified: crate::engine::AT.to_owned() }],
            ..rename(User, &ann, 1, "ann", "ann")
        },
        Commit { add: vec![user(&staff)], ..touch(&staff, 1) },
        Commit { add: vec![user(&ann)], ..rename(User, &ann, 1, "ann", "ann") },
        Commit { add: vec![user(&ann)], ..delete(User, &ann, 1, "ann") },
    ];
    for commit in nonsense {
        assert!(matches!(site.commit(&commit).await, Err(Error::Refused(_))));
    }
    assert_eq!(site.version(User, &ann).await, Some(1));
}
