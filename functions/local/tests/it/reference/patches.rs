//! PATCH requests, compared by their status and by the resource afterwards.

use acceptance::client::Client;
use fastrand::Rng;
use serde_json::{Value, json};
use testkit::reference::generate;
use testkit::reference::{Kind, MemberDirectory, patch};

use super::{ComparisonReport, MAX_SHOWN, is_left_out, name_of, other_than, seeds};
use crate::server::Server;

/// The number of users that can be members of the groups; there is one group, too.
const MEMBERS: usize = 5;

struct Patches {
    kind: Kind,
    scim: Client,
    /// The resources that can be members.
    directory: MemberDirectory,
    _server: Server,
}

/// One request: the resource as it is created, and the operations.
#[derive(Clone)]
struct Case {
    body: Value,
    operations: Vec<Value>,
}

impl Case {
    /// The case without one of its operations, or without one of the attributes that are not required.
    fn without(&self, at: usize) -> Option<Self> {
        let mut smaller = self.clone();
        if at < self.operations.len() {
            smaller.operations.remove(at);
            return (!smaller.operations.is_empty()).then_some(smaller);
        }
        let attributes = smaller.body.as_object_mut().unwrap();
        let name = attributes.keys().nth(at - self.operations.len())?.clone();
        let is_needed = ["schemas", "userName", "displayName"].contains(&name.as_str());
        attributes.remove(&name).filter(|_| !is_needed).map(|_| smaller)
    }
}

impl Patches {
    fn new(kind: Kind) -> Self {
        let server = Server::with_dialect("strict");
        let scim = server.client();
        let mut patches = Self { kind, scim, directory: MemberDirectory::default(), _server: server };
        for number in 0..MEMBERS {
            let user = json!({ "schemas": [Kind::User.schema()], "userName": format!("member{number}") });
            patches.add_member("/Users", &user);
        }
        let group = json!({ "schemas": [Kind::Group.schema()], "displayName": "member" });
        patches.add_member("/Groups", &group);
        patches
    }

    fn add_member(&mut self, endpoint: &str, body: &Value) {
        let member = self.scim.post(endpoint, body).expect(201);
        let text = |name: &str| member["meta"][name].as_str().unwrap().to_owned();
        self.directory.resources.insert(member.id(), (text("resourceType"), text("location")));
    }

    fn case(&self, seed: u64) -> Case {
        let mut rng = Rng::with_seed(seed);
        let name = format!("name{seed}");
        let new_name = format!("new{seed}");
        let ids: Vec<String> = self.directory.resources.keys().cloned().collect();
        let body = match self.kind {
            Kind::User => generate::user(&mut rng, &name),
            Kind::Group => generate::group(&mut rng, &name, &ids),
        };
        let operations = match self.kind {
            Kind::User => generate::user_operations(&mut rng, &body, &new_name),
            Kind::Group => generate::group_operations(&mut rng, &body, &new_name, &ids),
        };
        Case { body, operations }
    }

    /// Creates the resource, sends the request, and deletes the resource. Returns what the model expects, and a text
    /// if the server does otherwise.
    fn compare(&self, case: &Case) -> (String, Option<String>) {
        let endpoint = if self.kind == Kind::User { "/Users" } else { "/Groups" };
        let before = self.scim.post(endpoint, &case.body).expect(201);
        let path = format!("{endpoint}/{}", before.id());
        let before = before.body;
        let directory = MemberDirectory { id: before["id"].as_str().unwrap().to_owned(), ..self.directory.clone() };
        let answer = self.scim.patch(&path, &json!(case.operations));
        let after = self.scim.get(&path).expect(200).body;
        self.scim.delete(&path).expect(204);
        match patch(self.kind, &before, &case.operations, &directory) {
            Err(refusal) => {
                let change = (after != before).then(|| format!("expected no change of {before}\nnow {after}"));
                (name_of(&refusal), other_than(&refusal, &answer).or(change))
            }
            Ok(_) if answer.status != 200 => ("200".to_owned(), Some(format!("expected 200\n{answer}"))),
            Ok(_) if answer.body != after => {
                ("200".to_owned(), Some(format!("expected the resource\n{answer}\nnow {after}")))
            }
            Ok(expected) => ("200".to_owned(), difference(&before, &expected, &after)),
        }
    }

    /// The case without the operations and attributes that do not matter for the disagreement, and its text.
    fn shrink(&self, mut case: Case, mut disagreement: String) -> String {
        let mut at = 0;
        while at < case.operations.len() + case.body.as_object().unwrap().len() {
            match case.without(at).and_then(|smaller| Some((self.compare(&smaller).1?, smaller))) {
                Some((text, smaller)) => (case, disagreement) = (smaller, text),
                None => at += 1,
            }
        }
        format!("POST {}\nPATCH {}\n{disagreement}", case.body, json!(case.operations))
    }

    fn check(name: &str, kind: Kind) {
        if is_left_out(name) {
            return;
        }
        let patches = Self::new(kind);
        let seeds = seeds(4);
        let mut comparison = ComparisonReport::default();
        for seed in seeds.clone() {
            let case = patches.case(seed);
            let (expected, disagreement) = patches.compare(&case);
            let is_shown = comparison.disagreements.len() < MAX_SHOWN;
            let text = disagreement.map(|text| if is_shown { patches.shrink(case, text) } else { text });
            comparison.add(&expected, seed, text);
        }
        comparison.finish(name, &seeds);
    }
}

/// A text if the resource is not as expected, or if its version and its `lastModified` have changed without a change
/// (§3.5.2.1), or not with one.
fn difference(before: &Value, expected: &Value, after: &Value) -> Option<String> {
    let before_it = comparable(before);
    let expected = comparable(expected);
    let after_it = comparable(after);
    let mut names = expected.as_object().unwrap().keys().chain(after_it.as_object().unwrap().keys());
    if let Some(name) = names.find(|name| expected[*name] != after_it[*name]) {
        let [before, expected, after] = [&before_it, &expected, &after_it].map(|it| &it[name]);
        return Some(format!("{name}\nbefore   {before}\nexpected {expected}\nnow      {after}"));
    }
    let stays = |name: &str| before["meta"][name] == after["meta"][name];
    let is_right = match before_it == after_it {
        true => stays("version") && stays("lastModified"),
        false => !stays("version"),
    };
    (!is_right).then(|| format!("expected the version to follow the change\nbefore {before}\nnow    {after}"))
}

/// The resource without the parts of `meta` that change, and with values that have no order in one order.
fn comparable(resource: &Value) -> Value {
    let mut resource = resource.clone();
    let meta = resource["meta"].as_object_mut().unwrap();
    meta.retain(|name, _| name != "version" && name != "lastModified");
    for name in ["schemas", "members"] {
        if let Some(values) = resource.get_mut(name).and_then(Value::as_array_mut) {
            values.sort_by_key(|value| value.as_str().or(value["value"].as_str()).map(str::to_owned));
        }
    }
    resource
}

#[test]
fn random_patch_of_a_user_has_the_effect_that_the_model_gives_it() {
    Patches::check("PATCH requests of users", Kind::User);
}

#[test]
fn random_patch_of_a_group_has_the_effect_that_the_model_gives_it() {
    Patches::check("PATCH requests of groups", Kind::Group);
}
