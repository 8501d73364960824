//! The answers of the audit trail after records have expired: one by one, and not always the oldest ones first.

use schema::Kind;
use serde_json::{Value, json};

use super::{UNKNOWN_ID, add_members, event_types, instant, remove_member, texts};
use crate::directory::TABLE;
use crate::fixture::Fixture;

impl Fixture {
    fn records(&self) -> Vec<Value> {
        self.engine.items(TABLE, "acme#change")
    }

    /// Deletes a record, as its expiry does.
    fn delete_record(&self, record: &Value) {
        let key = json!({"pk": record["pk"], "sk": record["sk"]});
        self.engine.call("DeleteItem", &json!({"TableName": TABLE, "Key": key}));
    }

    fn put_record(&self, record: &Value) {
        self.engine.call("PutItem", &json!({"TableName": TABLE, "Item": record}));
    }
}

/// The record of this version of a group.
fn version_of(records: &[Value], group: &str, version: u64) -> Value {
    let is_it = |record: &&Value| {
        record["id"]["S"] == group && record["versionAfter"]["N"].as_str() == Some(&version.to_string())
    };
    records.iter().find(is_it).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_complete_without_records_that_are_not_needed() {
    let fixture = Fixture::new().await;
    let [ann, bob] = [fixture.user("ann").await, fixture.user("bob").await];
    let staff = fixture.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": ann}]})).await;
    let first = instant().await;
    fixture.patch(Kind::Group, &staff, add_members(&[&bob])).await;
    let second = instant().await;
    fixture.patch(Kind::Group, &staff, remove_member(&ann)).await;
    let now = instant().await;
    for record in fixture.records().iter().take(3) {
        fixture.delete_record(record);
    }
    assert_eq!(fixture.members(&staff, &second).await, (vec![ann.clone(), bob.clone()], true));
    assert_eq!(
        fixture.members(&staff, &first).await,
        (vec![ann], true),
        "the next record says when the one before was"
    );
    assert_eq!(fixture.members(&staff, &now).await, (vec![bob.clone()], true));
    let begins = fixture.query(json!({"tenant": "acme", "limit": 1})).await;
    assert_eq!(begins["trailBegins"], begins["changes"][0]["at"]);
    assert!(begins["trailBegins"].as_str().unwrap() > first.as_str());

    fixture.delete(Kind::Group, &staff).await;
    assert_eq!(
        fixture.members(&staff, &second).await,
        (vec![bob], false),
        "the members before the first record are unknown"
    );
    let unknown = fixture.try_query(json!({"tenant": "acme", "membersOf": UNKNOWN_ID})).await.unwrap_err();
    assert!(unknown.contains("no record that there was one"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_incomplete_if_a_record_in_the_middle_is_missing() {
    let fixture = Fixture::new().await;
    let [ann, bob, cy] = [fixture.user("ann").await, fixture.user("bob").await, fixture.user("cy").await];
    let staff = fixture.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": ann}]})).await;
    let mut instants = vec![instant().await];
    for operations in [add_members(&[&bob]), remove_member(&ann), add_members(&[&cy]), add_members(&[&ann])] {
        fixture.patch(Kind::Group, &staff, operations).await;
        instants.push(instant().await);
    }
    let complete = async || {
        let mut complete = Vec::new();
        for at in &instants {
            complete.push(fixture.members(&staff, at).await.1);
        }
        complete
    };
    assert_eq!(complete().await, [true; 5]);
    let third = version_of(&fixture.records(), &staff, 3);
    let mut expired = third.clone();
    expired["expires"] = json!({"N": "1"});
    fixture.put_record(&expired);
    assert_eq!(complete().await, [false, false, true, true, true], "an expired record does not count");
    let trail = fixture.query(json!({"tenant": "acme", "resource": staff})).await;
    assert_eq!(event_types(&trail).len(), 4, "{trail}");
    fixture.delete_record(&third);
    assert_eq!(complete().await, [false, false, true, true, true]);

    fixture.delete(Kind::Group, &staff).await;
    assert_eq!(complete().await, [true, false, false, false, false], "the members are known up to the gap");
    fixture.put_record(&third);
    assert_eq!(complete().await, [true; 5]);
    fixture.delete_record(&version_of(&fixture.records(), &staff, 5));
    assert_eq!(complete().await, [true, true, true, false, false]);
}

/// Records of earlier versions of the service do not say when the version before was written.
#[tokio::test(flavor = "multi_thread")]
async fn members_are_uncertain_if_a_record_does_not_say_what_came_before() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    let staff = fixture.create(Kind::Group, json!({"displayName": "Staff", "members": []})).await;
    let first = instant().await;
    fixture.patch(Kind::Group, &staff, add_members(&[&ann])).await;
    let mut record = version_of(&fixture.records(), &staff, 2);
    record.as_object_mut().unwrap().remove("previousAt").unwrap();
    fixture.put_record(&record);
    assert_eq!(fixture.members(&staff, &first).await, (vec![], true), "the record before it is there");
    fixture.delete_record(&version_of(&fixture.records(), &staff, 1));
    assert_eq!(fixture.members(&staff, &first).await, (vec![], false));
}

/// The record of a change that follows from another one can be written days after that one.
#[tokio::test(flavor = "multi_thread")]
async fn record_that_was_written_late_belongs_to_the_period_of_its_change() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    fixture.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": ann}]})).await;
    let end = instant().await;
    let mut record = fixture.records().pop().unwrap();
    fixture.delete_record(&record);
    let days_later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(13 * 24);
    let id = store::first_change_id(u64::try_from(days_later.as_millisecond()).unwrap()).unwrap();
    record["sk"] = json!({"S": id.as_str()});
    fixture.put_record(&record);
    let trail = fixture.query(json!({"tenant": "acme", "to": end})).await;
    assert_eq!(event_types(&trail), ["user.created", "group.created"]);
    assert_eq!(texts(&trail["changes"][1]["membersAdded"]), [ann]);
}

#[tokio::test(flavor = "multi_thread")]
async fn record_of_a_newer_release_is_passed_over_and_named() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    let staff = fixture.create(Kind::Group, json!({"displayName": "Staff", "members": [{"value": ann}]})).await;
    let before = instant().await;
    fixture.patch(Kind::User, &ann, json!([{"op": "add", "path": "title", "value": "Dr"}])).await;
    fixture.patch(Kind::User, &ann, json!([{"op": "add", "path": "title", "value": "Prof"}])).await;
    assert_eq!(fixture.members(&staff, &before).await, (vec![ann.clone()], true));
    let known = fixture.records()[2].clone();
    for (attribute, value) in [("what", json!({"S": "user.sung"})), ("format", json!({"N": "2"}))] {
        let mut record = known.clone();
        record[attribute] = value;
        fixture.put_record(&record);

        let answer = fixture.query(json!({"tenant": "acme", "resource": ann})).await;
        assert_eq!(event_types(&answer), ["user.created", "group.created", "user.updated"]);
        assert_eq!(answer["unreadable"], json!([record["sk"]["S"]]));
        assert_eq!(
            fixture.query(json!({"tenant": "acme", "to": before})).await.get("unreadable"),
            Some(&answer["unreadable"])
        );
    }
    // The unreadable record may be a change of the members, so the list is not certain to be complete.
    fixture.patch(Kind::Group, &staff, remove_member(&ann)).await;
    assert_eq!(fixture.members(&staff, &before).await, (vec![ann], false));
}
