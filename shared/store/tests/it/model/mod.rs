//! Several writers at once change users and groups at random; afterwards there has to be an order in which all of it was done
//! one after the other, with what each of them was answered and what readers saw on the way; and the events of it alone rebuild
//! the directory.
//!
//! `MODEL_OPERATIONS` and `MODEL_SEED` say how many and which.

mod check;
mod events;
mod history;
mod writer;

use std::time::Instant;

use schema::Kind;

use testkit::variable;

use crate::engine::Site;
use history::History;
use writer::Writer;

const WRITERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_serial_order_exists() {
    let (operations, seed) = (variable("MODEL_OPERATIONS", 1500), variable("MODEL_SEED", fastrand::u64(1..1_000_000)));
    println!("model: MODEL_OPERATIONS={operations} MODEL_SEED={seed}");
    let site: &'static Site = Box::leak(Box::new(Site::new().await));
    let begun = Instant::now();
    let writers = (0..WRITERS).map(|n| {
        let writer = Writer::new(site, seed * 100 + n as u64);
        tokio::spawn(writer.run(operations / WRITERS as u64))
    });
    let mut operations = Vec::new();
    for writer in futures_util::future::join_all(writers).await {
        operations.extend(writer.unwrap());
    }
    let events = events::tell(site).await;
    settle_everything(site).await;
    let history = History::read(site, operations).await;
    history.print(begun.elapsed());
    history.check_versions();
    history.check_answers();
    history.check_reads();
    history.check_order();
    history.check_end(site).await;
    events::check(site, &events).await;
}

async fn settle_everything(site: &Site) {
    for item in site.left_to_do().await {
        let id = schema::ResourceId::parse(item["sk"].as_s().unwrap()).unwrap();
        site.settle(&id).await.unwrap();
    }
    assert!(site.left_to_do().await.is_empty());
    for kind in Kind::ALL {
        site.directory.count(&site.caller.tenant, kind).await.unwrap();
    }
}
