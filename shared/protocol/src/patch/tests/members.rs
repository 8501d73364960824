//! Operations on the members of a group.

use schema::Kind;
use serde_json::{Value, json};

use super::{parse, patch};

#[test]
fn operations_on_members_become_member_operations() {
    let group = json!({"displayName": "G"});
    let run = |operations: Value| patch(Kind::Group, &group, &operations);
    for (operations, expect) in [
        (
            json!([{"op": "add", "path": "members",
                "value": [{"value": "0191b1c8-7a60-7c3e-8a3e-00000000000a", "display": null}]}]),
            "[Add([Member { id: \"0191b1c8-7a60-7c3e-8a3e-00000000000a\", display: None, stated_type: Nothing }])]",
        ),
        (
            json!([{"op": "remove", "path": "members[value eq \"0191b1c8-7a60-7c3e-8a3e-00000000000a\"]"}]),
            "[Remove([\"0191b1c8-7a60-7c3e-8a3e-00000000000a\"])]",
        ),
        (
            json!([{"op": "remove", "path": "members[value eq \"0191b1c8-7a60-7c3e-8a3e-00000000000a\" or \
                value eq \"0191b1c8-7a60-7c3e-8a3e-00000000000b\"]"}]),
            "[Remove([\"0191b1c8-7a60-7c3e-8a3e-00000000000a\", \"0191b1c8-7a60-7c3e-8a3e-00000000000b\"])]",
        ),
        (
            json!([{"op": "Remove", "path": "members",
                "value": [{"$ref": null, "value": "0191b1c8-7a60-7c3e-8a3e-00000000000a"}]}]),
            "[Remove([\"0191b1c8-7a60-7c3e-8a3e-00000000000a\"])]",
        ),
        (json!([{"op": "Remove", "path": "members", "value": []}]), "[Remove([])]"),
        (
            json!([{"op": "remove", "path": "members[value eq \"0191b1c8-7a60-7c3e-8a3e-00000000000a\"]",
                "value": [{"value": "0191b1c8-7a60-7c3e-8a3e-00000000000a"}]}]),
            "[Remove([\"0191b1c8-7a60-7c3e-8a3e-00000000000a\"])]",
        ),
        (
            json!([{"op": "remove", "path": "members[value eq \"0191b1c8-7a60-7c3e-8a3e-00000000000a\"]",
                "value": [{"value": "0191b1c8-7a60-7c3e-8a3e-00000000000b"}]}]),
            "[Remove([])]",
        ),
        (json!([{"op": "remove", "path": "members"}]), "[Replace([])]"),
        (json!([{"op": "replace", "path": "members", "value": []}]), "[Replace([])]"),
        (json!([{"op": "replace", "value": {"id": "x", "displayName": "G", "members": []}}]), "[Replace([])]"),
        (json!([{"op": "replace", "value": {"id": "x", "displayName": "G"}}]), "[]"),
    ] {
        let members = parse(Kind::Group, &operations).unwrap().members().unwrap();
        assert_eq!(format!("{members:?}"), expect, "{operations}");
        assert_eq!(Value::Object(run(operations).unwrap()), group);
    }
    for (operations, keyword) in [
        (json!([{"op": "add", "path": "members[value eq \"a\"].display", "value": null}]), "invalidValue"),
        (json!([{"op": "remove", "path": "members[value eq \"a\"].display", "value": "x"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members[value eq \"a\"].display", "value": 1}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members[value eq \"a\"].type", "value": "x"}]), "mutability"),
        (json!([{"op": "add", "path": "members", "value": [{"display": "x"}]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": [null]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": "[{\"value\":\"B\"}]"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": ["{\"value\":\"B\"}"]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": [{"value": "{\"value\":\"B\"}"}]}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": "A,B"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": "null"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": "[]"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "members", "value": ""}]), "invalidValue"),
        (json!([{"op": "add", "path": "members", "value": "ada"}]), "invalidValue"),
        (json!([{"op": "remove", "path": "members", "value": ["ada"]}]), "invalidValue"),
        (json!([{"op": "remove", "path": "members", "value": ""}]), "invalidValue"),
        (json!([{"op": "replace", "value": {"members": [{"id": "u"}]}}]), "invalidValue"),
        (json!([{"op": "remove", "path": "members", "value": null}]), "invalidValue"),
        (
            json!([{"op": "remove", "path": "members[display eq \"x\"]",
                "value": [{"value": "0191b1c8-7a60-7c3e-8a3e-00000000000b"}]}]),
            "invalidValue",
        ),
        (json!([{"op": "remove", "path": "displayName"}]), "mutability"),
    ] {
        assert_eq!(run(operations).map(|_| ()).map_err(|error| error.scim_type()), Err(Some(keyword)));
    }
}
