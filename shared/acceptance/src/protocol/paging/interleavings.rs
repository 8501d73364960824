//! Walks by `startIndex` in every interleaving with each other and with changes (RFC 7644 §3.4.2.4): one alone sees everyone exactly
//! once, one that asks again misses nobody, and of two with one token and one query neither misses anybody.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::json;

use crate::client::Client;
use crate::target::{Target, unique};

checks![interleaved_changes_skip_nobody,];

/// Who there is at the beginning.
const USERS: usize = 9;

#[derive(Clone, Debug)]
enum Step {
    /// The first or the second walker asks for a page, of at most so many.
    Page(usize, usize),
    /// The first walker asks, and the answer is lost.
    Lost(usize),
    /// Somebody is deleted: the one at this place, from the beginning and round.
    Delete(usize),
    Create,
}

fn step(walkers: usize, losses: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        losses => (1..5usize).prop_map(Step::Lost),
        4 => (0..walkers, 1..5usize).prop_map(|(walker, count)| Step::Page(walker, count)),
        2 => (0..30usize).prop_map(Step::Delete),
        1 => Just(Step::Create),
    ]
}

#[derive(Default)]
struct Walker {
    seen: Vec<String>,
    /// Those who were there at its first page and have been since; none before.
    throughout: Option<BTreeSet<String>>,
    is_done: bool,
}

struct Directory<'a> {
    scim: &'a Client,
    tag: String,
    sort_by: Option<&'static str>,
    users: Vec<String>,
    created: usize,
    walkers: Vec<Walker>,
}

impl Directory<'_> {
    fn create(&mut self) {
        let number = self.created;
        self.created += 1;
        // Sorted, who comes later may stand before others.
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
        for throughout in self.walkers.iter_mut().filter_map(|walker| walker.throughout.as_mut()) {
            throughout.remove(&id);
        }
    }

    fn page(&mut self, walker: usize, count: usize, is_lost: bool) {
        let walker = &mut self.walkers[walker];
        if walker.is_done {
            return;
        }
        walker.throughout.get_or_insert_with(|| self.users.iter().cloned().collect());
        let filter = format!("userName sw \"{}\"", self.tag);
        let (start, count) = ((walker.seen.len() + 1).to_string(), count.to_string());
        let mut parameters =
            vec![("filter", filter.as_str()), ("startIndex", &start), ("count", &count), ("attributes", "id")];
        parameters.extend(self.sort_by.map(|by| ("sortBy", by)));
        let page = self.scim.list("/Users", &parameters).expect(200);
        if is_lost {
            return;
        }
        walker.seen.extend(page.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()));
        walker.is_done = walker.seen.len() as u64 >= page.total();
    }
}

fn walk(scim: &Client, walkers: usize, sort_by: Option<&'static str>, steps: &[Step]) -> Result<(), TestCaseError> {
    let tag = unique("w");
    let walks = (0..walkers).map(|_| Walker::default()).collect();
    let mut directory = Directory { scim, tag, sort_by, users: Vec::new(), created: 0, walkers: walks };
    (0..USERS).for_each(|_| directory.create());
    for step in steps {
        match step {
            Step::Page(walker, count) => directory.page(*walker, *count, false),
            Step::Lost(count) => directory.page(0, *count, true),
            Step::Delete(place) => directory.delete(*place),
            Step::Create => directory.create(),
        }
    }
    for walker in 0..walkers {
        while !directory.walkers[walker].is_done {
            directory.page(walker, 3, false);
        }
    }
    let is_clean = walkers == 1 && !steps.iter().any(|step| matches!(step, Step::Lost(_)));
    for walker in &directory.walkers {
        let distinct: BTreeSet<String> = walker.seen.iter().cloned().collect();
        let missed: Vec<_> = walker.throughout.iter().flatten().filter(|id| !distinct.contains(*id)).collect();
        prop_assert!(missed.is_empty(), "missed {missed:?}, seen {:?}", walker.seen);
        prop_assert!(!is_clean || distinct.len() == walker.seen.len(), "twice: {:?}", walker.seen);
    }
    Ok(())
}

fn interleaved_changes_skip_nobody(target: &Target) {
    let scim = target.client();
    let cases = target.random_cases;
    for (walkers, losses, sort_by) in
        [(1, 0, None), (1, 0, Some("title")), (1, 2, None), (1, 2, Some("title")), (2, 0, None), (2, 0, Some("title"))]
    {
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let steps = prop::collection::vec(step(walkers, losses), 5..20);
        let result = runner.run(&steps, |steps| walk(&scim, walkers, sort_by, &steps));
        assert!(result.is_ok(), "{walkers} {losses} {sort_by:?}: {}", result.unwrap_err());
    }
}
