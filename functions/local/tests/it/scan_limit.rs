//! Checks how many resources one list may read in order to filter or to sort them.

use acceptance::unique;
use serde_json::{Value, json};

use crate::outage::proxy::{Calls, Fault, Proxy};
use crate::server::{Data, Server};

/// The response of DynamoDB to a query that reads this number of users.
fn page(users: usize) -> &'static str {
    let item = |number: usize| {
        json!({
            "pk": { "S": "t#user" }, "sk": { "S": format!("0191b1c8-7a60-7c3e-8a3e-{number:012}") }, "version": { "N": "1" },
            "created": { "S": "2026-01-01T00:00:00Z" }, "lastModified": { "S": "2026-01-01T00:00:00Z" },
            "resource": { "S": r#"{"userName":"u","title":"t"}"# },
        })
    };
    let items: Vec<Value> = (0..users).map(item).collect();
    json!({ "Items": items, "Count": users, "ScannedCount": users }).to_string().leak()
}

#[test]
fn scan_beyond_50_000_resources_returns_too_many() {
    let proxy = Proxy::start();
    let server = Server::start(&Data::At(&proxy.url()), &unique("t"));
    let scim = server.client();
    // Each response has the 1,000 users of a page and one more, so that another page always follows.
    let more = Fault::Reply(page(1001));
    for path in ["/Users?filter=title%20pr&cursor&count=0", "/?sortBy=title&count=0"] {
        proxy.fail(Calls::Of("Query"), more);
        scim.get(path).expect_error(400, "tooMany", &["50000", "userName eq"]);
        proxy.pass();
        proxy.fail_times(49, Calls::Of("Query"), more);
        proxy.fail_times(1, Calls::Of("Query"), Fault::Reply(page(1000)));
        scim.get(path).expect(200).containing(&json!({ "totalResults": 50_000 }));
        proxy.pass();
    }
}
