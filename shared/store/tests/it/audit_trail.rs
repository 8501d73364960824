//! Reading change records back: in order, from a given record on, and with the chunks of large changes.

use std::time::{Duration, Instant};

use protocol::event::{Change, ChangeType, GroupExit, MemberDelta};
use schema::Kind::{Group, User};
use schema::ResourceId;
use store::{Commit, ResourceWrite};

use crate::engine::{AT, Site, create, delete_from, id, keys, rename, snapshot, tenant, user};

fn summary(change: &Change) -> (String, Option<u64>, Option<u64>) {
    (format!("{}.{}", change.kind, change.change_type.name()), change.before, change.after)
}

#[tokio::test]
async fn changes_are_read_in_the_order_of_their_commits() {
    let site = Site::new().await;
    let ann = create(User, "ann");
    site.commit(&ann).await.unwrap();
    let bob = site.user("bob").await;
    let staff = site.group("staff", &[&bob]).await;
    let push =
        Commit { add: vec![user(&ann.id)], remove: vec![user(&bob)], ..rename(Group, &staff, 1, "staff", "all") };
    site.commit(&push).await.unwrap();
    site.commit(&delete_from(User, &ann.id, 1, "ann", &[(&staff, 2)])).await.unwrap();

    let all = site.directory.changes(&site.caller.tenant, None, 100).await.unwrap().changes;
    let expect = [
        ("User.created", None, Some(1)),
        ("User.created", None, Some(1)),
        ("Group.created", None, Some(1)),
        ("Group.updated", Some(1), Some(2)),
        ("User.deleted", Some(1), None),
    ];
    assert_eq!(all.iter().map(summary).collect::<Vec<_>>(), expect.map(|(what, from, to)| (what.to_owned(), from, to)));
    let [_, _, made, pushed, gone] = &all[..] else { panic!("{} changes", all.len()) };
    assert_eq!(made.members, MemberDelta { added: vec![bob.clone()], removed: vec![] });
    assert_eq!(pushed.members, MemberDelta { added: vec![ann.id.clone()], removed: vec![bob] });
    assert_eq!((&pushed.id, pushed.tenant.as_str(), &*pushed.token), (&push.change.id, "acme", "token-1"));
    assert_eq!((pushed.at, &pushed.attributes), (AT.parse().unwrap(), &push.change.attributes));
    assert_eq!((gone.change_type, &gone.resource), (ChangeType::Deleted, &ann.id));
    assert_eq!(
        gone.group_exits,
        [GroupExit { group: staff, version: Some(3), previous_at: Some(AT.parse().unwrap()) }]
    );

    let rest = site.directory.changes(&site.caller.tenant, Some(&all[1].id), 2).await.unwrap().changes;
    assert_eq!(rest, all[2..4]);
    assert_eq!(site.directory.changes(&tenant("other").tenant, None, 100).await, Ok(store::ChangePage::default()));
}

#[tokio::test]
async fn large_change_is_read_with_all_its_chunks() {
    let site = Site::new().await;
    let [old, new] = [0, 1].map(|_| (0..50).map(|_| id()).collect::<Vec<_>>());
    let members = |ids: &[ResourceId]| ids.iter().map(user).collect::<Vec<_>>();
    let made = Commit { add: members(&old), ..create(Group, "staff") };
    site.commit(&made).await.unwrap();
    let swap = Commit { add: members(&new), remove: members(&old), ..rename(Group, &made.id, 1, "staff", "all") };
    let tenant = &site.caller.tenant;
    // None of these members exists, so the first change adds none of them, and the second one can be made.
    site.directory.settle(tenant, &made.id, Instant::now() + Duration::from_secs(60)).await.unwrap();
    let version = site.version(Group, &made.id).await.unwrap();
    let swap = Commit {
        write: ResourceWrite::Update { expected: version, before: keys("staff", &[]), after: snapshot("all") },
        ..swap
    };
    site.commit(&swap).await.unwrap();

    let all = site.directory.changes(tenant, None, 100).await.unwrap().changes;
    let record = |id: &ResourceId| all.iter().find(|change| change.id == *id).unwrap();
    for (commit, added, removed) in [(&made, old.clone(), vec![]), (&swap, new, old)] {
        let record = record(&commit.change.id);
        assert!(record.is_chunked && record.members.is_empty());
        let chunks = site.directory.chunks_of_change(tenant, &record.id).await.unwrap();
        assert!(chunks.len() > 1);
        let all = |of: fn(&MemberDelta) -> &Vec<ResourceId>| chunks.iter().flat_map(of).cloned().collect::<Vec<_>>();
        assert_eq!((all(|chunk| &chunk.added), all(|chunk| &chunk.removed)), (added, removed));
        assert_eq!(site.directory.chunks_of_change(tenant, &record.id).await, Ok(chunks));
    }
    assert_eq!(site.directory.chunks_of_change(tenant, &id()).await, Ok(vec![]));
}
