//! Faults of DynamoDB and of the network, and their effect on the store.

use std::collections::HashMap;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue::S;
use protocol::Projection;
use schema::Kind::{Group, User};
use serde_json::{Value, json};
use service::check::{CheckQuery, check};
use store::{Commit, Error, Token, now_ms};

use crate::engine::{Site, create, delete_first, id, raw, rename, user};
use crate::model::context;
use crate::proxy::{Fault, Proxy, cancelled, error};

pub(crate) const TRANSACTION: &str = "TransactWriteItems";

/// The site with a proxy that injects these faults.
pub(crate) async fn behind(site: &Site, operation: &str, faults: impl IntoIterator<Item = Fault>) -> (Site, Proxy) {
    let proxy = Proxy::start(operation, faults).await;
    (Site::at(&proxy.url, &site.table).await, proxy)
}

/// Creates a user while transactions have these faults. Returns the result and the number of calls.
async fn create_during(faults: impl IntoIterator<Item = Fault>) -> (Result<(), Error>, usize) {
    let site = Site::new().await;
    let (faulty, proxy) = behind(&site, TRANSACTION, faults).await;
    let (ann, started) = (create(User, "ann"), Instant::now());
    let result = faulty.commit(&ann).await;
    assert!(started.elapsed() < Duration::from_secs(10));
    let calls = proxy.calls.lock().unwrap().clone();
    let tokens: std::collections::HashSet<_> =
        calls.iter().map(|call| call["ClientRequestToken"].to_string()).collect();
    assert_eq!(tokens.len(), 1, "every attempt of a commit has the same token");
    let there = site.version(User, &ann.id).await.is_some();
    assert_eq!(there, result.is_ok(), "{result:?}");
    assert_eq!(site.owner(User, "ann").await.is_some(), there);
    assert_eq!(site.directory.count(&site.caller.tenant, User).await, Ok(u64::from(there)));
    assert_eq!(site.items("acme#change").await.len(), usize::from(there));
    (result.map(drop), calls.len())
}

#[tokio::test]
async fn passing_conflict_or_throttling_is_retried_until_the_commit_succeeds() {
    for fault in [
        Fault::Answer(400, cancelled(&["None", "TransactionConflict", "None"])),
        Fault::Answer(400, cancelled(&["ThrottlingError"])),
        Fault::Answer(400, cancelled(&["None", "ProvisionedThroughputExceeded"])),
        // The failed condition saw half of another transaction.
        Fault::Answer(400, cancelled(&["None", "ConditionalCheckFailed", "TransactionConflict"])),
        Fault::Answer(400, error("TransactionInProgressException")),
        Fault::Answer(400, error("ProvisionedThroughputExceededException")),
        Fault::Answer(500, error("InternalServerError")),
        Fault::Answer(503, error("ServiceUnavailable")),
        Fault::Reset,
    ] {
        let faults = [fault.clone(), fault, Fault::None];
        assert_eq!(create_during(faults).await, (Ok(()), 3));
    }
}

#[tokio::test]
async fn lasting_conflict_returns_contended() {
    let conflict = Fault::Answer(400, cancelled(&["None", "TransactionConflict"]));
    assert_eq!(create_during([conflict]).await, (Err(Error::Contended), 7));
    let (result, calls) = create_during([Fault::Answer(400, error("TransactionInProgressException"))]).await;
    assert_eq!(result, Err(Error::Contended));
    assert!(calls >= 7);
}

#[tokio::test]
async fn lasting_throttling_returns_throttled() {
    let throttled = Fault::Answer(400, cancelled(&["ThrottlingError"]));
    assert_eq!(create_during([throttled]).await, (Err(Error::Throttled), 7));
    for code in ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"] {
        let (result, calls) = create_during([Fault::Answer(400, error(code))]).await;
        assert_eq!(result, Err(Error::Throttled), "{code}");
        assert!(calls >= 7);
    }
}

#[tokio::test]
async fn lasting_outage_returns_unavailable() {
    for fault in [Fault::Reset, Fault::Answer(500, error("InternalServerError"))] {
        let (result, calls) = create_during([fault]).await;
        assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
        // The SDK makes three attempts each time, with the same token.
        assert_eq!(calls, 3 * 7);
    }
}

#[tokio::test]
async fn hanging_call_times_out_and_is_retried() {
    assert_eq!(create_during([Fault::Hang, Fault::None]).await, (Ok(()), 2));
    let (result, _) = create_during([Fault::Hang]).await;
    assert_eq!(result, Err(Error::Unavailable("TransactWriteItems: timeout".to_owned())));
}

#[tokio::test]
async fn refused_call_is_not_retried() {
    for answer in [error("ValidationException"), error("AccessDeniedException")] {
        let (result, calls) = create_during([Fault::Answer(400, answer)]).await;
        assert!(matches!(result, Err(Error::Refused(_))), "{result:?}");
        assert_eq!(calls, 1);
    }
    let too_large = Fault::Answer(400, cancelled(&["ValidationError"]));
    assert_eq!(create_during([too_large]).await, (Err(Error::TooLargeTogether), 1));
}

