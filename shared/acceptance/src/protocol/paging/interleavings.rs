//! Iterates through pages by `startIndex`, interleaved with other iterations and with changes (RFC 7644 §3.4.2.4):
//! a single iteration returns every user exactly once, an iteration that repeats a request misses no user, and of
//! two iterations with one token and one query neither misses a user.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::json;

use crate::client::Client;
use crate::target::{Target, unique};

checks![interleaved_changes_skip_no_user,];

/// The number of users at the beginning.
const USERS: usize = 9;

#[derive(Clone, Debug)]
enum Step {
    /// The first or the second iteration requests a page of at most this many users.
    Page(usize, usize),
    /// The first iteration requests a page, and the response is lost.
    Lost(usize),
    /// The user at this position, modulo the number of users, is deleted.
    Delete(usize),
    Create,
}

fn step(iterations: usize, losses: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        losses => (1..5usize).prop_map(Step::Lost),
        4 => (0..iterations, 1..5usize).prop_map(|(iteration, count)| Step::Page(iteration, count)),
        2 => (0..30usize).prop_map(Step::Delete),
        1 => Just(Step::Create),
    ]
}

#[derive(Default)]
struct Iteration {
    seen: Vec<String>,
    /// The users that have existed since its first page; `None` before that page.
    throughout: Option<BTreeSet<String>>,
    is_done: bool,
}

struct ChangingDirectory<'a> {
    scim: &'a Client,
    tag: String,
    sort_by: Option<&'static str>,
    users: Vec<String>,
    created: usize,
    iterations: Vec<Iteration>,
}

impl ChangingDirectory<'_> {
    fn create(&mut self) {
        let number = self.created;
        self.created += 1;
        // In a sorted list, a later user may precede others.
        let title = (number * 7 % 5).to_string();
        let user = json!({ "userName": format!("{}{number}", self.tag), "title": title });
        self.users.push(self.scim.post("/Users?attributes=id", &user).expect(201).id());
    }

    fn delete(&mut self, place: usize) {
        if self.users.is_empty() {
            return;
        }
        let id = self.users.remove(place % self.users.len());
        self.scim.delete(format!("/Users/{id}")).expect(204);
        for throughout in self.iterations.iter_mut().filter_map(|iteration| iteration.throughout.as_mut()) {
            throughout.remove(&id);
        }
    }

    fn page(&mut self, iteration: usize, count: usize, is_lost: bool) {
        let iteration = &mut self.iterations[iteration];
        if iteration.is_done {
            return;
        }
        iteration.throughout.get_or_insert_with(|| self.users.iter().cloned().collect());
        let filter = format!("userName sw \"{}\"", self.tag);
        let start = (iteration.seen.len() + 1).to_string();
        let count = count.to_string();
        let mut parameters =
            vec![("filter", filter.as_str()), ("startIndex", &start), ("count", &count), ("attributes", "id")];
        parameters.extend(self.sort_by.map(|by| ("sortBy", by)));
        let page = self.scim.list("/Users", &parameters).expect(200);
        if is_lost {
            return;
        }
        iteration.seen.extend(page.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()));
        iteration.is_done = iteration.seen.len() as u64 >= page.total();
    }
}

fn run_steps(
    scim: &Client,
    iterations: usize,
    sort_by: Option<&'static str>,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let tag = unique("w");
    let all = (0..iterations).map(|_| Iteration::default()).collect();
    let mut directory = ChangingDirectory { scim, tag, sort_by, users: Vec::new(), created: 0, iterations: all };
    (0..USERS).for_each(|_| directory.create());
    for step in steps {
        match step {
            Step::Page(iteration, count) => directory.page(*iteration, *count, false),
            Step::Lost(count) => directory.page(0, *count, true),
            Step::Delete(place) => directory.delete(*place),
            Step::Create => directory.create(),
        }
    }
    for iteration in 0..iterations {
        while !directory.iterations[iteration].is_done {
            directory.page(iteration, 3, false);
        }
    }
    let is_clean = iterations == 1 && !steps.iter().any(|step| matches!(step, Step::Lost(_)));
    for iteration in &directory.iterations {
        let distinct: BTreeSet<String> = iteration.seen.iter().cloned().collect();
        let missed: Vec<_> = iteration.throughout.iter().flatten().filter(|id| !distinct.contains(*id)).collect();
        prop_assert!(missed.is_empty(), "expected {missed:?} in {:?}", iteration.seen);
        prop_assert!(
            !is_clean || distinct.len() == iteration.seen.len(),
            "expected every user once in {:?}",
            iteration.seen
        );
    }
    Ok(())
}

fn interleaved_changes_skip_no_user(target: &Target) {
    let scim = target.client();
    let cases = target.random_cases;
    for (iterations, losses, sort_by) in
        [(1, 0, None), (1, 0, Some("title")), (1, 2, None), (1, 2, Some("title")), (2, 0, None), (2, 0, Some("title"))]
    {
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let steps = prop::collection::vec(step(iterations, losses), 5..20);
        let result = runner.run(&steps, |steps| run_steps(&scim, iterations, sort_by, &steps));
        assert!(result.is_ok(), "{iterations} {losses} {sort_by:?}: {}", result.unwrap_err());
    }
}
