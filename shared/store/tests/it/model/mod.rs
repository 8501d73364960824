//! Concurrent writers change users and groups at random. Afterwards, some serial order of all operations has to
//! explain every response and every read, and the events alone have to rebuild the directory.
//!
//! `MODEL_OPERATIONS` sets the number of operations, and `MODEL_SEED` the seed of the random choices. `OTHER_RELEASE`
//! is the path of the program `local` of another release, to which every second writer sends its requests, as while a
//! deployment or a rollback replaces the functions.

mod check;
mod events;
mod history;
mod requests;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use protocol::{Error, Projection};
use schema::Kind;
use service::check::{CheckQuery, check};
use testkit::{AwsProxy, Behaviour, Engine, Release, engine, variable};

use crate::engine::Site;
use history::History;
pub(crate) use requests::context;
pub(crate) use writer::{KnownResources, Writer};

const WRITERS: usize = 8;

/// Checks the table repeatedly, every second time with repair. The writers keep all items in agreement, so no check may
/// find a problem. `is_mixed` says whether version 0.1.0 writes, too. Returns the number of checks.
async fn keep_checking(site: &Site, is_mixed: bool, is_done: Arc<AtomicBool>) -> usize {
    for count in 0.. {
        if is_done.load(Ordering::Relaxed) {
            return count;
        }
        let query = CheckQuery { repair: count % 2 == 1, ..CheckQuery::default() };
        match check(&site.directory, &query, Instant::now() + Duration::from_secs(30)).await {
            Ok(answer) => {
                // Writers change resources and members too often to be counted, and version 0.1.0 lists no change.
                let is_wrong = |problem| problem != "notCounted" && (!is_mixed || problem != "pendingNotListed");
                let wrong = answer.findings.iter().filter(|finding| is_wrong(finding.problem));
                assert_eq!(wrong.count(), 0, "{query:?} finds {:?}", answer.findings);
            }
            // The table is throttled, or conflicts do not end.
            Err(error) => {
                assert!(matches!(error, Error::TooManyRequests { .. } | Error::Unavailable { .. }), "{error:?}")
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    unreachable!("the count does not end")
}

/// Items of one transaction become visible up to 0.4 s one after the other, which is longer than a check pauses.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn check_finds_nothing_while_transactions_are_slow() {
    let (seconds, seed) = (variable("CHECK_SECONDS", 15), variable("MODEL_SEED", fastrand::u64(1..1_000_000)));
    println!("checks: CHECK_SECONDS={seconds} MODEL_SEED={seed}");
    let behaviours = [Behaviour::TornTransactions, Behaviour::Conflicts];
    let engine = Engine::start();
    let proxy = AwsProxy::with_speed(&engine.url, &behaviours, seed, 0.05);
    let site: &'static Site = Box::leak(Box::new(Site::at(proxy.url(), "table").await));
    site.directory.create_table().await.unwrap();
    let known: &'static KnownResources = Box::leak(Box::default());
    let writers = (0..WRITERS as u64).map(|n| tokio::spawn(Writer::new(site, known, seed * 100 + n).run(u64::MAX)));
    let writers: Vec<_> = writers.collect();
    let is_done = Arc::<AtomicBool>::default();
    let checker = tokio::spawn(keep_checking(site, false, is_done.clone()));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    is_done.store(true, Ordering::Relaxed);
    println!("checks: {}", checker.await.unwrap());
    writers.iter().for_each(tokio::task::JoinHandle::abort);
}

/// The first user creates the counter, which may be seen long after the user.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_user_is_not_miscounted_while_it_is_created() {
    let engine = Engine::start();
    let proxy = AwsProxy::with_speed(&engine.url, &[Behaviour::TornTransactions], fastrand::u64(..), 0.02);
    let creates = (0..12).map(async |n| {
        let site: &'static Site = Box::leak(Box::new(Site::at(proxy.url(), &format!("table-{n}")).await));
        site.directory.create_table().await.unwrap();
        let create = tokio::spawn(async move {
            let body = serde_json::json!({ "userName": "ann" });
            service::create(&context(site), Kind::User, body.as_object().unwrap(), &Projection::default()).await
        });
        let is_done = Arc::<AtomicBool>::default();
        let checker = tokio::spawn(keep_checking(site, false, is_done.clone()));
        drop(create.await.unwrap());
        is_done.store(true, Ordering::Relaxed);
        checker.await.unwrap()
    });
    let checks: usize = futures_util::future::join_all(creates).await.into_iter().sum();
    println!("checks: {checks} while 12 users were created");
}

/// Lists the changes that version 0.1.0 has left pending, as the function Publish does when it reads the record.
async fn list_unlisted(site: &Site) {
    for change in site.directory.changes(&site.caller.tenant, None, usize::MAX).await.unwrap().changes {
        site.directory.list_if_pending(&change).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_history_has_a_serial_order() {
    let (operations, seed) = (variable("MODEL_OPERATIONS", 1500), variable("MODEL_SEED", fastrand::u64(1..1_000_000)));
    println!("model: MODEL_OPERATIONS={operations} MODEL_SEED={seed}");
    let site: &'static Site = Box::leak(Box::new(Site::new().await));
    let begun = Instant::now();
    let known: &'static KnownResources = Box::leak(Box::default());
    let other = std::env::var("OTHER_RELEASE").ok();
    let other = other.map(|program| Arc::new(Release::start(&program, engine(), &site.table, "acme")));
    let writers = (0..WRITERS).map(|n| {
        let writer = Writer::new(site, known, seed * 100 + n as u64).through(other.clone().filter(|_| n % 2 == 1));
        tokio::spawn(writer.run(operations / WRITERS as u64))
    });
    let is_done = Arc::<AtomicBool>::default();
    let checker = tokio::spawn(keep_checking(site, other.is_some(), is_done.clone()));
    let mut operations = Vec::new();
    for writer in futures_util::future::join_all(writers).await {
        operations.extend(writer.unwrap());
    }
    is_done.store(true, Ordering::Relaxed);
    println!("the table was checked {} times meanwhile", checker.await.unwrap());
    if other.is_some() {
        list_unlisted(site).await;
    }
    site.finish_all().await;
    assert!(site.pending_items().await.is_empty());
    let events = events::collect(site).await;
    let history = History::read(site, operations).await;
    history.print(begun.elapsed());
    history.check_versions();
    history.check_responses();
    history.check_reads();
    history.check_order();
    history.check_end(site).await;
    events::check(site, &events).await;
}
