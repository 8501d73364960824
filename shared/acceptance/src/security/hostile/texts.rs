//! Checks of texts that can be read in more than one way: repeated names, lone surrogates, invisible characters
//! (RFC 8259 §4, §8.2, RFC 8265 §3.3).

use serde_json::json;

use crate::client::{Client, PATCH, USER};
use crate::protocol::bulk;
use crate::request::Request;
use crate::target::{Target, unique};

checks![repeated_names_and_lone_surrogates_return_400, user_name_follows_rfc_8265, text_is_stored_and_found_unchanged,];

/// Sends a body in every place of a request that can contain one, and expects an error each time; `user` and
/// `group` are the paths of existing resources.
fn check_rejected_everywhere(scim: &Client, user: &str, group: &str, body: &str, says: &str) {
    let operation = format!("{{\"schemas\":[\"{PATCH}\"],\"Operations\":[{{\"op\":\"add\",\"value\":{body}}}]}}");
    let bulk =
        format!("{{\"Operations\":[{{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"a\",\"data\":{body}}}]}}");
    for (method, path, body) in [
        ("POST", "/Users", body),
        ("POST", "/Groups", body),
        ("PUT", user, body),
        ("PUT", group, body),
        ("PATCH", user, &operation),
        ("PATCH", group, &operation),
        ("POST", "/Bulk", &bulk),
        ("POST", "/.search", body),
        ("POST", "/Users/.search", body),
    ] {
        scim.send(&Request::new(method, path).bytes(body)).expect_error(400, "invalidSyntax", &[says]);
    }
}

/// Creates a user and a group; returns their paths and their representations.
pub(crate) fn create_user_and_group(scim: &Client) -> (String, String, [String; 2]) {
    let user = format!("/Users/{}", scim.post("/Users", &json!({ "userName": unique("kept") })).expect(201).id());
    let group = format!("/Groups/{}", scim.post("/Groups", &json!({ "displayName": unique("kept") })).expect(201).id());
    let before = [&user, &group].map(|path| scim.get(path).expect(200).text);
    (user, group, before)
}

/// The words of the `detail` about a lone surrogate.
const LONE_SURROGATE: &str = "surrogate|hex escape";

