//! The events of the whole history, built as `publish` builds them. An application that knows only the events has to
//! end up with the same directory.

use protocol::{Parameters, Query};
use schema::Kind;
use serde_json::{Value, json};
use service::{EventOptions, build_events};
use testkit::{Replica, disorder};

use super::requests::context;
use crate::engine::Site;

const PAGE: usize = 500;

/// The events of all changes.
pub(super) async fn collect(site: &'static Site) -> Vec<Value> {
    let (directory, tenant) = (&site.directory, &site.caller.tenant);
    let options = EventOptions { base_url: context(site).exchange.base_url.to_owned(), with_resources: true };
    let mut collected = Vec::new();
    let mut last = None;
    loop {
        let changes = directory.changes(tenant, last.as_ref(), PAGE).await.unwrap().changes;
        let Some(newest) = changes.last() else { return collected };
        last = Some(newest.id.clone());
        for change in &changes {
            let events = build_events(directory, change, &options).await.unwrap();
            collected.extend(
                events.into_iter().map(|it| json!({"detail-type": it.event_type.as_str(), "detail": it.claims})),
            );
        }
    }
}

pub(super) async fn check(site: &'static Site, events: &[Value]) {
    let replica = Replica::of(events);
    let difference = replica.compare(all(site, Kind::User).await, all(site, Kind::Group).await);
    assert_eq!(difference, Ok(()), "the events do not rebuild the directory");
    let seed = fastrand::u64(..);
    let replica = Replica::of_disordered(&disorder(events, seed));
    let difference = replica.compare(all(site, Kind::User).await, all(site, Kind::Group).await);
    assert_eq!(difference, Ok(()), "the events in another order do not rebuild the directory, seed {seed}");
    println!("model: {} events rebuild the directory", events.len());
}

async fn all(site: &'static Site, kind: Kind) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let parameters =
            Parameters { start_index: Some(all.len() as i64 + 1), count: Some(PAGE as i64), ..Parameters::default() };
        let query = Query::parse(&[kind], parameters, &site.caller.dialect).unwrap();
        let mut page = service::list(&context(site), &query).await.unwrap().body.unwrap();
        let resources = page.shift_remove("Resources").unwrap_or_default();
        let resources = resources.as_array().cloned().unwrap_or_default();
        let is_last = resources.len() < PAGE;
        all.extend(resources);
        if is_last {
            return all;
        }
    }
}
