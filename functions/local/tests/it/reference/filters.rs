//! Filters of lists, compared by the ids of the resources that they find.

use std::collections::BTreeSet;

use acceptance::client::Client;
use fastrand::Rng;
use serde_json::Value;
use testkit::reference::{Filter, Kind, generate};

use super::{ComparisonReport, is_left_out, name_of, other_than, seeds};
use crate::server::Server;

const USERS: usize = 30;
const GROUPS: usize = 8;
/// The number of filters for one directory.
const FILTERS: u64 = 250;

struct Directory {
    server: Server,
    users: Vec<Value>,
    groups: Vec<Value>,
}

impl Directory {
    fn create(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let server = Server::with_dialect("strict");
        let scim = server.client();
        let mut ids = Vec::new();
        for number in 0..USERS {
            let name = format!("{}{number}", ["a", "A", "ab", "b_", "é"][number % 5]);
            ids.push(scim.post("/Users", &generate::user(&mut rng, &name)).expect(201).id());
        }
        let mut members = ids[..6].to_vec();
        for number in 0..GROUPS {
            let name = format!("{}{number}", ["a", "A b", "é", "b"][number % 4]);
            let group = scim.post("/Groups", &generate::group(&mut rng, &name, &members)).expect(201);
            members.push(group.id());
        }
        let users = everything(&scim, "/Users");
        let groups = everything(&scim, "/Groups");
        assert_eq!((users.len(), groups.len()), (USERS, GROUPS));
        Self { server, users, groups }
    }

    /// An endpoint, the types of its resources, and a filter.
    fn query(&self, rng: &mut Rng) -> (&'static str, Vec<Kind>, String) {
        let of_users = |rng: &mut Rng| generate::filter(rng, Kind::User, &self.users);
        let of_groups = |rng: &mut Rng| generate::filter(rng, Kind::Group, &self.groups);
        match rng.u8(..10) {
            0..=5 => ("/Users", vec![Kind::User], of_users(rng)),
            6..=8 => ("/Groups", vec![Kind::Group], of_groups(rng)),
            _ => {
                let both = [of_users(rng), of_groups(rng)];
                let word = if rng.bool() { "and" } else { "or" };
                ("", vec![Kind::User, Kind::Group], format!("({}) {word} ({})", both[0], both[1]))
            }
        }
    }

    /// Sends the filter, and returns what the model expects, and a text if the server answers otherwise.
    fn compare(&self, scim: &Client, endpoint: &str, kinds: &[Kind], filter: &str) -> (String, Option<String>) {
        let answer = scim.list(endpoint, &[("filter", filter), ("count", "1000"), ("attributes", "id")]);
        let parsed = match Filter::parse(filter, kinds) {
            Ok(parsed) => parsed,
            Err(refusal) => return (name_of(&refusal), other_than(&refusal, &answer)),
        };
        let groups = self.groups.iter().filter(|_| kinds.contains(&Kind::Group));
        let all: Vec<&Value> = self.users.iter().filter(|_| kinds.contains(&Kind::User)).chain(groups).collect();
        let expected: BTreeSet<&str> = all.iter().filter(|it| parsed.matches(it)).map(|it| id(it)).collect();
        let expectation = if expected.is_empty() { "200 without resources" } else { "200" };
        if answer.status != 200 {
            return (expectation.to_owned(), Some(format!("expected 200\n{answer}")));
        }
        let found: BTreeSet<&str> = answer.resources().iter().map(id).collect();
        let describe =
            |wrong: &str, ids: Vec<&&str>| match all.iter().find(|it| ids.first().is_some_and(|id| it["id"] == **id)) {
                Some(first) => format!("\n{} {wrong}, such as {first}", ids.len()),
                None => String::new(),
            };
        let missing = describe("are missing", expected.difference(&found).collect());
        let surplus = describe("should not be found", found.difference(&expected).collect());
        let is_right = expected == found && answer.total() == found.len() as u64;
        (expectation.to_owned(), (!is_right).then(|| format!("{endpoint} {filter}{missing}{surplus}")))
    }
}

fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

fn everything(scim: &Client, endpoint: &str) -> Vec<Value> {
    scim.get(format!("{endpoint}?count=1000")).expect(200).resources().to_vec()
}

#[test]
fn random_filter_finds_what_the_model_finds() {
    if is_left_out("random_filter_finds_what_the_model_finds") {
        return;
    }
    let seeds = seeds(2);
    let mut comparison = ComparisonReport::default();
    for first in seeds.clone().step_by(FILTERS as usize) {
        let directory = Directory::create(first);
        let scim = directory.server.client();
        for seed in first..seeds.end.min(first + FILTERS) {
            let (endpoint, kinds, filter) = directory.query(&mut Rng::with_seed(seed));
            let (expected, disagreement) = directory.compare(&scim, endpoint, &kinds, &filter);
            comparison.add(&expected, seed, disagreement);
        }
    }
    comparison.finish("filters", &seeds);
}
