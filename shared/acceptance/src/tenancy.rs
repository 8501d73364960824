//! Checks that the tenants on one server are isolated from each other.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a check fails by panicking, and the runner catches it")]

use crate::protocol::paging::cursors;
use crate::target::Target;

checks![
    cursor_of_another_tenant_is_rejected_like_an_invalid_cursor: OtherTenantToken,
    token_of_another_tenant_sees_none_of_the_resources: OtherTenantToken,
];

fn cursor_of_another_tenant_is_rejected_like_an_invalid_cursor(target: &Target) {
    let scim = target.client();
    let other = target.other_tenant_client().expect("a token of another tenant");
    for client in [&scim, &other] {
        cursors::create_users(client, 3);
    }
    let cursor = cursors::next_cursor(&scim.get("/Users?cursor&count=1").expect(200));
    let path = format!("/Users?cursor={cursor}&count=1");
    let foreign = other.get(&path).expect_error(400, "invalidCursor", &[]);
    let invalid = other.get("/Users?cursor=AAAA&count=1").expect_error(400, "invalidCursor", &[]);
    assert_eq!(foreign.text, invalid.text);
    scim.get(&path).expect(200);
}

/// A name that is taken in one tenant is available in the other.
fn token_of_another_tenant_sees_none_of_the_resources(target: &Target) {
    let scim = target.client();
    let other = target.other_tenant_client().expect("a token of another tenant");
    let (filter, ids) = cursors::create_users(&scim, 1);
    let created = scim.find("/Users", &filter);
    assert_eq!(created.len(), 1);
    assert!(other.find("/Users", &filter).is_empty());
    other.get(format!("/Users/{}", ids.first().unwrap())).expect_error(404, "", &[]);
    let name = created.first().and_then(|user| user["userName"].as_str()).unwrap();
    other.post("/Users", &serde_json::json!({ "userName": name })).expect(201);
}
