//! Tests of filters on one user.

mod evaluation;
mod syntax;

use schema::{Dialect, Kind, Object, resource_type};
use serde_json::json;

use super::Filter;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn parse(text: &str) -> Result<Filter, crate::Error> {
    Filter::parse(resource_type(Kind::User), text, &Dialect::lenient())
}

fn user() -> Object {
    let user = json!({
        "id": "0191b1c8-7a60-7c3e-8a3e-0123456789ab", "externalId": "Ext-1", "userName": "Bjensen@Example.com",
        "name": {"givenName": "Barbara", "familyName": "O'Malley"}, "title": "Tour Guide", "active": true,
        "emails": [{"value": "b@work.com", "type": "work", "primary": true}, {"value": "B@Home.com", "type": "home"}],
        "roles": [{"value": "a", "primary": true}],
        "meta": {"created": "2024-05-13T04:42:34Z", "lastModified": "2024-05-13T04:42:34.123Z", "resourceType": "User"},
        ENTERPRISE: {"department": "Tour", "employeeNumber": "701984", "manager": {"value": "M-1"}},
    });
    user.as_object().unwrap().clone()
}
