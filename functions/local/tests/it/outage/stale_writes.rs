//! Another change happens between the read and the write of a change (RFC 7644 §3.14, RFC 9110 §13).

use acceptance::client::PATCH;
use acceptance::request::Request;
use serde_json::json;

use crate::outage::fixture::Fixture;
use crate::outage::proxy::{Fault, TRANSACTION};

fn retitle(path: &str, title: &str) -> Request {
    let operations = json!([{ "op": "replace", "path": "title", "value": title }]);
    Request::new("PATCH", path).json(&json!({ "schemas": [PATCH], "Operations": operations }))
}

/// The version matches when the service reads it, and another change precedes the write: the write itself has to
/// detect that change.
#[test]
fn change_between_read_and_write_is_not_overwritten() {
    let fixture = Fixture::new();
    let path = format!("/Users/{}", fixture.ann);
    let put = Request::new("PUT", &path).json(&json!({ "userName": "ann", "title": "Late" }));
    for (number, request) in [put, retitle(&path, "Late"), Request::new("DELETE", &path)].into_iter().enumerate() {
        let request = request.header("If-Match", fixture.scim.get(&path).expect(200).header("etag"));
        fixture.proxy.fail_times(1, TRANSACTION, Fault::Hold);
        let between = format!("Between {number}");
        std::thread::scope(|scope| {
            let late = scope.spawn(|| fixture.scim.send(&request));
            fixture.proxy.wait();
            fixture.scim.send(&retitle(&path, &between)).expect(200);
            fixture.proxy.pass();
            late.join().unwrap().expect_error(412, "", &["If-Match"]);
        });
        fixture.scim.get(&path).expect(200).containing(&json!({ "title": between }));
    }
}
