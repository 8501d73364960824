//! The comparison of the items of a page with those that have to exist beside them. If they do not agree, the check
//! examines the subject to which they belong.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use schema::{Kind, ResourceId};

use super::TableCheck;
use super::expectation::SubjectExpectation;
use super::item_expectations::ItemExpectations;
use super::subject::{CheckSubject, CheckSubjects};
use crate::Error;
use crate::attributes::Item;
use crate::item;
use crate::key::{self, Collection, Key, PK, SK};
use crate::read::batch::Consistency;

/// The number of items that are read and compared at a time.
const KEYS_PER_ROUND: usize = 100;
/// The number of such rounds at the same time.
const MAX_CONCURRENT_ROUNDS: usize = 8;
/// The attributes that are read of a resource if an expectation needs only its version and its count of groups.
const STATE: &str = "#pk, #sk, #version, #groupCount";

impl TableCheck<'_> {
    /// The subjects that have to be examined because of the items of a page.
    pub(super) async fn compare(&self, items: Vec<Item>) -> Result<CheckSubjects, Error> {
        let mut subjects = CheckSubjects::new();
        let mut expectations = Vec::new();
        let mut resources = Vec::new();
        let mut first_of = BTreeMap::<(Tenant, Kind), ResourceId>::new();
        for item in items {
            let key = key_of(&item)?;
            let Some((tenant, collection)) = key::collection(&key.pk) else { continue };
            if let (Collection::Resources(kind), Some(id)) = (&collection, ResourceId::parse(&key.sk)) {
                let first = first_of.entry((tenant.clone(), *kind)).or_insert_with(|| id.clone());
                *first = id.min(first.clone());
            }
            match self.expectations_of_item(&tenant, &collection, &key, item) {
                Ok(ItemExpectations { subjects: to_examine, expectations: of_item, resource }) => {
                    subjects.extend(to_examine.into_iter().map(|subject| (tenant.clone(), subject)));
                    expectations.extend(of_item.into_iter().map(|(subject, expectation)| SubjectExpectation {
                        subject: (tenant.clone(), subject),
                        expectation,
                    }));
                    resources.extend(resource.map(|resource| (tenant, resource)));
                }
                Err(Error::Corrupt(_) | Error::NewerFormat) => {
                    subjects.insert((tenant, CheckSubject::Unreadable(key)));
                }
                Err(error) => return Err(error),
            }
        }
        subjects.extend(self.find_unmet(expectations).await?);
        if self.with_counts {
            subjects.extend(self.find_miscounted(resources).await?);
            subjects.extend(self.first_resources(first_of).await?);
        }
        Ok(subjects)
    }

    /// The subjects whose expectations other items do not meet.
    async fn find_unmet(&self, expectations: Vec<SubjectExpectation>) -> Result<CheckSubjects, Error> {
        let (whole, state): (Vec<_>, Vec<_>) =
            expectations.into_iter().partition(|one| one.expectation.needs_whole_items());
        let whole = rounds(whole).into_iter().map(|round| (round, None));
        let state = rounds(state).into_iter().map(|round| (round, Some(STATE)));
        let reads: Vec<_> =
            whole.chain(state).map(|(round, attributes)| self.find_unmet_of_round(round, attributes)).collect();
        let unmet = stream::iter(reads).buffer_unordered(MAX_CONCURRENT_ROUNDS);
        unmet.try_fold(CheckSubjects::new(), async |all, some| Ok(all.into_iter().chain(some).collect())).await
    }

    async fn find_unmet_of_round(
        &self,
        round: Vec<SubjectExpectation>,
        attributes: Option<&str>,
    ) -> Result<CheckSubjects, Error> {
        let keys: BTreeSet<Key> = round.iter().flat_map(|one| one.expectation.keys()).collect();
        let items = self.directory.read_batch(keys, attributes, Consistency::Eventual).await?;
        let mut found = HashMap::with_capacity(items.len());
        for item in items {
            found.insert(key_of(&item)?, item);
        }
        let is_unmet = |one: &SubjectExpectation| !one.expectation.is_met(self, &one.subject.0, &found);
        Ok(round.into_iter().filter(is_unmet).map(|one| one.subject).collect())
    }
}

fn key_of(item: &Item) -> Result<Key, Error> {
    Ok(Key { pk: item::text(item, PK)?.to_owned(), sk: item::text(item, SK)?.to_owned() })
}

/// Divides expectations so that each round reads about as many items as one call returns.
fn rounds(expectations: Vec<SubjectExpectation>) -> Vec<Vec<SubjectExpectation>> {
    let mut rounds: Vec<Vec<SubjectExpectation>> = Vec::new();
    let mut keys = BTreeSet::new();
    for one in expectations {
        let more = one.expectation.keys();
        if rounds.is_empty() || keys.len() + more.len() > KEYS_PER_ROUND {
            rounds.push(Vec::new());
            keys.clear();
        }
        keys.extend(more);
        if let Some(round) = rounds.last_mut() {
            round.push(one);
        }
    }
    rounds
}
