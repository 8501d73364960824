//! Checks of extension schemas from files (RFC 7643 §3.3): a server that was built with the files in
//! `shared/acceptance/extensions` (`SCIM_EXTENSIONS=shared/acceptance/extensions`) behaves as they define.

use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, GROUP, LIST, USER};
use crate::target::{Target, unique};

checks![
    discovery_shows_the_schema_files: ExampleExtensions,
    user_extension_is_stored_and_returned: ExampleExtensions,
    patch_changes_extension_attributes: ExampleExtensions,
    filters_find_by_extension_attributes: ExampleExtensions,
    group_extension_is_stored_and_returned: ExampleExtensions,
];

const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";
const COST: &str = "urn:example:params:scim:schemas:extension:cost:2.0:Group";

/// Whether the server was built with the files.
pub(crate) fn are_built_in(target: &Target) -> bool {
    target.client().try_get(&format!("/Schemas/{BADGE}")).is_ok_and(|answer| answer.status == 200)
}

fn create(scim: &Client, badge: &Value) -> (String, Value) {
    let created = scim.post("/Users", &json!({ "userName": unique("badge"), BADGE: badge })).expect(201);
    (created.id(), created.body)
}

fn discovery_shows_the_schema_files(target: &Target) {
    let scim = target.client();
    scim.get("/ResourceTypes/User").expect(200).containing(&json!({ "schemaExtensions": [
        { "schema": ENTERPRISE, "required": false }, { "schema": BADGE, "required": false },
    ] }));
    let extensions = json!({ "schemaExtensions": [{ "schema": COST, "required": false }] });
    scim.get("/ResourceTypes/Group").expect(200).containing(&extensions);
    let badge = scim.get(format!("/Schemas/{BADGE}")).expect(200).containing(&json!({ "id": BADGE, "name": "Badge" }));
    let file: Value = serde_json::from_str(include_str!("../../extensions/badge.json")).unwrap();
    let shown = badge["attributes"].as_array().unwrap();
    let said = file["attributes"].as_array().unwrap();
    assert_eq!(shown.len(), said.len());
    for (shown, said) in shown.iter().zip(said) {
        assert!(crate::answer::contains(shown, said), "{shown:#} is not {said:#}");
        // A characteristic that the file omits has the default of RFC 7643 §2.2.
        assert!(shown["mutability"].is_string() && shown["required"].is_boolean(), "{shown:#}");
    }
}

fn user_extension_is_stored_and_returned(target: &Target) {
    let scim = target.client();
    let (id, created) = create(&scim, &json!({ "Level": "staff", "serial": "aB1", "pin": "1234", "picture": "aGk=" }));
    assert_eq!(created["schemas"], json!([USER, BADGE]));
    assert_eq!(created[BADGE], json!({ "level": "staff", "serial": "aB1" }));
    let path = format!("/Users/{id}");
    let picture = scim.get(format!("{path}?attributes={BADGE}:picture,{BADGE}:pin")).expect(200);
    assert_eq!(picture[BADGE], json!({ "level": "staff", "picture": "aGk=" }));
    for (badge, words) in [
        (json!({ "serial": "x" }), "level"),
        (json!({ "level": "staff", "floor": "high" }), "floor"),
        (json!({ "level": "staff", "issued": "soon" }), "issued"),
    ] {
        let body = json!({ "userName": unique("badge"), BADGE: badge });
        scim.post("/Users", &body).expect_error(400, "invalidValue", &[words]);
    }
    // PUT keeps immutable and secret attributes, and replaces all others.
    let body = json!({ "userName": created["userName"], BADGE: { "level": "visitor" } });
    let replaced = scim.put(&path, &body).expect(200);
    assert_eq!(replaced[BADGE], json!({ "level": "visitor", "serial": "aB1" }));
    let body = json!({ "userName": created["userName"], BADGE: { "level": "visitor", "serial": "other" } });
    scim.put(&path, &body).expect_error(400, "mutability", &["serial"]);
    // An immutable attribute without a value can be set.
    let (id, created) = create(&scim, &json!({ "level": "staff" }));
    let body = json!({ "userName": created["userName"], BADGE: { "level": "staff", "serial": "late" } });
    let replaced = scim.put(format!("/Users/{id}"), &body).expect(200);
    assert_eq!(replaced[BADGE]["serial"], "late");
}

