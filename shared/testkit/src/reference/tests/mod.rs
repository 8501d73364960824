//! The examples of RFC 7644 §3.4.2.2 and §3.5.2, and the sentences that have none.

mod filters;
mod patches;

use serde_json::{Value, json};

use super::{ENTERPRISE, USER};

const BABS: &str = "2819c223-7f76-453a-919d-413861904646";
const JAMES: &str = "08e1d05d-121c-4561-8b96-473d93df9210";

/// The user of RFC 7643 §8.2, as far as the examples need it.
fn babs() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "id": BABS, "userName": "bjensen@example.com", "title": "Tour Guide",
        "userType": "Employee", "nickName": "Babs", "active": true,
        "name": { "familyName": "Jensen", "givenName": "Barbara" },
        "emails": [{ "value": "bjensen@example.com", "type": "work", "primary": true },
                   { "value": "babs@jensen.org", "type": "home" }],
        "addresses": [
            { "type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood", "primary": true },
            { "type": "home", "streetAddress": "456 Hollywood Blvd", "locality": "Hollywood" }],
        "ims": [{ "value": "someaimhandle", "type": "aim" }],
        ENTERPRISE: { "employeeNumber": "701984", "manager": { "value": "26118915" } },
        "meta": { "resourceType": "User", "created": "2010-01-23T04:56:22Z", "lastModified": "2011-05-13T04:42:34Z" },
    })
}
