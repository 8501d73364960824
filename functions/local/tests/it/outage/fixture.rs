//! A small directory on a DynamoDB that can fail, requests of every kind, and checks that no change is applied in
//! part.

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};

use crate::outage::proxy::{Proxy, items};
use crate::server::{Data, Server};
use acceptance::answer::{Answer, values};
use acceptance::client::{Client, PATCH};
use acceptance::request::Request;
use acceptance::unique;

pub(crate) struct Fixture {
    pub(crate) proxy: Proxy,
    pub(crate) tenant: String,
    pub(crate) scim: Client,
    pub(crate) ann: String,
    pub(crate) bob: String,
    pub(crate) cy: String,
    /// The id of the group whose members are Ann and Bob.
    pub(crate) staff: String,
    /// The id of the group whose only member is Ann.
    pub(crate) board: String,
    _server: Server,
}

/// A request, and its status while DynamoDB does not fail.
pub(crate) type Case = (Request, u16);

impl Fixture {
    pub(crate) fn new() -> Self {
        let proxy = Proxy::start();
        let tenant = unique("t");
        let server = Server::start(&Data::At(&proxy.url()), &tenant);
        let scim = server.client();
        let [ann, bob, cy] = ["ann", "bob", "cy"].map(|name| {
            let user =
                json!({ "userName": name, "externalId": name, "emails": [{ "value": format!("{name}@b.example") }] });
            scim.post("/Users", &user).expect(201).id()
        });
        let group = |name: &str, members: &[&String]| {
            let group = json!({ "displayName": name, "members": refer(members) });
            scim.post("/Groups", &group).expect(201).id()
        };
        let staff = group("Staff", &[&ann, &bob]);
        let board = group("Board", &[&ann]);
        Self { proxy, tenant, scim, ann, bob, cy, staff, board, _server: server }
    }

    /// One request of every kind that reads.
    pub(crate) fn reads(&self) -> Vec<Case> {
        let paths = [
            "/Users".to_owned(),
            "/Users?startIndex=2&count=1".to_owned(),
            "/Users?filter=userName%20eq%20%22ann%22".to_owned(),
            "/Users?filter=nickName%20pr".to_owned(),
            format!("/Users/{}", self.ann),
            "/Groups".to_owned(),
            "/Groups?filter=displayName%20eq%20%22staff%22".to_owned(),
            format!("/Groups?filter=members.value%20eq%20%22{}%22", self.ann),
            format!("/Groups/{}", self.staff),
        ];
        paths.into_iter().map(|path| (Request::new("GET", path), 200)).collect()
    }

    /// One request of every kind that writes. Sent in this order, all of them succeed, and each changes something.
    pub(crate) fn writes(&self) -> Vec<Case> {
        let Self { ann, bob, cy, staff, board, .. } = self;
        let user = |id: &str| format!("/Users/{id}");
        let group = |id: &str| format!("/Groups/{id}");
        let crew = json!({ "displayName": "Crew", "members": refer(&[ann, cy]) });
        let rename = json!([
            { "op": "replace", "path": "userName", "value": "cyril" },
            { "op": "add", "path": "title", "value": "Dr" },
        ]);
        let push = json!([{ "op": "add", "path": "members", "value": refer(&[cy]) }]);
        let swap = json!({ "displayName": "The Board", "members": refer(&[bob, cy]) });
        vec![
            (
                Request::new("POST", "/Users")
                    .json(&json!({ "userName": "dan", "emails": [{ "value": "d@b.example" }] })),
                201,
            ),
            (Request::new("PUT", user(ann)).json(&json!({ "userName": "anna" })), 200),
            (patch(user(cy), &rename), 200),
            (Request::new("POST", "/Groups").json(&crew), 201),
            (Request::new("PUT", group(board)).json(&swap), 200),
            (patch(group(staff), &push), 200),
            (Request::new("DELETE", user(bob)), 204),
            (Request::new("DELETE", group(staff)), 204),
        ]
    }

    /// Sends all requests at once, and returns the responses in the order of the requests.
    pub(crate) fn send_all(&self, cases: &[Case]) -> Vec<Answer> {
        let scim = &self.scim;
        thread::scope(|scope| {
            let sent: Vec<_> = cases.iter().map(|(request, _)| scope.spawn(|| scim.send(request))).collect();
            sent.into_iter().map(|answer| answer.join().expect("an answer")).collect()
        })
    }

    /// Every item of the tenant, as the table contains it.
    pub(crate) fn items(&self) -> Vec<Value> {
        items(&self.tenant, &self.tenant)
    }

    /// How many change records the tenant has.
    pub(crate) fn changes(&self) -> usize {
        let collection = format!("{}#change", self.tenant);
        self.items().iter().filter(|item| item["pk"]["S"] == collection.as_str()).count()
    }

    /// All users and all groups as a client sees them, after a check of their consistency: each is found once by
    /// its id and by its name, the total is their number, and the groups of each user are those that have it as a
    /// member.
    pub(crate) fn seen(&self) -> [Vec<Value>; 2] {
        let all = [("/Users", "userName"), ("/Groups", "displayName")].map(|(endpoint, name)| {
            let all = self.scim.find(endpoint, &format!("{name} pr"));
            let total = self.scim.get(format!("{endpoint}?count=0")).expect(200).total();
            assert_eq!(total, all.len() as u64, "the total of {endpoint}");
            for one in &all {
                let path = format!("{endpoint}/{}", one["id"].as_str().unwrap());
                assert_eq!(self.scim.get(path).expect(200).body, *one);
                let found = self.scim.find(endpoint, &format!("{name} eq {}", one[name]));
                assert_eq!(found, std::slice::from_ref(one));
            }
            all
        });
        let [users, groups] = &all;
        let edges = |all: &[Value], attribute: &str| -> Vec<(String, String)> {
            let edges =
                |one: &Value| values(&one[attribute]).into_iter().map(|other| (text(&one["id"]), other)).collect();
            all.iter().flat_map(|one| -> Vec<_> { edges(one) }).collect()
        };
        let down: BTreeSet<_> = edges(groups, "members").into_iter().collect();
        let up: BTreeSet<_> = edges(users, "groups").into_iter().map(|(user, group)| (group, user)).collect();
        assert_eq!(down, up, "members and groups do not agree");
        all
    }

    /// Checks that no item mentions this resource but its change records and, for an hour, a bookmark.
    pub(crate) fn check_no_trace_of(&self, id: &str) {
        let kept = ["change", "bookmark"].map(|collection| Value::from(format!("{}#{collection}", self.tenant)));
        let left: Vec<Value> = self.items().into_iter().filter(|item| !kept.contains(&item["pk"]["S"])).collect();
        let left: Vec<_> = left.iter().filter(|item| item.to_string().contains(id)).collect();
        assert!(left.is_empty(), "these items still mention {id}: {left:?}");
    }
}

pub(crate) fn patch(path: String, operations: &Value) -> Request {
    Request::new("PATCH", path).json(&json!({ "schemas": [PATCH], "Operations": operations }))
}

pub(crate) fn refer(ids: &[&String]) -> Value {
    ids.iter().map(|id| json!({ "value": id })).collect()
}

/// Checks for a SCIM error with a `Retry-After`.
pub(crate) fn expect_deferred(answer: Answer, status: u16) -> Answer {
    let answer = answer.expect_error(status, "", &[]);
    let seconds = answer.header("retry-after");
    answer.check(seconds.bytes().all(|byte| byte.is_ascii_digit()), "expected only digits in Retry-After");
    answer.check(seconds.parse::<u32>().is_ok_and(|it| it > 0), "expected a number of seconds in Retry-After");
    answer
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
