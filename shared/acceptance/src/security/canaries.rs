//! Sends a canary, a text that occurs nowhere else, in every place of a request that can contain a text. The server
//! must respond to each request. A test that can read the logs of the server searches them for the canaries,
//! because no log may contain what a client sends.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, GROUP, PATCH, USER};
use crate::record;
use crate::request::{Request, query};
use crate::target::{Target, unique};

checks![
    canaries_in_every_place_cause_no_server_error,
    canaries_in_every_place_cause_no_server_error_with_a_strict_token: StrictToken,
];

/// The prefix of every canary.
pub const PREFIX: &str = "hush";

/// Creates a canary; `place` names the place where it is sent.
fn canary(place: &str) -> String {
    let canary = unique(&format!("{PREFIX}{place}"));
    record::secret(&canary);
    canary
}

/// A user with a canary in every kind of value.
fn user() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE, canary("schema")],
        "userName": format!("{}@{}.example", canary("user"), canary("domain")),
        "externalId": canary("external"),
        "password": canary("password"),
        "name": { "formatted": canary("formatted"), "givenName": canary("given"), "familyName": canary("family") },
        "displayName": canary("display"),
        "profileUrl": format!("https://{}.example", canary("url")),
        "emails": [{ "value": format!("{}@example.com", canary("email")), "type": canary("type"), "display": canary("shown") }],
        "phoneNumbers": [{ "value": canary("phone"), "type": "work" }],
        "addresses": [{ "streetAddress": canary("street"), "country": "DE" }],
        "x509Certificates": [{ "value": BASE64_STANDARD.encode(canary("certificate")) }],
        "entitlements": canary("entitlement"),
        ENTERPRISE: { "department": canary("department"), "manager": { "value": canary("manager"), "displayName": canary("boss") } },
        canary("attribute"): canary("unknown"),
        "name.middleName": canary("middle"),
    })
}

/// Users that the server rejects, each for another reason.
fn invalid_users() -> Vec<Value> {
    let name = || canary("name");
    vec![
        json!({ "displayName": canary("nameless") }),
        json!({ "userName": name(), "active": canary("boolean") }),
        json!({ "userName": name(), "emails": canary("string") }),
        json!({ "userName": name(), "emails": [[canary("list")]] }),
        json!({ "userName": name(), "emails": [{ canary("sub"): canary("subvalue") }] }),
        json!({ "userName": name(), "name": canary("complex") }),
        json!({ "userName": { canary("key"): 1 } }),
        json!({ "userName": name(), "profileUrl": format!("http://[{}", canary("reference")) }),
        json!({ "userName": name(), "x509Certificates": [{ "value": format!("{}!", canary("base")) }] }),
        json!({ "userName": name(), "roles": [{ "value": canary("role"), "primary": canary("primary") }] }),
        json!({ "userName": format!("{}\u{7}", canary("control")) }),
        json!({ "userName": format!("{}{}", canary("long"), "x".repeat(900)) }),
        json!({ "userName": name(), "meta": { "created": canary("created") }, "id": canary("id") }),
        json!({ "userName": name(), "groups": [{ "value": canary("group") }] }),
        json!([canary("array")]),
        json!(canary("scalar")),
    ]
}

/// Bodies that are not JSON, or not unambiguously.
fn malformed_bodies() -> Vec<Vec<u8>> {
    let mut binary = format!("{{\"userName\":\"{}\"}}", canary("utf")).into_bytes();
    binary[14] = 0xff;
    vec![
        format!("{{\"userName\":\"{}\"", canary("open")).into_bytes(),
        format!("{{\"userName\":\"{}\",}}", canary("comma")).into_bytes(),
        format!("{{\"userName\":{}}}", canary("bare")).into_bytes(),
        format!("{{\"{0}\":\"{0}\",\"{0}\":1}}", canary("twice")).into_bytes(),
        format!("{{\"userName\":\"a\"}} {}", canary("behind")).into_bytes(),
        format!("<user>{}</user>", canary("xml")).into_bytes(),
        binary,
    ]
}

