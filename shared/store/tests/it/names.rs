//! Unique names and lookups, by one caller and by concurrent callers.

use futures_util::future::join_all;
use schema::Kind::{self, Group, User};
use store::{Commit, Error, Index, KeyedResource, Keys, NAME_BYTES, RemainingEdges, ResourceWrite};

use crate::engine::{AT, Site, create, delete, id, keys, rename, resource, snapshot, tenant};

#[tokio::test]
async fn resource_is_read_as_it_was_stored() {
    let site = Site::new().await;
    let id = site.user("ann").await;
    let stored = site.directory.get(&site.caller.tenant, User, &id).await.unwrap().unwrap();
    assert_eq!((&stored.id, stored.kind, stored.version, stored.member_summary.count), (&id, User, 1, 0));
    assert_eq!((stored.created.as_str(), stored.last_modified.as_str()), (AT, AT));
    assert_eq!(stored.resource, resource("ann"));

    let mut change = rename(User, &id, 1, "ann", "ann");
    change.change.at = "2027-01-01T00:00:00Z".to_owned();
    site.commit(&change).await.unwrap();
    let stored = site.directory.get(&site.caller.tenant, User, &id).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.created.as_str()), (2, AT));
    assert_eq!(stored.last_modified, "2027-01-01T00:00:00Z");

    let other = tenant("other");
    assert_eq!(site.directory.get(&other.tenant, User, &id).await, Ok(None));
    assert_eq!(site.directory.get(&site.caller.tenant, Group, &id).await, Ok(None));
}

#[tokio::test]
async fn name_is_free_after_a_rename_and_after_a_delete() {
    for kind in Kind::ALL {
        let site = Site::new().await;
        let first = create(kind, "ann");
        site.commit(&first).await.unwrap();
        assert_eq!(site.commit(&create(kind, "ann")).await, Err(Error::NameTaken));
        assert_eq!(site.owner(kind, "ann").await, Some(first.id.clone()));

        site.commit(&rename(kind, &first.id, 1, "ann", "bob")).await.unwrap();
        assert_eq!(site.owner(kind, "ann").await, None);
        let second = create(kind, "ann");
        site.commit(&second).await.unwrap();
        let back = rename(kind, &first.id, 2, "bob", "ann");
        assert_eq!(site.commit(&back).await, Err(Error::NameTaken));
        assert_eq!(site.owner(kind, "bob").await, Some(first.id.clone()));

        site.commit(&delete(kind, &second.id, 1, "ann")).await.unwrap();
        assert_eq!(site.version(kind, &second.id).await, None);
        site.commit(&back).await.unwrap();
        assert_eq!(site.owner(kind, "ann").await, Some(first.id));
    }
}

#[tokio::test]
async fn names_of_users_groups_and_tenants_are_apart() {
    let site = Site::new().await;
    let ann = site.user("ann").await;
    site.group("ann", &[]).await;
    let other = tenant("other");
    site.directory.commit(&other, &create(User, "ann")).await.unwrap();
    assert_eq!(site.owner(User, "ann").await, Some(ann));
    assert_eq!(site.directory.count(&other.tenant, User).await, Ok(1));
}

/// A tenant that uses a value or an id of another tenant finds nothing.
#[tokio::test]
async fn values_and_ids_of_another_tenant_find_nothing() {
    let site = Site::new().await;
    let (directory, mine, other) = (&site.directory, &site.caller.tenant, &tenant("other").tenant);
    let mut made = create(User, "ann");
    let after = KeyedResource { keys: keys("ann", &[(Index::UserExternalId, "E1")]), ..snapshot("ann") };
    made.write = ResourceWrite::Create { after };
    site.commit(&made).await.unwrap();
    let (ann, staff) = (&made.id, &site.group("staff", &[&made.id]).await);
    for (tenant, found) in [(mine, 1), (other, 0)] {
        assert_eq!(directory.lookup(tenant, Index::UserExternalId, "E1").await.unwrap().len(), found);
        let group = directory.get(mine, Group, staff).await.unwrap().unwrap();
        let members = directory.members(tenant, group).await.unwrap();
        assert_eq!(members.map_or(0, |(_, members)| members.len()), found);
        assert_eq!(directory.members_among(tenant, staff, std::slice::from_ref(ann)).await.unwrap().len(), found);
        assert_eq!(directory.groups_of(tenant, ann, &store::PendingChanges::default()).await.unwrap().len(), found);
        assert_eq!(directory.get_many(tenant, User, std::slice::from_ref(ann)).await.unwrap().len(), found);
    }
}

#[tokio::test]
async fn write_with_another_version_is_stale() {
    let site = Site::new().await;
    let ann = site.user("ann").await;
    site.commit(&rename(User, &ann, 1, "ann", "bob")).await.unwrap();
    assert_eq!(site.commit(&rename(User, &ann, 1, "ann", "cid")).await, Err(Error::Stale));
    assert_eq!(site.commit(&delete(User, &ann, 1, "ann")).await, Err(Error::Stale));
    site.commit(&delete(User, &ann, 2, "bob")).await.unwrap();
    assert_eq!(site.commit(&rename(User, &ann, 2, "bob", "cid")).await, Err(Error::Missing));
    assert_eq!(site.commit(&delete(User, &ann, 2, "bob")).await, Err(Error::Missing));
    assert_eq!(site.owner(User, "cid").await, None);
    assert_eq!(site.directory.count(&site.caller.tenant, User).await, Ok(0));
}

