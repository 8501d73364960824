//! Change records read back: in order, from a place on, with the parts of large changes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::event::{Change, Part, Verb};
use schema::Kind::{Group, User};
use schema::ResourceId;
use store::Commit;

use crate::engine::{AT, Site, create, delete, id, raw, rename, tenant, user};

fn told(change: &Change) -> (String, Option<u64>, Option<u64>) {
    (format!("{}.{}", change.kind, change.verb.name()), change.before, change.after)
}

#[tokio::test]
async fn changes_are_read_as_they_were_made() {
    let site = Site::new().await;
    let ann = create(User, "ann");
    site.commit(&ann).await.unwrap();
    let bob = site.user("bob").await;
    let staff = site.group("staff", &[&bob]).await;
    let push =
        Commit { add: vec![user(&ann.id)], remove: vec![bob.clone()], ..rename(Group, &staff, 1, "staff", "all") };
    site.commit(&push).await.unwrap();
    site.commit(&Commit { leave: vec![staff.clone()], ..delete(User, &ann.id, 1, "ann") }).await.unwrap();

    let all = site.directory.changes(&site.caller.tenant, None, 100).await.unwrap();
    let expect = [
        ("User.created", None, Some(1)),
        ("User.created", None, Some(1)),
        ("Group.created", None, Some(1)),
        ("Group.updated", Some(1), Some(2)),
        ("User.deleted", Some(1), None),
    ];
    assert_eq!(all.iter().map(told).collect::<Vec<_>>(), expect.map(|(what, from, to)| (what.to_owned(), from, to)));
    let [_, _, made, pushed, gone] = &all[..] else { panic!("{} changes", all.len()) };
    assert_eq!(made.members, Part { added: vec![bob.clone()], removed: vec![] });
    assert_eq!(pushed.members, Part { added: vec![ann.id.clone()], removed: vec![bob] });
    assert_eq!((&pushed.id, pushed.tenant.as_str(), &*pushed.token), (&push.change.id, "acme", "token-1"));
    assert_eq!((pushed.at, &pushed.attributes), (AT.parse().unwrap(), &push.change.attributes));
    assert_eq!((gone.verb, &gone.resource, &gone.left[0].group), (Verb::Deleted, &ann.id, &staff));

    let rest = site.directory.changes(&site.caller.tenant, Some(&all[1].id), 2).await.unwrap();
    assert_eq!(rest, all[2..4]);
    assert_eq!(site.directory.changes(&tenant("other").tenant, None, 100).await, Ok(vec![]));
}

#[tokio::test]
async fn the_parts_of_a_large_change_are_read_in_order() {
    let site = Site::new().await;
    let (change, other) = (id(), id());
    let [a, b, c, d] = [id(), id(), id(), id()];
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let member = |id: &ResourceId| {
        AttributeValue::M(HashMap::from([("id".to_owned(), text(id.as_str())), ("type".to_owned(), text("User"))]))
    };
    let list = |ids: &[&ResourceId]| AttributeValue::L(ids.iter().map(|id| member(id)).collect());
    for (of, add, remove) in
        [(&change, vec![&c], vec![&d]), (&change, vec![&a, &b], vec![]), (&other, vec![&a], vec![])]
    {
        let put = raw().put_item().table_name(&site.table).item("pk", text(&format!("acme#part#{of}")));
        let put = put.item("sk", text(add[0].as_str())).item("add", list(&add)).item("remove", list(&remove));
        put.send().await.unwrap();
    }
    let parts = site.directory.parts_of_change(&site.caller.tenant, &change).await.unwrap();
    let expect = [Part { added: vec![a, b], removed: vec![] }, Part { added: vec![c], removed: vec![d] }];
    assert_eq!(parts, expect);
    assert_eq!(site.directory.parts_of_change(&site.caller.tenant, &id()).await, Ok(vec![]));
}