fn patch_changes_extension_attributes(target: &Target) {
    let scim = target.client();
    let (id, _) = create(&scim, &json!({ "level": "staff", "serial": "1" }));
    let path = format!("/Users/{id}");
    let answer = scim.patch(
        &path,
        &json!([
            { "op": "add", "path": format!("{BADGE}:doors"), "value": [{ "value": "1", "type": "lab" }] },
            { "op": "replace", "path": format!("{BADGE}:doors[type eq \"lab\"].until"), "value": "2027-01-01T00:00:00Z" },
            { "op": "replace", "value": { BADGE: { "floor": 4 }, format!("{BADGE}:deposit"): 12.5 } },
        ]),
    );
    let doors = json!([{ "value": "1", "type": "lab", "until": "2027-01-01T00:00:00Z" }]);
    answer.expect(200).containing(
        &json!({ BADGE: { "level": "staff", "serial": "1", "floor": 4, "deposit": 12.5, "doors": doors } }),
    );
    for (operation, scim_type) in [
        (json!({ "op": "replace", "path": format!("{BADGE}:serial"), "value": "2" }), "mutability"),
        (json!({ "op": "replace", "path": format!("{BADGE}:printedBy"), "value": "x" }), "mutability"),
        (json!({ "op": "remove", "path": format!("{BADGE}:level") }), "mutability"),
        (json!({ "op": "replace", "path": format!("{BADGE}:floor"), "value": 4.5 }), "invalidValue"),
    ] {
        scim.patch(&path, &json!([operation])).expect_error(400, scim_type, &[]);
    }
    // Without its immutable serial, the whole extension can be removed.
    let (id, _) = create(&scim, &json!({ "level": "staff" }));
    let path = format!("/Users/{id}");
    let answer = scim.patch(&path, &json!([{ "op": "remove", "path": BADGE }])).expect(200);
    assert_eq!((&answer["schemas"], answer.body.get(BADGE)), (&json!([USER]), None));
}

fn filters_find_by_extension_attributes(target: &Target) {
    let scim = target.client();
    let tag = unique("tag");
    let badge = json!({ "level": "staff", "serial": "aB1", "floor": 7, "tags": [tag, "x"], "pin": "1234" });
    let (id, _) = create(&scim, &badge);
    let find = |filter: &str| scim.find("/Users", &format!("{BADGE}:tags eq \"{tag}\" and {filter}")).len();
    for (filter, expect) in [
        (format!("{BADGE}:level eq \"STAFF\""), 1),
        (format!("{BADGE}:serial eq \"ab1\""), 0),
        (format!("{BADGE}:floor ge 7"), 1),
        (format!("{BADGE}:floor gt 7"), 0),
        (format!("id eq \"{id}\""), 1),
    ] {
        assert_eq!(find(&filter), expect, "{filter}");
    }
    let secret = format!("{BADGE}:pin sw \"1\"");
    scim.list("/Users", &[("filter", &secret)]).expect_error(400, "invalidFilter", &["secret"]);
    let wrong = format!("{BADGE}:floor eq \"7\"");
    scim.list("/Users", &[("filter", &wrong)]).expect_error(400, "invalidFilter", &["floor"]);
}

fn group_extension_is_stored_and_returned(target: &Target) {
    let scim = target.client();
    let name = unique("cost");
    let group = scim.post("/Groups", &json!({ "displayName": name, COST: { "budget": 1000.5 } })).expect(201);
    assert_eq!((&group["schemas"], &group[COST]), (&json!([GROUP, COST]), &json!({ "budget": 1000.5 })));
    let operations = json!([{ "op": "add", "path": format!("{COST}:approver"), "value": "Ada" }]);
    let patched = scim.patch(format!("/Groups/{}", group.id()), &operations).expect(200);
    assert_eq!(patched[COST], json!({ "budget": 1000.5, "approver": "Ada" }));
    let filter = format!("displayName eq \"{name}\" and {COST}:approver eq \"Ada\"");
    scim.list("/Groups", &[("filter", &filter)])
        .expect(200)
        .containing(&json!({ "schemas": [LIST], "totalResults": 1 }));
}
