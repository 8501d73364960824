//! OneLogin sends a trailing `?` and `&`, no `User-Agent`, and a body that an administrator wrote as a template:
//! with old schema URIs, `"id": null`, `active` as a string, and a manager by the attribute names of an older
//! draft.

use serde_json::{Value, json};

use crate::answer::{Answer, values};
use crate::client::{Client, ENTERPRISE, LIST};
use crate::connection::ClientProfile;
use crate::target::{Target, unique};

checks![
    user_follows_the_template,
    manager_id_of_scim_1_1_sets_the_manager,
    group_is_patched,
    accept_application_json_returns_application_json,
];

/// The headers in the live log of one instance.
const ONELOGIN: ClientProfile = ClientProfile { headers: &[], content_type: "application/scim+json" };

fn onelogin(target: &Target) -> Client {
    target.client().with_profile(&ONELOGIN)
}

fn look_up(scim: &Client, name: &str) -> Answer {
    let name = name.replace('@', "%40");
    scim.get(format!("/Users?filter=userName+eq+%22{name}%22&")).expect(200).containing(&json!({ "schemas": [LIST] }))
}

fn template(name: &str, active: &Value) -> Value {
    json!({
        "schemas": ["urn:scim:schemas:core:1.0", "urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"],
        "id": null, "externalId": "17", "userName": name, "displayName": "One Login", "active": active,
        "name": { "givenName": "One", "familyName": "Login", "formatted": "One Login" }, "title": "", "nickName": null,
        "emails": [{ "value": name, "type": "work", "primary": true }],
        "phoneNumbers": [{ "value": "", "type": "work" }],
        ENTERPRISE: { "department": "Sales", "manager": { "managerId": "26118915", "displayName": "Boss" } },
    })
}

fn principal() -> String {
    format!("{}@one.example", unique("ol."))
}

fn user_follows_the_template(target: &Target) {
    let scim = onelogin(target);
    let name = principal();
    look_up(&scim, &name).containing(&json!({ "totalResults": 0, "Resources": [] }));

    let id = scim.post("/Users?", &template(&name, &json!("true"))).expect(201).id();
    let expected = json!({
        "id": id, "externalId": "17", "userName": name, "displayName": "One Login", "active": true, "title": null,
        "name": { "givenName": "One", "familyName": "Login" }, "nickName": null,
        "emails": [{ "value": name, "type": "work", "primary": true }], ENTERPRISE: { "department": "Sales" },
    });
    let path = format!("/Users/{id}");
    let read = scim.get(format!("{path}?")).expect(200).containing(&expected);
    let own = ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE];
    read.check(read["schemas"] == json!(own), "expected only the schemas that the service defines");
    look_up(&scim, &name).containing(&json!({ "totalResults": 1, "Resources": [expected] }));
    scim.post("/Users", &template(&name, &json!(true))).expect_error(409, "uniqueness", &["userName"]);

    let mut changed = template(&name, &json!("false"));
    changed["displayName"] = json!("Two Login");
    scim.put(format!("{path}?"), &changed).expect(200);
    scim.get(&path).expect(200).containing(&json!({ "active": false, "displayName": "Two Login", "externalId": "17" }));
    look_up(&scim, &name).containing(&json!({ "totalResults": 1, "Resources": [{ "active": false }] }));

    let mut without_active = template(&name, &json!(true));
    without_active.as_object_mut().unwrap().remove("active");
    scim.put(&path, &without_active).expect(200);
    scim.get(&path).expect(200).containing(&json!({ "active": false, "displayName": "One Login" }));
    scim.patch(&path, &json!([{ "op": "replace", "path": "active", "value": true }])).expect(200);
    scim.get(&path).expect(200).containing(&json!({ "active": true }));

    scim.delete(format!("{path}?")).expect(204);
    scim.get(&path).expect_error(404, "", &[]);
    look_up(&scim, &name).containing(&json!({ "totalResults": 0 }));
}

/// `managerId` is SCIM 1.1's name of `manager.value`. The service ignores `displayName`, which is read-only (RFC
/// 7643 §4.3).
fn manager_id_of_scim_1_1_sets_the_manager(target: &Target) {
    let scim = onelogin(target);
    let name = principal();
    let path = format!("/Users/{}", scim.post("/Users", &template(&name, &json!(true))).expect(201).id());
    let check_manager = |id: &str| {
        let manager = json!({ "value": id, "managerId": null, "displayName": null });
        scim.get(&path).expect(200).containing(&json!({ ENTERPRISE: { "department": "Sales", "manager": manager } }));
    };
    check_manager("26118915");
    let put = |manager: Value| {
        let mut body = template(&name, &json!(true));
        body[ENTERPRISE]["manager"] = manager;
        scim.put(&path, &body)
    };
    put(json!({ "managerId": "2", "displayName": "Boss" })).expect(200);
    check_manager("2");
    put(json!({ "value": "3", "displayName": "Boss" })).expect(200);
    check_manager("3");
    scim.patch(&path, &json!([{ "op": "replace", "value": { ENTERPRISE: { "manager": { "managerId": "4" } } } }]))
        .expect(200);
    check_manager("4");
    put(json!({ "managerId": "5", "value": "6" })).expect_error(400, "invalidValue", &["manager", "more than once"]);
    put(json!({ "name": "Boss" })).expect_error(400, "invalidValue", &["manager", "value"]);
    check_manager("4");
    put(json!({ "managerId": "", "displayName": "" })).expect(200);
    scim.get(&path).expect(200).containing(&json!({ ENTERPRISE: { "department": "Sales", "manager": null } }));
}

fn group_is_patched(target: &Target) {
    let scim = onelogin(target);
    let user = scim.post("/Users", &template(&principal(), &json!(true))).expect(201).id();
    scim.get("/Groups?").expect(200).containing(&json!({ "schemas": [LIST] }));
    let name = unique("One ");
    let id =
        scim.post("/Groups", &json!({ "schemas": ["urn:scim:schemas:core:1.0"], "id": null, "displayName": name }));
    let path = format!("/Groups/{}", id.expect(201).id());
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]);
    scim.patch(format!("{path}?"), &add).expect(200);
    let read = scim.get(&path).expect(200).containing(&json!({ "displayName": name }));
    assert_eq!(values(&read["members"]), [user.as_str()]);
    let remove = json!([{ "op": "remove", "path": "members", "value": [{ "value": user }] }]);
    scim.patch(&path, &remove).expect(200);
    scim.get(&path).expect(200).containing(&json!({ "members": null }));
    scim.delete(&path).expect(204);
    scim.get(&path).expect_error(404, "", &[]);
}

fn accept_application_json_returns_application_json(target: &Target) {
    let scim = onelogin(target);
    let request = crate::request::Request::new("GET", "/Users?count=1").header("Accept", "application/json");
    let answer = scim.send(&request);
    answer.check(
        answer.status == 200 && answer.header("content-type") == "application/json",
        "expected application/json",
    );
}
