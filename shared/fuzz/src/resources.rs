//! A user and a group with values of many attributes.

use std::sync::LazyLock;

use schema::{Kind, Object, ResourceId};
use serde_json::{Value, json};

static USER: LazyLock<Object> = LazyLock::new(|| {
    object(json!({
        "userName": "Bjensen@example.com", "externalId": "701984", "displayName": "Babs Jensen",
        "nickName": "Babs", "active": true,
        "title": "Tour Guide", "userType": "Employee", "locale": "en-US", "timezone": "America/Los_Angeles",
        "preferredLanguage": "en-US", "profileUrl": "https://login.example.com/bjensen",
        "name": {"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen", "givenName": "Barbara",
            "middleName": "Jane"},
        "emails": [{"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@jensen.org", "type": "home"}],
        "phoneNumbers": [{"value": "555-555-5555", "type": "work"}, {"value": "555-555-4444", "type": "mobile"}],
        "addresses": [{"type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood",
            "postalCode": "91608"}],
        "roles": [{"value": "guide"}], "entitlements": [{"value": "x", "primary": true}],
        "ims": [{"value": "babs", "type": "aim"}],
        "photos": [{"value": "https://photos.example.com/profilephoto/72930000000Ccne/F", "type": "photo"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "701984", "costCenter": "4130",
            "department": "Tour Operations", "manager": {"value": "26118915-6090-4610-87e4-49d8ca9f808d"}},
        "meta": {"created": "2010-01-23T04:56:22Z", "lastModified": "2011-05-13T04:42:34.5Z"},
    }))
});

static GROUP: LazyLock<Object> = LazyLock::new(|| {
    object(json!({"displayName": "Tour Guides", "externalId": "g", "meta": {"created": "2010-01-23T04:56:22Z"}}))
});

fn object(value: Value) -> Object {
    value.as_object().unwrap().clone()
}

pub(crate) fn of(kind: Kind) -> &'static Object {
    match kind {
        Kind::User => &USER,
        Kind::Group => &GROUP,
    }
}

pub(crate) fn id() -> ResourceId {
    ResourceId::parse("0191b1c8-7a60-7c3e-8a3e-0123456789ab").unwrap()
}