#[tokio::test]
async fn commit_with_a_lost_response_does_not_find_its_own_name_taken() {
    assert_eq!(create_during([Fault::LoseAnswer, Fault::None]).await, (Ok(()), 2));
    let conflict = Fault::Answer(400, cancelled(&["TransactionConflict"]));
    assert_eq!(create_during([Fault::LoseAnswer, conflict, Fault::None]).await, (Ok(()), 3));
}

/// `Throttled` and `Contended` mean that the commit did not happen, so they must not be returned if it may have
/// happened.
#[tokio::test]
async fn error_after_a_lost_response_returns_unavailable() {
    let throttled = Fault::Answer(400, error("ThrottlingException"));
    let conflict = Fault::Answer(400, cancelled(&["TransactionConflict"]));
    for (lost, then) in [
        (Fault::LoseAnswer, throttled.clone()),
        (Fault::LoseAnswer, conflict.clone()),
        (Fault::CutAnswer, conflict.clone()),
        (Fault::Answer(500, error("InternalServerError")), conflict),
        (Fault::Hang, throttled),
    ] {
        let site = Site::new().await;
        let happens = matches!(lost, Fault::LoseAnswer | Fault::CutAnswer);
        let (faulty, _proxy) = behind(&site, TRANSACTION, [lost, then]).await;
        let ann = create(User, "ann");
        let result = faulty.commit(&ann).await;
        assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
        assert_eq!(site.version(User, &ann.id).await.is_some(), happens);
    }
}

#[tokio::test]
async fn put_token_with_a_lost_response_succeeds() {
    let site = Site::new().await;
    let (faulty, _) = behind(&site, "PutItem", [Fault::LoseAnswer, Fault::None]).await;
    let token = Token {
        id: "one".to_owned(),
        hash: "hash".into(),
        tenant: "acme".to_owned(),
        scopes: "read".to_owned(),
        dialect: "lenient".to_owned(),
        label: String::new(),
        created: 1,
        expires_at: 2,
        last_used: None,
        revoked_at: None,
        successor: None,
    };
    faulty.directory.put_token(&token).await.unwrap();
    assert_eq!(site.directory.get_token("one").await.unwrap(), Some(token));
}

#[tokio::test]
async fn read_survives_a_short_outage_and_returns_unavailable_in_a_long_one() {
    let site = Site::new().await;
    let ann = site.user("ann").await;
    for fault in [Fault::Reset, Fault::Answer(500, error("InternalServerError"))] {
        let (faulty, _) = behind(&site, "GetItem", [fault.clone(), Fault::None]).await;
        assert_eq!(faulty.version(User, &ann).await, Some(1));
        let (faulty, _) = behind(&site, "GetItem", [fault]).await;
        let answer = faulty.directory.get(&site.caller.tenant, User, &ann).await;
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    }
    let (faulty, _) = behind(&site, "Query", [Fault::Answer(400, error("ThrottlingException"))]).await;
    assert_eq!(faulty.directory.count(&site.caller.tenant, User).await, Err(Error::Throttled));
}

#[tokio::test]
async fn unprocessed_batch_items_are_sent_again() {
    let site = Site::new().await;
    let ann = site.user("ann").await;
    let staff = site.group("staff", &[&ann]).await;
    let tenant = &site.caller.tenant;
    let (faulty, proxy) = behind(&site, "BatchGetItem", [Fault::Unprocessed, Fault::Unprocessed, Fault::None]).await;
    assert_eq!(faulty.directory.get_many(tenant, User, &[ann.clone(), id()]).await.unwrap().len(), 1);
    assert_eq!(proxy.calls.lock().unwrap().len(), 3);
    let (faulty, _) = behind(&site, "BatchGetItem", [Fault::Unprocessed]).await;
    assert_eq!(faulty.directory.existing(tenant, from_ref(&ann)).await, Err(Error::Throttled));

    // The chunks of a change that was never committed are deleted by batches.
    let mut change = rename(Group, &staff, 9, "staff", "staff");
    change.add = (0..40).map(|_| user(&id())).collect();
    drop(site.directory.prepare(&site.caller, &change, false).await.unwrap());
    let listed = |hours: u64| site.directory.unfinished_changes(now_ms() + hours * 3_600_000);
    let until = Instant::now() + Duration::from_secs(60);
    let (faulty, _) = behind(&site, "BatchWriteItem", [Fault::Unprocessed]).await;
    assert_eq!(faulty.directory.finish_change(&listed(1).await.unwrap()[0], until).await, Err(Error::Throttled));
    assert_eq!(site.open_chunks().await, 2);
    let (faulty, _) = behind(&site, "BatchWriteItem", [Fault::Unprocessed, Fault::Reset, Fault::None]).await;
    faulty.directory.finish_change(&listed(3).await.unwrap()[0], until).await.unwrap();
    assert_eq!((site.open_chunks().await, listed(9).await.unwrap().len()), (0, 0));
}

