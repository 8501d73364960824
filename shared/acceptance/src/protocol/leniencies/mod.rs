//! Checks of the leniencies beyond the standard: the service accepts a request with a lenient token, and rejects it
//! with a strict token without any change. A comment names the leniency of each row. `leniencies` of the crate
//! `gateway` tests every leniency of `schema::Leniency`.

pub(crate) mod combinations;
pub(crate) mod names;
pub(crate) mod patches;
pub(crate) mod queries;
pub(crate) mod readings;
pub(crate) mod resources;

use serde_json::{Value, json};

use crate::answer::contains;
use crate::client::{Client, ENTERPRISE, PATCH, USER};
use crate::request::{Request, query};
use crate::target::{Target, unique};

/// A user that a strict token may create.
fn user() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "userName": unique("dialect"), "title": "T", "active": true,
        "name": { "givenName": "G", "familyName": "F" },
        "emails": [{ "value": "w@a.example", "type": "work", "primary": true }, { "value": "h@a.example", "type": "home" }],
        ENTERPRISE: { "department": "D" },
    })
}

fn strict(target: &Target) -> Client {
    target.strict_client().expect("a strict token")
}

/// A client with each kind of token, and a user for each to change.
struct ClientPair {
    lenient: (Client, String),
    strict: (Client, String),
}

impl ClientPair {
    fn create(target: &Target) -> Self {
        let with_user = |scim: Client| {
            let path = format!("/Users/{}", scim.post("/Users", &user()).expect(201).id());
            (scim, path)
        };
        Self { lenient: with_user(target.client()), strict: with_user(strict(target)) }
    }

    /// Checks that the request changes the user to `expected` with the lenient token, and is rejected with the
    /// strict token.
    fn check(&self, method: &'static str, body: &Value, scim_type: &str, expected: &Value) {
        let (scim, path) = &self.lenient;
        let mut body = body.clone();
        if method == "PUT" {
            body["userName"] = scim.get(path).expect(200)["userName"].clone();
        }
        let status = scim.send(&Request::new(method, path).json(&body)).status;
        assert!(status == 200, "expected 200 for the lenient token, not {status}, to {body}");
        let now = scim.get(path).expect(200).body;
        assert!(contains(&now, expected), "{body}\n{now:#}");
        let (scim, path) = &self.strict;
        let before = scim.get(path).expect(200).text;
        scim.send(&Request::new(method, path).json(&body)).expect_error(
            400,
            scim_type,
            &["the dialect of this token is strict"],
        );
        assert_eq!(scim.get(path).expect(200).text, before, "expected no change by {body}");
    }

    fn put(&self, change: &Value, scim_type: &str, expected: &Value) {
        let mut body = json!({ "schemas": [USER] });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        self.check("PUT", &body, scim_type, expected);
    }

    fn patch(&self, operation: &Value, scim_type: &str, expected: &Value) {
        self.check("PATCH", &json!({ "schemas": [PATCH], "Operations": [operation] }), scim_type, expected);
    }

    /// Checks that the filter finds `found` users with the lenient token, and is rejected with the strict token.
    fn filter(&self, filter: &str, found: usize) {
        let parameters = query(&[("filter", filter)]);
        let answer = self.lenient.0.get(format!("/Users?{parameters}")).expect(200);
        answer.check(answer.resources().len() == found, &format!("expected {found} users"));
        let words = &["the dialect of this token is strict", "character"];
        self.strict.0.get(format!("/Users?{parameters}")).expect_error(400, "invalidFilter", words);
    }
}
