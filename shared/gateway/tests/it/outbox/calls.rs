//! The calls of EventBridge: how many, how many at a time, and what is sent again.

use std::time::{Duration, Instant};

use schema::Kind;
use serde_json::{Value, json};

use super::Site;
use crate::bus::Bus;

#[tokio::test(flavor = "multi_thread")]
async fn batch_stops_at_the_first_failure_and_names_it() {
    let site = Site::new(false).await;
    for name in ["ann", "bob", "cyril"] {
        site.create(Kind::User, json!({"userName": name})).await;
    }
    let records = site.records();
    let id = |at: usize| format!("{}.user.created", records[at]["sk"]["S"].as_str().unwrap());

    site.bus.lock().unwrap().throttled.insert(id(1), 3);
    assert_eq!(site.publish(&records).await, [""; 0], "three throttled attempts are retried");
    assert_eq!(site.bus.lock().unwrap().ids(), [id(0), id(2), id(1)]);

    *site.bus.lock().unwrap() = Bus::default();
    site.bus.lock().unwrap().throttled.insert(id(1), usize::MAX);
    assert_eq!(site.publish(&records).await, ["2"]);
    assert_eq!(site.bus.lock().unwrap().ids(), [id(0), id(2)], "another resource does not wait");

    *site.bus.lock().unwrap() = Bus { is_down: true, ..Bus::default() };
    assert_eq!(site.publish(&records).await, ["1"]);
}

/// Only the entries that were not accepted are sent again.
#[tokio::test(flavor = "multi_thread")]
async fn many_events_of_a_change_are_sent_in_calls_of_ten() {
    let site = Site::new(false).await;
    let ada = site.create(Kind::User, json!({"userName": "ada"})).await;
    for number in 0..12 {
        let group = json!({"displayName": format!("g{number}"), "members": [{"value": ada}]});
        site.create(Kind::Group, group).await;
    }
    site.delete(Kind::User, &ada).await;
    let record = site.records().pop().unwrap();
    let groups = record["groupsLeft"]["L"].as_array().unwrap().len();
    assert_eq!(groups, 12);
    let first = record["sk"]["S"].as_str().unwrap();
    site.bus.lock().unwrap().throttled.insert(format!("{first}.user.deleted"), 1);
    assert_eq!(site.publish(std::slice::from_ref(&record)).await, [""; 0]);
    let bus = site.bus.lock().unwrap();
    assert_eq!((bus.calls.iter().sum::<usize>(), bus.accepted.len()), (14, 13));
}

/// An entry that EventBridge rejects is sent again, and with it those behind it about the same resource.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_resource_end_in_their_order_after_a_rejection() {
    let site = Site::new(false).await;
    let ada = site.create(Kind::User, json!({"userName": "ada"})).await;
    for title in ["a", "b", "c", "d"] {
        site.patch(Kind::User, &ada, json!([{"op": "add", "path": "title", "value": title}])).await;
    }
    site.create(Kind::User, json!({"userName": "bob"})).await;
    let records = site.records();
    let id = |at: usize| format!("{}.user.updated", records[at]["sk"]["S"].as_str().unwrap());
    site.bus.lock().unwrap().throttled.insert(id(2), 2);
    assert_eq!(site.publish(&records).await, [""; 0]);
    let bus = site.bus.lock().unwrap();
    let about_ada = bus.ids().into_iter().filter(|it| it.ends_with("updated")).collect::<Vec<_>>();
    assert_eq!(about_ada[about_ada.len() - 3..], [id(2), id(3), id(4)]);
    assert_eq!(bus.calls, [6, 3, 3]);
}

/// A shard of a table's stream delivers the changes of several tenants: a thousand a second while customers are imported.
#[tokio::test(flavor = "multi_thread")]
async fn many_changes_are_published_in_several_calls_at_a_time() {
    const CHANGES: usize = 1000;
    let site = Site::new(false).await;
    site.create(Kind::User, json!({"userName": "ada"})).await;
    let record = site.records().pop().unwrap();
    let records = (0..CHANGES).map(|_| {
        let mut record = record.clone();
        for name in ["sk", "id"] {
            record[name] = json!({"S": uuid::Uuid::now_v7().to_string()});
        }
        record
    });
    let records: Vec<Value> = records.collect();
    let delay = Duration::from_millis(25);
    site.bus.lock().unwrap().delay = delay;
    let start = Instant::now();
    for batch in records.chunks(100) {
        assert_eq!(site.publish(batch).await, [""; 0]);
    }
    let time = start.elapsed();
    let bus = site.bus.lock().unwrap();
    let one_by_one = delay * u32::try_from(bus.calls.len()).unwrap();
    println!("{CHANGES} changes in {} calls of {delay:?}: {} ms", bus.calls.len(), time.as_millis());
    assert_eq!(bus.accepted.len(), CHANGES);
    assert!(bus.calls.len() <= 250 && time < one_by_one / 2, "{} calls in {time:?}", bus.calls.len());
}

/// What can never be published delays nothing: neither a record that cannot be read, nor an event that is refused.
#[tokio::test(flavor = "multi_thread")]
async fn unpublishable_event_goes_to_dead_letters_without_a_retry() {
    let site = Site::new(false).await;
    for name in ["ann", "bob", "cyril"] {
        site.create(Kind::User, json!({"userName": name})).await;
    }
    let mut records = site.records();
    let id = |at: usize| format!("{}.user.created", records[at]["sk"]["S"].as_str().unwrap());
    let ids = [id(0), id(1), id(2)];
    let sk = records[1]["sk"]["S"].clone();
    site.bus.lock().unwrap().refused.insert(ids[2].clone());
    records[1]["what"] = json!({"S": "user.sung"});
    assert_eq!(site.publish(&records).await, [""; 0]);
    let letters = site.bus.lock().unwrap().letters.clone();
    assert_eq!(site.bus.lock().unwrap().ids(), ids[..1]);
    let expect = json!({"reason": letters[0]["reason"], "pk": "acme#change", "sk": sk});
    assert_eq!((letters.len(), &letters[0]), (2, &expect));
    assert_eq!((&letters[1]["event"], &letters[1]["reason"]), (&json!(ids[2]), &json!("MalformedDetail")));

    *site.bus.lock().unwrap() = Bus { loses_letters: true, ..Bus::default() };
    assert_eq!(site.publish(&records).await, ["2"], "nothing is passed over that is not in the queue");
}
