//! A bulk request that runs out of time.

use std::time::{Duration, Instant};

use protocol::{Caller, Exchange};
use serde_json::json;
use service::Context;

use crate::directory::directory;

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
        let context =
            Context { directory, exchange: Exchange { caller: &caller, base_url, deadline: Instant::now() + time } };
        let response = service::bulk(&context, body.as_object().unwrap()).await.unwrap().body.unwrap();
        let reports = response["Operations"].as_array().unwrap();
        let statuses: Vec<&str> = reports.iter().map(|report| report["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, expect, "{reports:?}");
    }
}
