//! Concurrent writers change users and groups at random. Afterwards, some serial order of all operations has to
//! explain every response and every read, and the events alone have to rebuild the directory.
//!
//! `MODEL_OPERATIONS` sets the number of operations, and `MODEL_SEED` the seed of the random choices.

mod check;
mod events;
mod history;
mod writer;

use std::time::Instant;

use testkit::variable;

use crate::engine::Site;
use history::History;
use writer::Writer;
pub(crate) use writer::context;

const WRITERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_history_has_a_serial_order() {
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
