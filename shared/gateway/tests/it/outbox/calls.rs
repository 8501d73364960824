//! The calls of EventBridge: how many, how many at a time, and which entries are sent again.

use std::time::{Duration, Instant};

use schema::Kind;
use serde_json::{Value, json};

use super::Fixture;
use crate::bus::BusStub;

#[tokio::test(flavor = "multi_thread")]
async fn batch_stops_at_the_first_failure_and_names_it() {
    let fixture = Fixture::new(false).await;
    for name in ["ann", "bob", "cyril"] {
        fixture.create(Kind::User, json!({"userName": name})).await;
    }
    let records = fixture.records();
    let id = |at: usize| format!("{}.user.created", records[at]["sk"]["S"].as_str().unwrap());

    fixture.bus.lock().unwrap().throttled.insert(id(1), 3);
    assert_eq!(fixture.publish(&records).await, [""; 0], "three throttled attempts are retried");
    assert_eq!(fixture.bus.lock().unwrap().ids(), [id(0), id(2), id(1)]);

    *fixture.bus.lock().unwrap() = BusStub::default();
    fixture.bus.lock().unwrap().throttled.insert(id(1), usize::MAX);
    assert_eq!(fixture.publish(&records).await, ["2"]);
    assert_eq!(fixture.bus.lock().unwrap().ids(), [id(0), id(2)], "another resource does not wait");

    *fixture.bus.lock().unwrap() = BusStub { is_down: true, ..BusStub::default() };
    assert_eq!(fixture.publish(&records).await, ["1"]);
}

/// Only the entries that were not accepted are sent again.
#[tokio::test(flavor = "multi_thread")]
async fn many_events_of_a_change_are_sent_in_calls_of_ten() {
    let fixture = Fixture::new(false).await;
    let ada = fixture.create(Kind::User, json!({"userName": "ada"})).await;
    for number in 0..12 {
        let group = json!({"displayName": format!("g{number}"), "members": [{"value": ada}]});
        fixture.create(Kind::Group, group).await;
    }
    fixture.delete(Kind::User, &ada).await;
    let record = fixture.records().pop().unwrap();
    let groups = record["groupsLeft"]["L"].as_array().unwrap().len();
    assert_eq!(groups, 12);
    let first = record["sk"]["S"].as_str().unwrap();
    fixture.bus.lock().unwrap().throttled.insert(format!("{first}.user.deleted"), 1);
    assert_eq!(fixture.publish(std::slice::from_ref(&record)).await, [""; 0]);
    let bus = fixture.bus.lock().unwrap();
    assert_eq!((bus.calls.iter().sum::<usize>(), bus.accepted.len()), (14, 13));
}

/// An entry that EventBridge rejects is sent again, and with it those behind it about the same resource.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_resource_end_in_their_order_after_a_rejection() {
    let fixture = Fixture::new(false).await;
    let ada = fixture.create(Kind::User, json!({"userName": "ada"})).await;
    for title in ["a", "b", "c", "d"] {
        fixture.patch(Kind::User, &ada, json!([{"op": "add", "path": "title", "value": title}])).await;
    }
    fixture.create(Kind::User, json!({"userName": "bob"})).await;
    let records = fixture.records();
    let id = |at: usize| format!("{}.user.updated", records[at]["sk"]["S"].as_str().unwrap());
    fixture.bus.lock().unwrap().throttled.insert(id(2), 2);
    assert_eq!(fixture.publish(&records).await, [""; 0]);
    let bus = fixture.bus.lock().unwrap();
    let about_ada = bus.ids().into_iter().filter(|it| it.ends_with("updated")).collect::<Vec<_>>();
    assert_eq!(about_ada[about_ada.len() - 3..], [id(2), id(3), id(4)]);
    assert_eq!(bus.calls, [6, 3, 3]);
}

/// A shard of a table's stream delivers the changes of several tenants: a thousand a second while customers are
/// imported.
#[tokio::test(flavor = "multi_thread")]
async fn many_changes_are_published_in_several_calls_at_a_time() {
    const CHANGES: usize = 1000;
    let fixture = Fixture::new(false).await;
    fixture.create(Kind::User, json!({"userName": "ada"})).await;
    let record = fixture.records().pop().unwrap();
    let records = (0..CHANGES).map(|_| {
        let mut record = record.clone();
        for name in ["sk", "id"] {
            record[name] = json!({"S": uuid::Uuid::now_v7().to_string()});
        }
        record
    });
    let records: Vec<Value> = records.collect();
    let delay = Duration::from_millis(25);
    fixture.bus.lock().unwrap().delay = delay;
    let start = Instant::now();
    for batch in records.chunks(100) {
        assert_eq!(fixture.publish(batch).await, [""; 0]);
    }
    let time = start.elapsed();
    let bus = fixture.bus.lock().unwrap();
    let one_by_one = delay * u32::try_from(bus.calls.len()).unwrap();
    println!("{CHANGES} changes in {} calls of {delay:?}: {} ms", bus.calls.len(), time.as_millis());
    assert_eq!(bus.accepted.len(), CHANGES);
    assert!(bus.calls.len() <= 250 && time < one_by_one / 2, "{} calls in {time:?}", bus.calls.len());
}

/// A record that cannot be read, and an event that is refused, delay no other change.
#[tokio::test(flavor = "multi_thread")]
async fn unpublishable_event_goes_to_dead_letters_without_a_retry() {
    unpublishable("what", json!({"S": "user.sung"})).await;
    // After a rollback, an older function reads the record of a newer one.
    unpublishable("format", json!({"N": "2"})).await;
}

/// While a deployment replaces the functions, the older one waits until it is replaced.
#[tokio::test(flavor = "multi_thread")]
async fn young_record_of_a_newer_release_is_tried_again() {
    let fixture = Fixture::new(false).await;
    fixture.create(Kind::User, json!({"userName": "ann"})).await;
    let mut record = fixture.records().pop().unwrap();
    record["format"] = json!({"N": "2"});
    assert_eq!(fixture.publish(&[record]).await, ["1"]);
    assert!(fixture.bus.lock().unwrap().letters.is_empty());
}

/// Publishes three changes, of which the second is ten minutes old and has an attribute that makes its record
/// unreadable.
async fn unpublishable(attribute: &str, value: Value) {
    let fixture = Fixture::new(false).await;
    for name in ["ann", "bob", "cyril"] {
        fixture.create(Kind::User, json!({"userName": name})).await;
    }
    let mut records = fixture.records();
    let id = |at: usize| format!("{}.user.created", records[at]["sk"]["S"].as_str().unwrap());
    let ids = [id(0), id(1), id(2)];
    let sk = json!(store::first_change_id(store::now_ms() - 600_000).unwrap().as_str());
    records[1]["sk"]["S"] = sk.clone();
    fixture.bus.lock().unwrap().refused.insert(ids[2].clone());
    records[1][attribute] = value;
    assert_eq!(fixture.publish(&records).await, [""; 0]);
    let letters = fixture.bus.lock().unwrap().letters.clone();
    assert_eq!(fixture.bus.lock().unwrap().ids(), ids[..1]);
    let expect = json!({"reason": letters[0]["reason"], "pk": "acme#change", "sk": sk});
    assert_eq!((letters.len(), &letters[0]), (2, &expect));
    assert_eq!((&letters[1]["event"], &letters[1]["reason"]), (&json!(ids[2]), &json!("MalformedDetail")));

    *fixture.bus.lock().unwrap() = BusStub { loses_letters: true, ..BusStub::default() };
    assert_eq!(fixture.publish(&records).await, ["2"], "nothing is passed over that is not in the queue");
}