#[tokio::test]
async fn leaving_a_group_survives_passing_conflicts() {
    let site = Site::new().await;
    let ann = site.user("ann").await;
    let staff = site.group("staff", &[&ann]).await;
    site.commit(&delete_first(User, &ann, 1, "ann", 1)).await.unwrap();
    let conflict = Fault::Answer(400, cancelled(&["None", "None", "TransactionConflict"]));
    let (faulty, _) = behind(&site, TRANSACTION, [conflict.clone()]).await;
    assert_eq!(faulty.settle(&ann).await, Err(Error::Contended));
    assert_eq!(site.member_ids(&staff).await, from_ref(&ann));
    let (faulty, _) = behind(&site, TRANSACTION, [conflict, Fault::LoseAnswer, Fault::None]).await;
    faulty.settle(&ann).await.unwrap();
    assert_eq!(site.member_ids(&staff).await, []);
    assert_eq!(site.version(Group, &staff).await, Some(2));
    let late = Commit { add: vec![user(&ann)], ..create(Group, "board") };
    assert_eq!(site.commit(&late).await, Err(Error::MembersNotFound(vec![ann])));
}

/// The SDK's default token bucket refills only on success and would be empty by then.
#[tokio::test]
async fn lost_response_after_long_throttling_is_retried() {
    // The retries of a third as many reads take more tokens than the bucket holds at first.
    const THROTTLED: usize = 180;
    let spell = std::iter::repeat_n(Fault::Answer(400, error("ThrottlingException")), THROTTLED);
    let site = Site::new().await;
    let ann = create(User, "ann");
    site.commit(&ann).await.unwrap();
    let (faulty, proxy) = behind(&site, "GetItem", spell.chain([Fault::Reset, Fault::None])).await;
    let read = || faulty.directory.get(&faulty.caller.tenant, User, &ann.id);
    while proxy.calls.lock().unwrap().len() < THROTTLED {
        drop(read().await);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(read().await.is_ok_and(|user| user.is_some()));
}

/// An eventually consistent read may miss a resource that was created a moment ago.
#[tokio::test]
async fn known_finds_resources_that_a_replica_misses() {
    let site = Site::new().await;
    let (ann, staff) = (site.user("ann").await, site.group("staff", &[]).await);
    let stale = Fault::Answer(200, json!({ "Responses": { &site.table: [] }, "UnprocessedKeys": {} }));
    let (faulty, proxy) = behind(&site, "BatchGetItem", [stale.clone(), stale, Fault::None]).await;
    let known = faulty.directory.known(&site.caller.tenant, &[ann.clone(), staff.clone(), id()]).await.unwrap();
    assert_eq!(known, HashMap::from([(ann, User), (staff, Group)]));
    let consistent = |call: &Value| call["RequestItems"][&site.table]["ConsistentRead"] == true;
    let consistent: Vec<bool> = proxy.calls.lock().unwrap().iter().map(consistent).collect();
    assert_eq!(consistent, [false, false, true, true]);
}

/// A call fails about one of two users whose names are missing: what was repaired of the other one is reported, and the
/// page is checked again.
#[tokio::test(flavor = "multi_thread")]
async fn check_reports_what_it_repaired_although_a_call_failed() {
    let site: &'static Site = Box::leak(Box::new(Site::new().await));
    for name in ["ann", "bob"] {
        let body = json!({ "userName": name });
        let whole = Projection::default();
        service::create(&context(site), User, body.as_object().unwrap(), &whole).await.unwrap();
        let key = [("pk", "acme#userName"), ("sk", name)].map(|(name, text)| (name.to_owned(), S(text.to_owned())));
        raw().delete_item().table_name(&site.table).set_key(Some(key.into())).send().await.unwrap();
    }
    let refused = Fault::Answer(400, error("AccessDeniedException"));
    let (faulty, _proxy) = behind(site, "TransactGetItems", [refused, Fault::None]).await;
    let until = Instant::now() + Duration::from_secs(60);
    let query = CheckQuery { repair: true, ..CheckQuery::default() };
    let first = check(&faulty.directory, &query, until).await.unwrap();
    assert_eq!((first.items, first.findings.len()), (0, 1));
    assert_eq!((first.findings[0].problem, first.findings[0].outcome), ("nameMissing", "repaired"));
    let query = CheckQuery { next_token: first.next_token, ..query };
    let second = check(&faulty.directory, &query, until).await.unwrap();
    assert_eq!((second.findings.len(), second.next_token), (1, None));
    assert_ne!(first.findings[0].resource, second.findings[0].resource);
}