#[tokio::test]
async fn one_of_64_concurrent_creates_with_the_same_name_succeeds() {
    let site = Site::new().await;
    let creates: Vec<_> = (0..64).map(|_| create(User, "ann")).collect();
    let results = join_all(creates.iter().map(|create| site.commit(create))).await;
    let won: Vec<_> = creates.iter().zip(&results).filter(|(_, result)| result.is_ok()).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(results.iter().filter(|result| **result == Err(Error::NameTaken)).count(), 63);
    assert_eq!(site.owner(User, "ann").await, Some(won[0].0.id.clone()));
    assert_eq!(site.directory.count(&site.caller.tenant, User).await, Ok(1));
    assert_eq!(site.items("acme#user").await.len(), 1);
    assert_eq!(site.items("acme#change").await.len(), 1);
}

#[tokio::test]
async fn one_of_32_concurrent_renames_to_the_same_name_succeeds() {
    let site = Site::new().await;
    let names: Vec<_> = (0..32).map(|n| format!("user-{n}")).collect();
    let ids = join_all(names.iter().map(|name| site.user(name))).await;
    let renames: Vec<_> = ids.iter().zip(&names).map(|(id, name)| rename(User, id, 1, name, "ann")).collect();
    let results = join_all(renames.iter().map(|rename| site.commit(rename))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|result| **result == Err(Error::NameTaken)).count(), 31);
    assert_eq!(site.items("acme#userName").await.len(), 32);
    let winner = results.iter().position(Result::is_ok).unwrap();
    assert_eq!(site.owner(User, "ann").await, Some(ids[winner].clone()));
}

#[tokio::test]
async fn one_of_16_concurrent_changes_of_the_same_version_succeeds() {
    let site = Site::new().await;
    let ann = site.user("ann").await;
    let changes: Vec<_> = (0..16).map(|_| rename(User, &ann, 1, "ann", "ann")).collect();
    let results = join_all(changes.iter().map(|change| site.commit(change))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|result| **result == Err(Error::Stale)).count(), 15);
    assert_eq!(site.version(User, &ann).await, Some(2));
}

#[tokio::test]
async fn counts_are_right_after_concurrent_creates_and_deletes() {
    let site = Site::new().await;
    let names: Vec<_> = (0..60).map(|n| format!("user-{n}")).collect();
    let ids = join_all(names.iter().map(|name| site.user(name))).await;
    site.group("staff", &[]).await;
    let goes: Vec<_> = ids.iter().zip(&names).take(25).map(|(id, name)| delete(User, id, 1, name)).collect();
    let (gone, more) = tokio::join!(
        join_all(goes.iter().map(|delete| site.commit(delete))),
        join_all((0..20).map(|n| {
            let site = &site;
            async move { site.user(&format!("more-{n}")).await }
        })),
    );
    assert!(gone.iter().all(Result::is_ok) && more.len() == 20);
    assert_eq!(site.directory.count(&site.caller.tenant, User).await, Ok(55));
    assert_eq!(site.directory.count(&site.caller.tenant, Group).await, Ok(1));
    assert!(site.items("acme#count").await.len() > 4);
}

#[tokio::test]
async fn lookups_follow_their_resource_and_match_exactly() {
    let site = Site::new().await;
    let long = "x".repeat(3000);
    let find = async |index, value: &str| site.directory.lookup(&site.caller.tenant, index, value).await.unwrap();
    let before = keys(
        "ann",
        &[
            (Index::UserEmail, "a"),
            (Index::UserEmail, "a"),
            (Index::UserExternalId, "a#b"),
            (Index::UserExternalId, &long),
        ],
    );
    let after = keys("ann", &[(Index::UserEmail, "c"), (Index::UserExternalId, "a#b"), (Index::GroupExternalId, "")]);
    let ann = create(User, "ann");
    let write = |keys: &Keys| KeyedResource { keys: keys.clone(), ..snapshot("ann") };
    site.commit(&Commit { write: ResourceWrite::Create { after: write(&before) }, ..ann.clone() }).await.unwrap();
    let bob = Commit {
        write: ResourceWrite::Create {
            after: KeyedResource { keys: keys("bob", &[(Index::UserExternalId, "a")]), ..snapshot("bob") },
        },
        ..create(User, "bob")
    };
    site.commit(&bob).await.unwrap();
    let annas = vec![ann.id.clone()];
    assert_eq!(find(Index::UserEmail, "a").await, annas);
    assert_eq!(find(Index::UserExternalId, "a#b").await, annas);
    assert_eq!(find(Index::UserExternalId, &long).await, annas);
    assert_eq!(find(Index::UserExternalId, "a").await, vec![bob.id.clone()]);
    assert_eq!(find(Index::GroupExternalId, "a").await, vec![]);
    // The value looks like another value followed by an id.
    assert_eq!(find(Index::UserExternalId, &format!("a#{}", bob.id)).await, vec![]);

    let update = ResourceWrite::Update { expected: 1, before: before.clone(), after: write(&after) };
    site.commit(&Commit { write: update, ..rename(User, &ann.id, 1, "", "") }).await.unwrap();
    assert_eq!(find(Index::UserEmail, "a").await, vec![]);
    assert_eq!(find(Index::UserEmail, "c").await, annas);
    assert_eq!(find(Index::UserExternalId, &long).await, vec![]);
    assert_eq!(find(Index::GroupExternalId, "").await, annas);

    let gone = ResourceWrite::Delete { expected: 2, before: after, groups: 0, remaining: RemainingEdges::Absent };
    site.commit(&Commit { write: gone, ..delete(User, &ann.id, 2, "") }).await.unwrap();
    assert_eq!(find(Index::UserExternalId, "a#b").await, vec![]);
    assert!(site.items("acme#userEmail").await.is_empty());
}

