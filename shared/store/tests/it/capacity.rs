//! The event for each call to DynamoDB, and the number of calls of each operation.

use std::cell::RefCell;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Once;
use std::time::Instant;

use schema::Kind::{Group, User};
use store::{Bookmark, BookmarkCondition, BookmarkKey, Commit};
use tracing::field::{Field, Visit};
use tracing::subscriber::set_global_default;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::engine::{Site, create, delete_from, rename, user};
use crate::proxy::{Fault, Proxy, cancelled};

thread_local! {
    /// The calls of the test on this thread, each with its units.
    static CALLS: RefCell<Vec<(String, f64)>> = const { RefCell::new(Vec::new()) };
}

/// One listener serves all tests, because `tracing` caches which listeners are interested and concurrent changes
/// race for that cache.
struct Listener;

pub(crate) fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| set_global_default(tracing_subscriber::registry().with(Listener)).unwrap());
    CALLS.take();
}

pub(crate) fn calls() -> Vec<String> {
    CALLS.take().into_iter().map(|(call, _)| call).collect()
}

/// The units of all calls.
pub(crate) fn units() -> f64 {
    CALLS.take().into_iter().map(|(_, units)| units).sum()
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target() == "dynamodb" {
            let mut call = Call::default();
            event.record(&mut call);
            CALLS.with_borrow_mut(|calls| calls.push((call.name, call.units)));
        }
    }
}

#[derive(Default)]
struct Call {
    name: String,
    units: f64,
}

impl Visit for Call {
    fn record_str(&mut self, field: &Field, value: &str) {
        assert_eq!(field.name(), "call");
        self.name = value.to_owned();
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        assert_eq!(field.name(), "units");
        self.units = value;
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        panic!("{field} is {value:?}");
    }
}

#[tokio::test]
async fn each_operation_makes_its_expected_calls() {
    let site = Site::new().await;
    let (directory, tenant) = (&site.directory, &site.caller.tenant);
    listen();
    let ann = site.user("ann").await;
    assert_eq!(calls(), ["TransactWriteItems"]);
    let staff = site.group("staff", &[&ann]).await;
    site.commit(&rename(User, &ann, 1, "ann", "bob")).await.unwrap();
    site.commit(&Commit { remove: vec![user(&ann)], ..rename(Group, &staff, 1, "staff", "all") }).await.unwrap();
    site.commit(&Commit { add: vec![user(&ann)], ..rename(Group, &staff, 2, "all", "all") }).await.unwrap();
    assert_eq!(calls(), ["TransactWriteItems"; 4]);

    directory.get(tenant, User, &ann).await.unwrap();
    directory.name_owner(tenant, User, "bob").await.unwrap();
    directory.get_token("one").await.unwrap();
    assert_eq!(calls(), ["GetItem"; 3]);
    directory.page(tenant, User, None, 100).await.unwrap();
    directory.skip(tenant, User, NonZeroUsize::new(1).unwrap(), Instant::now()).await.unwrap();
    directory.count(tenant, User).await.unwrap();
    directory.groups_of(tenant, &ann, &store::PendingChanges::default()).await.unwrap();
    directory.list_tokens().await.unwrap();
    assert_eq!(calls(), ["Query"; 5]);
    let group = directory.get(tenant, Group, &staff).await.unwrap().unwrap();
    directory.members(tenant, group).await.unwrap();
    directory.pending_changes(tenant).await.unwrap();
    assert_eq!(calls(), ["GetItem", "Query", "Query"]);
    directory.get_many(tenant, User, &[ann.clone(), staff.clone()]).await.unwrap();
    directory.existing(tenant, &[ann.clone(), staff.clone()]).await.unwrap();
    assert_eq!(calls(), ["BatchGetItem"; 3], "an id that is not a user is looked up among the groups");

    let key = BookmarkKey { caller: &site.caller, query: "q", start_index: 3 };
    directory.take_bookmark(key, 1).await.unwrap();
    directory.save_bookmark(key, Bookmark { position: "p", has_more: true }, 1, BookmarkCondition::Free).await.unwrap();
    assert_eq!(calls(), ["UpdateItem", "PutItem"]);
    directory.cursor_secret(tenant, [1; 32]).await.unwrap();
    assert_eq!(calls(), ["GetItem", "PutItem"]);
    directory.cursor_secret(tenant, [1; 32]).await.unwrap();
    assert_eq!(calls(), [""; 0]);

    site.commit(&delete_from(User, &ann, 2, "bob", &[(&staff, 3)])).await.unwrap();
    site.settle(&ann).await.unwrap();
    assert_eq!(calls(), ["TransactWriteItems", "GetItem"]);
    directory.get_many(tenant, User, &[]).await.unwrap();
    assert_eq!(calls(), [""; 0]);
}

#[tokio::test]
async fn every_attempt_emits_an_event_with_the_units_of_its_response() {
    let site = Site::new().await;
    let conflict = Fault::Answer(400, cancelled(&["TransactionConflict"]));
    let proxy = Proxy::start("TransactWriteItems", [conflict, Fault::Reset, Fault::None]).await;
    let faulty = Site::at(&proxy.url, &site.table).await;
    listen();
    let ann = create(User, "ann");
    faulty.commit(&ann).await.unwrap();
    faulty.version(User, &ann.id).await;
    let seen = CALLS.take();
    let units: Vec<_> = seen.iter().map(|(_, units)| *units).collect();
    assert_eq!(units[..2], [0.0, 0.0]);
    // Engines differ in the cost of a transaction. A read of less than 4 KB costs one unit in all of them.
    assert!(units[2] >= 4.0, "{units:?}");
    assert_eq!(seen[3], ("GetItem".to_owned(), 1.0));
}
