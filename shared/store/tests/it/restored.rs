//! Tables that are restored to a moment at which many changes are being written: each holds parts of transactions.
//! After a repair, a check finds no problem, and all resources can be read and deleted.
//!
//! `SNAPSHOTS` sets the number of tables, and `SNAPSHOT_SEED` the seed of the random choices. `SNAPSHOT_FILE` is the
//! path of a file that gets the items of one of these tables, as they were before the repair.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{Precondition, Projection};
use schema::Kind;
use serde_json::Value;
use service::check::{CheckQuery, check};
use testkit::{AwsProxy, Behaviour, Engine, variable};

use crate::engine::Site;
use crate::model::{KnownResources, Writer, context};

const WRITERS: u64 = 8;
/// Time is this much slower in the proxy, so that most snapshots are taken in the middle of transactions.
const SPEED: f64 = 0.2;
/// More operations than a writer does until the last snapshot.
const MANY: u64 = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn table_that_is_restored_to_the_middle_of_changes_is_repaired() {
    let (snapshots, seed) = (variable("SNAPSHOTS", 3), variable("SNAPSHOT_SEED", fastrand::u64(1..1_000_000)));
    println!("restored: SNAPSHOTS={snapshots} SNAPSHOT_SEED={seed}");
    let engine = Engine::start();
    let proxy = Arc::new(AwsProxy::with_speed(&engine.url, &[Behaviour::TornTransactions], seed, SPEED));
    let site: &'static Site = Box::leak(Box::new(Site::at(proxy.url(), "original").await));
    site.directory.create_table().await.unwrap();
    let known: &'static KnownResources = Box::leak(Box::default());
    let writers: Vec<_> =
        (0..WRITERS).map(|n| tokio::spawn(Writer::new(site, known, seed * 100 + n).run(MANY))).collect();
    let mut problems = BTreeMap::<&str, usize>::new();
    for n in 0..snapshots {
        tokio::time::sleep(Duration::from_millis(4000 + seed % 1000)).await;
        let (proxy, copy, key) = (proxy.clone(), format!("restored-{n}"), engine.key.clone());
        let taken = copy.clone();
        tokio::task::spawn_blocking(move || proxy.snapshot(&key, "original", &taken)).await.unwrap();
        let restored: &'static Site = Box::leak(Box::new(Site::at(&engine.url, &copy).await));
        let items = engine.all_items(&copy);
        let found = repair(restored).await;
        if let (Ok(file), false) = (std::env::var("SNAPSHOT_FILE"), found.is_empty()) {
            let lines: Vec<String> = items.iter().map(Value::to_string).collect();
            std::fs::write(file, lines.join("\n")).unwrap();
        }
        for problem in found {
            *problems.entry(problem).or_default() += 1;
        }
        delete_all(restored, &engine).await;
    }
    writers.iter().for_each(tokio::task::JoinHandle::abort);
    println!("restored: {problems:?}");
}

/// Repairs a table, and returns the problems that it had.
async fn repair(site: &Site) -> Vec<&'static str> {
    let until = || Instant::now() + Duration::from_secs(300);
    let query = CheckQuery { repair: true, ..CheckQuery::default() };
    let repaired = check(&site.directory, &query, until()).await.unwrap();
    assert!(repaired.findings.iter().all(|it| it.outcome == "repaired"), "{:?}", repaired.findings);
    site.finish_all().await;
    let left = check(&site.directory, &CheckQuery::default(), until()).await.unwrap();
    assert!(left.findings.is_empty(), "after {:?}: {:?}", repaired.findings, left.findings);
    repaired.findings.into_iter().map(|finding| finding.problem).collect()
}

/// Deletes all users and groups, and checks that no item of them is left.
async fn delete_all(site: &'static Site, engine: &Engine) {
    let (none, all) = (Precondition::new(None, None), Projection::default());
    for kind in [Kind::Group, Kind::User] {
        let pk = if kind == Kind::User { "acme#user" } else { "acme#group" };
        for item in engine.items(&site.table, pk) {
            let id = item["sk"]["S"].as_str().unwrap();
            let found = service::get(&context(site), kind, id, &all, &none).await.unwrap();
            assert_eq!(found.body.unwrap()["id"], Value::from(id));
            service::delete(&context(site), kind, id, &none).await.unwrap();
        }
    }
    site.finish_all().await;
    let pending = engine.items(&site.table, "acme#unsettled");
    assert!(pending.iter().all(|item| item["sk"]["S"] == "last"), "{pending:?}");
    for kind in Kind::ALL {
        assert_eq!(site.directory.count(&site.caller.tenant, kind).await, Ok(0));
    }
}
