//! Checks of /ServiceProviderConfig, /ResourceTypes and /Schemas (RFC 7643 §5 to §7, RFC 7644 §4).

use serde_json::{Value, json};

use crate::client::{ENTERPRISE, GROUP, LIST, USER};
use crate::request::query;
use crate::target::Target;

checks![
    service_provider_config_states_the_features,
    pagination_is_described_to_a_strict_token_only: StrictToken,
    lists_agree_with_single_resources,
    resource_type_names_its_schemas,
    schema_describes_its_attributes,
    filter_on_discovery_returns_403,
];

fn service_provider_config_states_the_features(target: &Target) {
    let scim = target.client();
    let answer = scim.get("/ServiceProviderConfig").expect(200).containing(&json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true }, "filter": { "supported": true },
        "changePassword": { "supported": false }, "sort": {}, "etag": {}, "bulk": {},
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{}/ServiceProviderConfig", scim.base()) },
    }));
    answer.check(answer["filter"]["maxResults"].as_u64() >= Some(100), "expected filter.maxResults");
    for number in ["maxOperations", "maxPayloadSize"] {
        answer.check(answer["bulk"][number].is_u64(), "expected the limits of bulk requests");
    }
    let schemes = answer["authenticationSchemes"].as_array().cloned().unwrap_or_default();
    answer.check(schemes.iter().any(|scheme| scheme["type"] == "oauthbearertoken"), "expected a bearer scheme");
}

/// RFC 9865 §4. Canaille and other clients refuse the whole document for an attribute that RFC 7643 does not define.
fn pagination_is_described_to_a_strict_token_only(target: &Target) {
    let path = "/ServiceProviderConfig";
    let strict = target.strict_client().expect("a strict token").get(path).expect(200).containing(&json!({
        "pagination": { "cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": 100,
            "maxPageSize": 1000, "cursorTimeout": 3600 },
    }));
    let mut standard = strict.body.clone();
    standard.as_object_mut().expect("an object").remove("pagination");
    let lenient = target.client().get(path).expect(200);
    lenient.check(lenient.body == standard, "expected what a strict token reads, without pagination");
}

fn lists_agree_with_single_resources(target: &Target) {
    let scim = target.client();
    for (endpoint, items) in [("/ResourceTypes", &["User", "Group"][..]), ("/Schemas", &[USER, GROUP, ENTERPRISE][..])]
    {
        let list = scim.get(endpoint).expect(200).containing(&json!({ "schemas": [LIST], "startIndex": 1 }));
        let all = list.resources();
        list.check(list.total() == all.len() as u64, "expected totalResults to be the number of Resources");
        list.check(list["itemsPerPage"] == all.len(), "expected itemsPerPage to be the number of Resources");
        for item in items {
            let one = scim.get(format!("{endpoint}/{item}")).expect(200).containing(&json!({ "id": item }));
            let location = format!("{}{endpoint}/{item}", scim.base());
            let one = one.containing(&json!({ "meta": { "location": location } }));
            let listed: Vec<&Value> = all.iter().filter(|listed| listed["id"] == **item).collect();
            list.check(listed == [&one.body], &format!("expected {item} once in the list, as a GET of it returns it"));
        }
        scim.get(format!("{endpoint}/Nonsense")).expect_error(404, "", &[]);
    }
}

fn resource_type_names_its_schemas(target: &Target) {
    let scim = target.client();
    scim.get("/ResourceTypes/User").expect(200).containing(&json!({
        "name": "User", "endpoint": "/Users", "schema": USER,
        "schemaExtensions": [{ "schema": ENTERPRISE, "required": false }],
    }));
    scim.get("/ResourceTypes/Group")
        .expect(200)
        .containing(&json!({ "name": "Group", "endpoint": "/Groups", "schema": GROUP }));
}

fn schema_describes_its_attributes(target: &Target) {
    let scim = target.client();
    let attribute = |urn: &str, name: &str| -> Value {
        let schema = scim.get(format!("/Schemas/{urn}")).expect(200);
        let all = schema["attributes"].as_array().cloned().unwrap_or_default();
        let found = all.iter().find(|attribute| attribute["name"] == name).cloned();
        found.unwrap_or_else(|| panic!("expected {name} in {urn}\n{}", schema))
    };
    let rows = [
        (
            USER,
            "userName",
            json!({ "type": "string", "required": true, "caseExact": false, "uniqueness": "server", "multiValued": false }),
        ),
        (USER, "password", json!({ "mutability": "writeOnly", "returned": "never" })),
        (USER, "groups", json!({ "mutability": "readOnly", "multiValued": true, "type": "complex" })),
        (USER, "active", json!({ "type": "boolean" })),
        (GROUP, "members", json!({ "multiValued": true, "type": "complex" })),
        (ENTERPRISE, "department", json!({ "type": "string", "required": false })),
    ];
    for (urn, name, expected) in rows {
        let found = attribute(urn, name);
        assert!(crate::answer::contains(&found, &expected), "{urn}:{name} is {found:#}, not {expected}");
    }
}

fn filter_on_discovery_returns_403(target: &Target) {
    let scim = target.client();
    for endpoint in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/ResourceTypes/User"] {
        let parameters = query(&[("filter", "name eq \"User\"")]);
        scim.get(format!("{endpoint}?{parameters}")).expect_error(403, "", &["filter"]);
    }
}
