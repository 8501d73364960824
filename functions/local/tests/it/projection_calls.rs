//! Checks how many DynamoDB calls a projection saves (RFC 7644 §3.9).

use acceptance::client::{Client, PATCH};
use acceptance::request::Request;
use acceptance::unique;
use serde_json::{Value, json};

use crate::process::{fault_rate, print_skipped};
use crate::server::Server;

/// How many DynamoDB calls a request takes.
fn calls(server: &Server, scim: &Client, request: &Request) -> u64 {
    let answer = scim.send(request);
    answer.check(answer.status < 300, "expected success");
    server.calls()
}

#[test]
fn members_that_are_not_returned_are_not_read() {
    if fault_rate().is_some() {
        return print_skipped(
            "members_that_are_not_returned_are_not_read",
            "it counts calls, which SCIM_FAULTS changes",
        );
    }
    let server = Server::in_memory();
    let scim = server.client();
    let ids: Vec<String> =
        (0..4).map(|_| scim.post("/Users", &json!({ "userName": unique("m") })).expect(201).id()).collect();
    let members: Value = ids.iter().map(|id| json!({ "value": id })).collect();
    let groups: Vec<String> = (0..3)
        .map(|_| scim.post("/Groups", &json!({ "displayName": unique("G "), "members": members })).expect(201).id())
        .collect();
    let get = |path: String| calls(&server, &scim, &Request::new("GET", path));
    let one = format!("/Groups/{}", groups[0]);
    let whole = get(one.clone());
    // The service then reads neither the edges nor the pending changes.
    for parameters in
        ["excludedAttributes=members", "excludedAttributes=MEMBERS,meta", "attributes=displayName", "attributes=id"]
    {
        assert_eq!(get(format!("{one}?{parameters}")), whole - 2, "a group: {parameters}");
        assert_eq!(get(format!("/Groups?{parameters}")), get("/Groups".to_owned()) - 4, "all groups: {parameters}");
    }
    // The same holds for lists with a filter, a sort order or a cursor, of groups and of both types, and for
    // searches.
    for asked in ["filter=displayName%20pr", "sortBy=displayName", "cursor"] {
        for endpoint in ["/Groups", ""] {
            let all = get(format!("{endpoint}?{asked}&attributes=members"));
            assert_eq!(get(format!("{endpoint}?{asked}&attributes=displayName")), all - 4, "{endpoint} {asked}");
        }
    }
    let search = |body: &Value| calls(&server, &scim, &Request::new("POST", "/Groups/.search").json(body));
    for asked in [json!({}), json!({ "filter": "displayName pr" }), json!({ "sortBy": "displayName", "cursor": "" })] {
        let with = |name: &str, shown: &str| {
            let mut body = asked.clone();
            body[name] = json!([shown]);
            search(&body)
        };
        let all = search(&asked);
        assert_eq!(with("excludedAttributes", "members"), all - 4, "{asked}");
        assert_eq!(with("attributes", "displayName"), all - 4, "{asked}");
        assert_eq!(with("attributes", "members.value"), all, "{asked}");
    }
    for parameters in
        ["attributes=members", "attributes=members.value", "excludedAttributes=displayName,members.display"]
    {
        assert_eq!(get(format!("{one}?{parameters}")), whole, "{parameters}");
    }
    // A change whose response does not contain the members saves the calls that read them.
    let rename = |parameters: &str| {
        let operations = json!([{ "op": "replace", "path": "displayName", "value": unique("Renamed ") }]);
        let request = Request::new("PATCH", format!("{one}{parameters}"));
        calls(&server, &scim, &request.json(&json!({ "schemas": [PATCH], "Operations": operations })))
    };
    assert_eq!(rename("?attributes=displayName"), rename("") - 2);
    assert_eq!(rename("?excludedAttributes=members"), rename("") - 2);
    // The groups of a user take a call for the edges, one for the pending changes, and one for the names of the
    // groups.
    let user = format!("/Users/{}", ids[0]);
    assert_eq!(get(format!("{user}?excludedAttributes=groups")), get(user.clone()) - 3);
    assert_eq!(get(format!("{user}?attributes=userName")), get(user) - 3);
}
