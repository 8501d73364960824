//! Cycles of new resources in a bulk request (RFC 7644 §3.7.1) while DynamoDB fails.

use acceptance::protocol::bulk::{group, reports, send, statuses};
use serde_json::json;

use crate::outage::fixture::Fixture;
use crate::outage::proxy::{Fault, TRANSACTION};

#[test]
fn cycle_during_outage_leaves_nothing_or_reports_it() {
    let cycle = json!([group("a", "A", &["b"]), group("b", "B", &["c"]), group("c", "C", &["a"])]);
    let scim_after = |spared: usize, fault: Fault, expect: &[&str]| {
        let fixture = Fixture::new();
        let before = fixture.seen();
        fixture.proxy.fail_after(spared, TRANSACTION, fault);
        let answer = send(&fixture.scim, &cycle).expect(200);
        fixture.proxy.pass();
        let got = statuses(&answer);
        answer.check(expect.contains(&got.as_str()), &format!("expected {expect:?}, not {got}"));
        (fixture, before, reports(&answer))
    };
    // The third create or a completion fails permanently, and so does every later delete: each detail names what is
    // left.
    for spared in [2, 4] {
        let (fixture, before, reports) = scim_after(
            spared,
            Fault::Answer(500, "InternalServerError"),
            &["409 409 503", "409 409 409", "503 409 409", "409 503 409"],
        );
        let mut left = 0;
        for report in &reports {
            let detail = report["response"]["detail"].as_str().unwrap();
            let Some((_, id)) = detail.split_once("The resource ") else { continue };
            left += 1;
            let answer = fixture.scim.delete(format!("/Groups/{}", id.split(',').next().unwrap()));
            answer.check([204, 404].contains(&answer.status), "expected the id of a resource that is left");
        }
        assert!(left >= 2, "{reports:?}");
        assert_eq!(fixture.seen(), before);
    }
}
