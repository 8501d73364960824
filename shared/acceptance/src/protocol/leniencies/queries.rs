//! Checks of the leniencies in filters and projections.

use serde_json::json;

use super::ClientPair;
use crate::client::ENTERPRISE;
use crate::target::{Target, unique};

checks![
    lenient_filters_and_projections_are_rejected_with_a_strict_token: StrictToken,
];

fn lenient_filters_and_projections_are_rejected_with_a_strict_token(target: &Target) {
    let pair = ClientPair::create(target);
    let (scim, path) = &pair.lenient;
    let name = unique("word");
    let manager = unique("m");
    let id = path.trim_start_matches("/Users/");
    let change = json!([{ "op": "replace", "value": { "externalId": name, "manager": manager, "emails": [{ "value": name, "type": "work", "primary": true }] } }]);
    scim.patch(path, &change).expect(200);
    // unquotedLiterals
    for filter in [
        format!("externalId eq {name}"),
        format!("emails.value eq {name}"),
        format!("emails[value eq {name}]"),
        format!("id eq {id}"),
        format!("id eq {id} and externalId eq {name}"),
    ] {
        pair.filter(&filter, 1);
    }
    pair.filter("userName eq nobody.at@all.example", 0);
    // bareExtensionNames and complexComparisons
    pair.filter(&format!("department pr and externalId eq \"{name}\""), 1);
    pair.filter(&format!("{ENTERPRISE}:manager eq \"{manager}\""), 1);
    // valuePathComparisons
    pair.filter(&format!("emails[type eq \"work\"].value eq \"{name}\""), 1);
    // stringBooleans
    pair.filter(&format!("externalId eq \"{name}\" and active eq \"True\""), 1);
    let projected = scim.get(format!("{path}?attributes=department")).expect(200);
    projected.check(projected[ENTERPRISE]["department"] == "D", "expected the department");
    let (scim, path) = &pair.strict;
    scim.get(format!("{path}?attributes=department")).expect_error(400, "invalidPath", &["department", "strict"]);
}