#[tokio::test]
async fn names_are_found_by_their_prefix() {
    let site = Site::new().await;
    for name in ["bea", "ann", "anna", "an#", "añ", "\u{1F600}"] {
        site.user(name).await;
    }
    let find = async |prefix: &str, limit| {
        let ids = site.directory.name_owners_by_prefix(&site.caller.tenant, User, prefix, limit).await?;
        let found = site.directory.get_many(&site.caller.tenant, User, &ids).await?;
        let found = found.into_iter().map(|it| it.parse().unwrap());
        Ok::<_, Error>(found.map(|it| it.resource["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(find("an", 10).await.unwrap(), ["an#", "ann", "anna"]);
    assert_eq!(find("an", 2).await.unwrap(), ["an#", "ann"]);
    assert_eq!(find("an", 0).await.unwrap(), [""; 0]);
    assert_eq!(find("\u{1F600}", 5).await.unwrap(), ["\u{1F600}"]);
    assert_eq!(find(&"a".repeat(2000), 5).await.unwrap(), [""; 0]);
    assert!(matches!(find("", 5).await, Err(Error::Refused(_))));
    assert_eq!(site.owner(User, "").await, None);
    assert_eq!(site.owner(User, &"a".repeat(2000)).await, None);
}

#[tokio::test]
async fn too_large_commit_returns_the_limit() {
    let site = Site::new().await;
    let longest = "n".repeat(NAME_BYTES);
    site.user(&longest).await;
    let too_long = site.commit(&create(User, &format!("{longest}n"))).await;
    assert_eq!(
        too_long,
        Err(Error::TooLarge("userName takes 901 bytes; at most 900 can be stored. Shorten it.".to_owned()))
    );
    assert!(matches!(site.commit(&create(User, "")).await, Err(Error::Refused(_))));

    let emails: Vec<_> = (0..91).map(|n| format!("{n}@example.com")).collect();
    let emails: Vec<_> = emails.iter().map(|email| (Index::UserEmail, email.as_str())).collect();
    let with = |emails: &[(Index, &str)]| KeyedResource { keys: keys("ann", emails), ..snapshot("ann") };
    let many = Commit { write: ResourceWrite::Create { after: with(&emails) }, ..create(User, "ann") };
    assert!(matches!(site.commit(&many).await, Err(Error::TooLarge(text)) if text.contains("at most 90")));
    let ann = Commit { write: ResourceWrite::Create { after: with(&emails[..90]) }, ..many };
    site.commit(&ann).await.unwrap();
    let none = ResourceWrite::Update { expected: 1, before: keys("ann", &emails[..90]), after: with(&[]) };
    site.commit(&Commit { write: none, ..rename(User, &ann.id, 1, "", "") }).await.unwrap();
    let back = ResourceWrite::Update { expected: 2, before: keys("ann", &[]), after: with(&emails[1..]) };
    site.commit(&Commit { write: back, ..rename(User, &ann.id, 2, "", "") }).await.unwrap();
    let gone = ResourceWrite::Delete {
        expected: 3,
        before: keys("ann", &emails[1..]),
        groups: 0,
        remaining: RemainingEdges::Absent,
    };
    site.commit(&Commit { write: gone, ..delete(User, &ann.id, 3, "") }).await.unwrap();
    assert!(site.items("acme#userEmail").await.is_empty());

    for (bytes, fits) in [(store::RESOURCE_BYTES, true), (store::RESOURCE_BYTES + 1, false)] {
        let mut after = snapshot(&format!("{bytes}"));
        after.resource.clear();
        after.resource.insert("a".to_owned(), "x".repeat(bytes - r#"{"a":""}"#.len()).into());
        let result = site.commit(&Commit { write: ResourceWrite::Create { after }, ..create(User, "big") }).await;
        assert_eq!(result.is_ok(), fits);
        assert!(fits || matches!(result, Err(Error::TooLarge(text)) if text.contains("399 KB")));
    }
    assert_eq!(site.version(User, &id()).await, None);
}