/// Operations of a PATCH request, valid and invalid.
fn operations() -> Vec<Value> {
    let literal = |attribute: &str, place: &str| format!("{attribute}[value eq \"{}\"]", canary(place));
    vec![
        json!({ "op": "replace", "path": "password", "value": canary("newpassword") }),
        json!({ "op": "replace", "path": "displayName", "value": canary("replaced") }),
        json!({ "op": "replace", "value": { "title": canary("title"), canary("patchkey"): canary("patchvalue") } }),
        json!({ "op": "add", "path": format!("{}.display", literal("emails", "pathliteral")), "value": canary("element") }),
        json!({ "op": "remove", "path": literal("phoneNumbers", "removed") }),
        json!({ "op": "remove", "path": "emails", "value": [{ "value": canary("removedvalue") }] }),
        json!({ "op": "add", "path": canary("path"), "value": canary("nowhere") }),
        json!({ "op": "add", "path": format!("emails[{}", canary("syntax")), "value": "x" }),
        json!({ "op": canary("op"), "path": "title", "value": "x" }),
        json!({ "op": "replace", "path": "active", "value": canary("inactive") }),
        json!({ "op": "add", "path": "members", "value": [{ "value": canary("patchmember"), "display": canary("patchdisplay") }] }),
        json!({ "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": canary("newmanager") }),
        json!(canary("operation")),
    ]
}

/// Filters, valid and invalid.
fn filters() -> Vec<String> {
    let of = |attribute: &str| format!("{attribute} \"{}\"", canary("literal"));
    let unclosed = format!("userName eq \"{}", canary("unclosed"));
    let lookups = ["userName eq", "userName sw", "emails.value eq", "externalId eq", "id eq", "members.value eq"];
    let others = ["title co", "meta.created gt", "active eq", "displayName xx", "password eq", "userName eq 1"];
    let mut all: Vec<String> = [lookups, others].as_flattened().iter().map(|attribute| of(attribute)).collect();
    all.extend([
        unclosed,
        canary("word"),
        format!("{} eq \"{}\"", canary("name"), canary("of")),
        format!("({}", of("title eq")),
    ]);
    all.extend([
        format!("emails[type eq \"{}\" and value eq \"{}\"]", canary("kind"), canary("both")),
        of("groups.display eq"),
    ]);
    all
}

fn queries() -> Vec<String> {
    let mut all: Vec<String> = filters().iter().map(|filter| query(&[("filter", filter)])).collect();
    let names = ["sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes", "Filter"];
    all.extend(names.map(|name| format!("{name}={}", canary("parameter"))));
    all.extend([
        format!("{}={}", canary("parametername"), canary("parametervalue")),
        // Some clients send a filter without encoding it.
        format!("filter=userName%20eq%20%22R&{}%22", canary("ampersand")),
        format!("filter=%{}", canary("percent")),
        format!("filter=title%20pr&filter={}", canary("second")),
    ]);
    all
}

fn bulk() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "failOnErrors": 0,
        "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": canary("bulk"), "data": user() },
            { "method": "POST", "path": "/Users", "bulkId": canary("bulk"), "data": { "displayName": canary("bulkdisplay") } },
            { "method": "PUT", "path": format!("/Users/{}", canary("bulkpath")), "data": user() },
            { "method": "PATCH", "path": format!("/Groups/bulkId:{}", canary("bulkreference")), "version": canary("version"),
              "data": { "schemas": [PATCH], "Operations": operations() } },
            { "method": "DELETE", "path": format!("/{}", canary("bulkroute")) },
            { "method": "POST", "path": "/Groups", "bulkId": canary("bulkgroup"), "data": {
                "displayName": canary("pushed"), "members": [{ "value": format!("bulkId:{}", canary("bulkmember")) }] } },
        ],
    })
}

