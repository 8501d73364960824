//! A bulk request that runs out of time, or of computation.

use std::time::{Duration, Instant};

use protocol::{Caller, Exchange, Projection};
use schema::Kind;
use serde_json::json;
use service::Context;

use crate::directory::{TABLE, directory};

#[tokio::test(flavor = "multi_thread")]
async fn operations_after_the_deadline_return_503() {
    let (directory, _engine) = directory().await;
    let caller = Caller::from_context("acme", "token", "read write", None).unwrap();
    let base_url = "https://api.example/scim/v2";
    let group = |name: &str, member: &str| {
        let data = json!({"displayName": name, "members": [{"value": format!("bulkId:{member}")}]});
        json!({"method": "POST", "path": "/Groups", "bulkId": name, "data": data})
    };
    let user = json!({"method": "POST", "path": "/Users", "bulkId": "u", "data": {"userName": "u"}});
    let body = json!({"Operations": [group("a", "b"), user, group("b", "a"), group("c", "a")]});
    for (time, expect) in [(Duration::ZERO, ["503", "503", "503", "409"]), (Duration::from_secs(60), ["201"; 4])] {
        let context = Context::new(directory, Exchange { caller: &caller, base_url, deadline: Instant::now() + time });
        let response = service::bulk(&context, body.as_object().unwrap()).await.unwrap().body.unwrap();
        let reports = response["Operations"].as_array().unwrap();
        let statuses: Vec<&str> = reports.iter().map(|report| report["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, expect, "{reports:?}");
    }
}

/// The operations of a request share the computation of one PATCH. One that would exceed it is refused, and so are
/// those after it, before anything is read for them.
#[tokio::test(flavor = "multi_thread")]
async fn operations_beyond_the_computation_of_a_request_return_413_and_change_nothing() {
    let (directory, engine) = directory().await;
    let caller = Caller::from_context("acme", "token", "read write", None).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let context =
        Context::new(directory, Exchange { caller: &caller, base_url: "https://api.example/scim/v2", deadline });
    let roles: Vec<_> = (0..2000).map(|n| json!({"value": format!("r{n}")})).collect();
    let body = json!({"userName": "ada", "roles": roles});
    let created =
        service::create(&context, Kind::User, body.as_object().unwrap(), &Projection::default()).await.unwrap();
    let id = created.body.unwrap()["id"].as_str().unwrap().to_owned();
    let terms = (0..200).map(|n| format!("value eq \"x{n}\"")).collect::<Vec<_>>().join(" or ");
    let operation = |n: usize| {
        let remove = json!({"op": "remove", "path": format!("roles[{terms}].display")});
        let title = json!({"op": "replace", "path": "title", "value": format!("title {n}")});
        json!({"method": "PATCH", "path": format!("/Users/{id}"), "data": {"Operations": [remove, title]}})
    };
    let bulk = json!({"Operations": (0..20).map(operation).collect::<Vec<_>>()});
    let response = service::bulk(&context, bulk.as_object().unwrap()).await.unwrap().body.unwrap();
    let reports = response["Operations"].as_array().unwrap();
    let done = reports.iter().take_while(|report| report["status"] == "200").count();
    assert!((1..10).contains(&done), "{done} of 20 operations");
    for report in &reports[done..] {
        assert_eq!(report["status"], "413");
        assert!(report["response"]["detail"].as_str().unwrap().contains("fewer operations"), "{report}");
    }
    let records = engine.items(TABLE, "acme#change");
    assert_eq!(records.len(), 1 + done, "a refused operation changes nothing");
}