fn repeated_names_and_lone_surrogates_return_400(target: &Target) {
    let scim = target.client();
    let (user, group, before) = create_user_and_group(&scim);
    let tag = unique("twice");
    for (body, says) in [
        (r#"{"userName":"TAG","displayName":"TAG","userName":"TAG2"}"#, "twice"),
        (r#"{"userName":"TAG","displayName":"TAG","user\u004eame":"TAG2"}"#, "twice"),
        (r#"{"userName":"TAG","displayName":"TAG","name":{"givenName":"a","givenName":"a"}}"#, "twice"),
        (r#"{"userName":"TAG","displayName":"TAG","emails":[{"value":"a@b.example","":1,"":1}]}"#, "twice"),
        (r#"{"userName":"TAG","displayName":"TAG","unknown":[[{"a":{"b":1,"b":2}}]]}"#, "twice"),
        (r#"{"userName":"TAG","displayName":"TAG","title":"\ud800"}"#, LONE_SURROGATE),
        (r#"{"userName":"TAG","displayName":"TAG","title":"\udc00"}"#, LONE_SURROGATE),
        (r#"{"userName":"TAG","displayName":"TAG","title":"\ud800\ud800"}"#, LONE_SURROGATE),
        (r#"{"userName":"TAG","displayName":"TAG","title":"\ud800a"}"#, LONE_SURROGATE),
        (r#"{"userName":"TAG","displayName":"TAG","title":"\ud800\u0061"}"#, LONE_SURROGATE),
        (r#"{"userName":"TAG","displayName":"TAG","\udfff":1}"#, LONE_SURROGATE),
        (r#"{"userName":"TAG\udbff","displayName":"TAG\udbff"}"#, LONE_SURROGATE),
        ("{\"userName\":\"TAG\",\"displayName\":\"TAG\",\"title\":\"a\u{0}b\"}", "control character"),
    ] {
        check_rejected_everywhere(&scim, &user, &group, &body.replace("TAG", &tag), says);
    }
    for (endpoint, attribute) in [("/Users", "userName"), ("/Groups", "displayName")] {
        assert!(scim.find(endpoint, &format!("{attribute} sw \"{tag}\"")).is_empty());
    }
    let half = format!("title eq \"{}\" or title eq \"\\ud800\"", unique("none"));
    scim.list("/Users", &[("filter", &half)]).expect_error(400, "invalidFilter", &[]);
    let path = json!([{ "op": "replace", "path": "emails[value eq \"\\ud800\"].type", "value": "work" }]);
    scim.patch(&user, &path).expect_error(400, "invalidPath|invalidFilter", &[]);
    assert_eq!([&user, &group].map(|path| scim.get(path).expect(200).text), before);
    // A complete surrogate pair is one character.
    let whole = format!(r#"{{"userName":"{tag}","title":"\ud83d\ude00"}}"#);
    let whole = scim.send(&Request::new("POST", "/Users").bytes(whole)).expect(201).id();
    scim.get(format!("/Users/{whole}")).expect(200).containing(&json!({ "title": "\u{1f600}" }));
}

/// Characters that no user name may contain (RFC 8264 §8, §9, RFC 8265 §3.3 and the examples of §3.5); each is sent
/// between letters.
const FORBIDDEN: [&str; 42] = [
    "\u{0}",
    "\u{1}",
    "\t",
    "\n",
    "\r",
    "\u{1b}",
    "\u{7f}",
    "\u{85}",
    "\u{ad}",
    "\u{34f}",
    "\u{61c}",
    "\u{180e}",
    "\u{200b}",
    "\u{200c}",
    "\u{200d}",
    "\u{200e}",
    "\u{200f}",
    "\u{2028}",
    "\u{202a}",
    "\u{202e}",
    "\u{2060}",
    "\u{2066}",
    "\u{2069}",
    "\u{206f}",
    "\u{3164}",
    "\u{fe0f}",
    "\u{feff}",
    "\u{fff9}",
    "\u{fffc}",
    "\u{ffff}",
    "\u{fdd0}",
    "\u{e000}",
    "\u{e0001}",
    "\u{e0061}",
    "\u{1f600}",
    "\u{265a}",
    "\u{2163}",
    "\u{b7}",
    "\u{30fb}",
    "\u{5d0}",
    "\u{627}",
    "\u{661}\u{6f1}",
];
/// Texts that a user name may contain: right-to-left letters alone, and joiners and dots where their context allows
/// them.
const ALLOWED: [&str; 5] = ["שלום", "سلام", "क्\u{200d}ष", "col·lega", "\u{375}α"];

fn user_name_follows_rfc_8265(target: &Target) {
    let scim = target.client();
    let tag = unique("seen");
    let id = scim.post("/Users", &json!({ "userName": unique("seen"), "displayName": tag })).expect(201).id();
    let path = format!("/Users/{id}");
    let before = scim.get(&path).expect(200).text;
    for part in FORBIDDEN {
        let name = format!("a{part}b");
        let body = json!({ "schemas": [USER], "userName": name, "displayName": tag });
        let change = json!([{ "op": "replace", "path": "userName", "value": name }]);
        for answer in [scim.post("/Users", &body), scim.put(&path, &body), scim.patch(&path, &change)] {
            answer.expect_error(400, "invalidValue", &["userName", "RFC 8265"]);
        }
        let operation = json!({ "method": "POST", "path": "/Users", "bulkId": "a", "data": body });
        bulk::check(&scim, &json!([operation]), "400");
    }
    assert_eq!(scim.get(&path).expect(200).text, before);
    assert_eq!(scim.find("/Users", &format!("displayName eq \"{tag}\"")).len(), 1, "no other user was created");
    for part in ALLOWED {
        // A space separates the right-to-left letters from the digits, which may not follow them everywhere.
        let name = format!("{part} {}", unique("u"));
        let made = scim.post("/Users", &json!({ "userName": name })).expect(201);
        made.check(made["userName"] == name.as_str(), "expected the name as it was sent");
        assert_eq!(scim.find("/Users", &format!("userName eq {}", json!(name)))[0]["id"], made.id());
    }
}

/// In other attributes such characters are ordinary: the service stores the text and finds it as it was sent.
fn text_is_stored_and_found_unchanged(target: &Target) {
    let scim = target.client();
    for part in ["\u{0}", "\u{0}\u{0}b", "\u{202e}", "\u{200b}", "\u{feff}", "\u{e0061}", "\r\n", "\u{1f600}"] {
        let tag = unique("text");
        let name = unique("name");
        let text = format!("{tag}{part}");
        let user = json!({ "userName": name, "externalId": text, "title": text, "emails": [{ "value": text }] });
        let user = scim.post("/Users", &user).expect(201).id();
        let group = scim.post("/Groups", &json!({ "displayName": text, "externalId": text })).expect(201).id();
        for (endpoint, id, attributes) in [
            ("/Users", &user, &["externalId", "title", "emails.value"][..]),
            ("/Groups", &group, &["displayName", "externalId"]),
        ] {
            let read = scim.get(format!("{endpoint}/{id}")).expect(200);
            read.check(read["externalId"] == text.as_str(), "expected the text as it was sent");
            for attribute in attributes {
                let found = scim.find(endpoint, &format!("{attribute} eq {}", json!(text)));
                assert_eq!(found.iter().map(|one| &one["id"]).collect::<Vec<_>>(), [id], "{attribute} {text:?}");
                assert!(scim.find(endpoint, &format!("{attribute} eq \"{tag}\"")).is_empty(), "{attribute} {text:?}");
            }
        }
        scim.post("/Groups", &json!({ "displayName": tag })).expect(201);
    }
}