fn headers(path: &str) -> Vec<Request> {
    let of = |name: &'static str, value: String| Request::new("GET", path).header(name, value);
    let plain =
        ["If-Match", "If-None-Match", "Accept", "Accept-Encoding", "Prefer", "User-Agent", "Cookie", "X-Canary"];
    let mut all: Vec<Request> = plain.map(|name| of(name, canary("header"))).into();
    for scheme in ["Bearer scim_", "Bearer ", "bearer  scim_0123456789a_", "Basic ", ""] {
        all.push(of("Authorization", format!("{scheme}{}", canary("token"))));
    }
    all.push(Request::new("POST", "/Users").json(&user()).header("Content-Type", format!("text/{}", canary("media"))));
    all.push(Request::new("POST", "/Users").json(&user()).header("Content-Encoding", canary("encoding")));
    all
}

/// All requests, each with a canary, some of them for the user and the group at these paths.
fn all_requests(user_path: &str, group_path: &str) -> Vec<Request> {
    let new = |method: &'static str, path: &str, body: &Value| Request::new(method, path).json(body);
    let member =
        || json!({ "value": canary("member"), "display": canary("memberdisplay"), "type": canary("membertype") });
    let group = json!({ "schemas": [GROUP], "displayName": canary("groupname"), "externalId": canary("groupid"), "members": [member()] });
    let twice = user();
    let mut all = vec![new("POST", "/Users", &twice), new("POST", "/Users", &twice), new("PUT", user_path, &user())];
    all.extend(invalid_users().iter().flat_map(|it| [new("POST", "/Users", it), new("PUT", user_path, it)]));
    all.extend(malformed_bodies().into_iter().flat_map(|body| {
        [("POST", "/Users"), ("PATCH", user_path), ("POST", "/Bulk"), ("POST", "/.search")]
            .map(|(method, path)| Request::new(method, path).bytes(body.clone()))
    }));
    for operation in operations() {
        let body = json!({ "schemas": [PATCH], "Operations": [operation] });
        all.extend([user_path, group_path].map(|path| new("PATCH", path, &body)));
    }
    all.extend([new("POST", "/Groups", &group), new("POST", "/Groups", &group), new("PUT", group_path, &group)]);
    for filter in filters() {
        let body =
            json!({ "schemas": [canary("message")], "filter": filter, "sortBy": canary("sort"), canary("member"): 1 });
        let alone = json!({ "filter": filter, "attributes": [canary("shown")] });
        all.extend([new("POST", "/.search", &body), new("POST", "/Users/.search", &alone)]);
    }
    let lists = ["/Users", "/Groups", "", "/Schemas", user_path];
    all.extend(queries().iter().flat_map(|query| lists.map(|path| Request::new("GET", format!("{path}?{query}")))));
    for path in ["/Users", "/Groups", "/Schemas", "/ResourceTypes", "", "/Me", "/Users/x/y"] {
        all.extend(["GET", "DELETE"].map(|method| Request::new(method, format!("{path}/{}", canary("place")))));
        all.push(new(
            "PATCH",
            &format!("{path}/{}%40example.com", canary("address")),
            &json!({ "Operations": operations() }),
        ));
    }
    all.push(new("POST", "/Bulk", &bulk()));
    all.push(new("POST", "/Me", &user()));
    all.extend(headers(user_path));
    all
}

/// Sends a canary in every place of a request that can contain a text.
///
/// # Panics
///
/// If the server responds to a request with a 5xx error other than 501.
pub fn send_everything(scim: &Client) {
    let made = scim.post("/Users", &json!({ "schemas": [USER], "userName": canary("made") })).expect(201).id();
    let pushed = scim.post("/Groups", &json!({ "schemas": [GROUP], "displayName": canary("made") })).expect(201).id();
    for request in all_requests(&format!("/Users/{made}"), &format!("/Groups/{pushed}")) {
        let answer = scim.send(&request);
        answer.check(answer.status < 500 || answer.status == 501, "expected success, a client error or 501");
    }
}

fn canaries_in_every_place_cause_no_server_error(target: &Target) {
    send_everything(&target.client());
}

fn canaries_in_every_place_cause_no_server_error_with_a_strict_token(target: &Target) {
    send_everything(&target.strict_client().expect("a strict token"));
}
