//! The comparison of the items of a page with those that have to be beside them. What differs is a subject to examine.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::Tenant;
use protocol::event::{Change, ChangeType};
use schema::{Kind, ResourceId};

use super::counter::{GROUP_COUNTS, MEMBER_COUNTS, has_negative};
use super::subject::Subject;
use super::{Check, ExpectedKeys};
use crate::attributes::Item;
use crate::changes::change_of_item;
use crate::item::{self, ChunkItem};
use crate::key::{self, Collection, Key, PK, SK};
use crate::read::batch::Consistency;
use crate::{Error, Index, Stored, StoredKeys};

/// The number of items that are read and compared at a time.
const KEYS_PER_ROUND: usize = 100;
/// The number of such rounds, and of counts, at the same time.
const MAX_CONCURRENT_ROUNDS: usize = 8;
/// What is read of a resource of which only the state counts.
const STATE: &str = "#pk, #sk, #version, #groupCount";

pub(super) type Subjects = BTreeSet<(Tenant, Subject)>;

/// An item of a page, and what has to hold of others.
struct Comparison {
    subject: (Tenant, Subject),
    expectation: Expectation,
}

/// Which items have to exist, and what they have to say.
enum Expectation {
    /// The resource is the owner of its name, all of its lookups exist, and so does its record.
    Keys { owner: ResourceId, name: Key, others: Vec<Key> },
    /// The owner of a value has the value.
    Owner { resource: Key, kind: Kind, value: Key },
    /// The other membership item exists, and so does one of these resources, which counts its groups.
    Edge { other: Key, resources: Vec<Key>, is_counted: bool },
    /// If the resource exists, it has this version or a later one; it is gone if there is none.
    Version { resource: Key, version: Option<u64> },
}

impl Expectation {
    fn keys(&self) -> Vec<Key> {
        match self {
            Expectation::Keys { name, others, .. } => others.iter().chain([name]).cloned().collect(),
            Expectation::Owner { resource, .. } | Expectation::Version { resource, .. } => vec![resource.clone()],
            Expectation::Edge { other, resources, .. } => resources.iter().chain([other]).cloned().collect(),
        }
    }

    /// Whether whole items have to be read.
    fn needs_whole_items(&self) -> bool {
        matches!(self, Expectation::Keys { .. } | Expectation::Owner { .. })
    }

    fn holds(&self, check: &Check<'_>, tenant: &Tenant, found: &HashMap<Key, Item>) -> bool {
        match self {
            Expectation::Keys { owner, name, others } => {
                let is_owner = |key| found.get(key).is_some_and(|item| item::text(item, "owner") == Ok(owner.as_str()));
                is_owner(name) && others.iter().all(|key| found.contains_key(key))
            }
            Expectation::Owner { resource, kind, value } => found.get(resource).is_some_and(|item| {
                let stored = item::stored(*kind, item.clone());
                stored.is_ok_and(|stored| check.expected(tenant, &stored).is_some_and(|keys| keys.has(value)))
            }),
            Expectation::Edge { other, resources, is_counted } => {
                let number =
                    |item: &Item| item.get("groupCount").and_then(|count| count.as_n().ok()?.parse::<u64>().ok());
                let is_right = |item: &Item| !*is_counted || number(item).unwrap_or(0) > 0;
                found.contains_key(other) && resources.iter().filter_map(|key| found.get(key)).any(is_right)
            }
            Expectation::Version { resource, version } => found.get(resource).is_none_or(|item| {
                let now = item.get("version").and_then(|version| version.as_n().ok()?.parse::<u64>().ok());
                version.is_some_and(|version| now.is_some_and(|now| now >= version))
            }),
        }
    }
}

/// The keys of the items by which a resource is found.
pub(super) struct ResourceKeys {
    /// The key of its unique name.
    pub(super) name: Key,
    /// The key that an earlier release gave it.
    pub(super) former_name: Option<Key>,
    pub(super) lookups: Vec<(Index, Key)>,
    /// The keys that an earlier release gave its e-mail addresses, if they are other ones.
    pub(super) former_lookups: Vec<Key>,
    /// Those that are stored with the resource.
    pub(super) stored: StoredKeys,
}

impl ResourceKeys {
    pub(super) fn has(&self, key: &Key) -> bool {
        self.all().any(|own| own == key) || self.former_lookups.contains(key)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Key> {
        [&self.name].into_iter().chain(&self.former_name).chain(self.lookups.iter().map(|(_, key)| key))
    }
}

impl Check<'_> {
    /// The subjects that a page shows to be examined.
    pub(super) async fn compare(&self, items: Vec<Item>) -> Result<Subjects, Error> {
        let mut subjects = Subjects::new();
        let mut comparisons = Vec::new();
        let mut counted = Vec::new();
        let mut first_of = BTreeMap::<(Tenant, Kind), ResourceId>::new();
        for item in items {
            let key = Key { pk: item::text(&item, PK)?.to_owned(), sk: item::text(&item, SK)?.to_owned() };
            let Some((tenant, collection)) = key::collection(&key.pk) else { continue };
            if let (Collection::Resources(kind), Some(id)) = (&collection, ResourceId::parse(&key.sk)) {
                let first = first_of.entry((tenant.clone(), *kind)).or_insert_with(|| id.clone());
                *first = id.min(first.clone());
            }
            match self.of_item(&tenant, &collection, &key, item) {
                Ok(Compared { subjects: more, comparisons: some, counted: stored }) => {
                    subjects.extend(more.into_iter().map(|subject| (tenant.clone(), subject)));
                    comparisons.extend(
                        some.into_iter().map(|(subject, expectation)| Comparison {
                            subject: (tenant.clone(), subject),
                            expectation,
                        }),
                    );
                    counted.extend(stored.map(|stored| (tenant, stored)));
                }
                Err(Error::Corrupt(_) | Error::NewerFormat) => {
                    subjects.insert((tenant, Subject::Unreadable(key)));
                }
                Err(error) => return Err(error),
            }
        }
        subjects.extend(self.differing(comparisons).await?);
        if self.with_counts {
            subjects.extend(self.miscounted(counted).await?);
            subjects.extend(self.first_resources(first_of).await?);
        }
        Ok(subjects)
    }

    fn of_item(&self, tenant: &Tenant, collection: &Collection, key: &Key, item: Item) -> Result<Compared, Error> {
        match collection {
            Collection::Resources(kind) => self.of_resource(tenant, *kind, item),
            Collection::Names(kind) => owner(tenant, key, *kind, &item),
            Collection::Lookups(index) => owner(tenant, key, index.kind(), &item),
            Collection::Members(group) => {
                let member = item::id(&key.sk)?;
                let other = Key::member_of(tenant, &member, group);
                let resources = vec![Key::resource(tenant, Kind::Group, group)];
                let subject = Subject::Edge { group: group.clone(), member };
                Ok(Compared::one(subject, Expectation::Edge { other, resources, is_counted: false }))
            }
            Collection::GroupsOf(member) => {
                let group = item::id(&key.sk)?;
                let other = Key::member(tenant, &group, member);
                let resources = Kind::ALL.map(|kind| Key::resource(tenant, kind, member)).to_vec();
                let subject = Subject::Edge { group, member: member.clone() };
                Ok(Compared::one(subject, Expectation::Edge { other, resources, is_counted: self.with_counts }))
            }
            Collection::Changes => Ok(records(tenant, &change_of_item(item)?)),
            Collection::Chunks(change) => {
                let is_applied = item::body::<ChunkItem>(item)?.applied;
                Ok(Compared::examined((!is_applied).then(|| Subject::Chunks(change.clone()))))
            }
            Collection::PendingChanges => {
                let id = ResourceId::parse(&key.sk).filter(|_| key.sk != key::LAST_SETTLED);
                Ok(Compared::examined(id.map(Subject::Pending)))
            }
            Collection::Counts => {
                let kind = Kind::ALL.into_iter().find(|kind| key.sk.starts_with(&key::count_prefix(*kind)));
                Ok(Compared::examined(kind.filter(|_| self.with_counts).map(Subject::Count)))
            }
        }
    }

    fn of_resource(&self, tenant: &Tenant, kind: Kind, item: Item) -> Result<Compared, Error> {
        let record = super::resource::record_to_check(tenant, &item)?;
        let is_negative = [&MEMBER_COUNTS[..], &GROUP_COUNTS].iter().any(|it| has_negative(&item, it));
        let stored = item::stored(kind, item)?;
        let subject = Subject::Resource { kind, id: stored.id.clone(), version: 0 };
        let Some(keys) = self.expected(tenant, &stored) else { return Ok(Compared::examined(Some(subject))) };
        if stored.member_summary.pending.is_some() || is_negative {
            return Ok(Compared::examined(Some(subject)));
        }
        let others = keys.lookups.into_iter().map(|(_, key)| key).chain(record).collect();
        let expectation = Expectation::Keys { owner: stored.id.clone(), name: keys.name, others };
        Ok(Compared { counted: Some(stored), ..Compared::one(subject, expectation) })
    }

    /// The keys by which a resource should be found; `None` if its attributes are not valid.
    pub(super) fn expected(&self, tenant: &Tenant, stored: &Stored) -> Option<ResourceKeys> {
        let ExpectedKeys { keys, former_name, former_emails } = (self.keys_of)(stored)?;
        let email = |value: &String| Key::lookup(tenant, Index::UserEmail, value, &stored.id);
        Some(ResourceKeys {
            name: Key::name(tenant, stored.kind, &keys.name),
            former_name: former_name.map(|name| Key::name(tenant, stored.kind, &name)),
            former_lookups: former_emails.iter().map(email).collect(),
            stored: keys.stored,
            lookups: keys
                .lookups
                .iter()
                .map(|(index, value)| (*index, Key::lookup(tenant, *index, value, &stored.id)))
                .collect(),
        })
    }

    /// The subjects of the comparisons that do not hold.
    async fn differing(&self, comparisons: Vec<Comparison>) -> Result<Subjects, Error> {
        let (whole, state): (Vec<_>, Vec<_>) =
            comparisons.into_iter().partition(|comparison| comparison.expectation.needs_whole_items());
        let rounds = rounds(whole).into_iter().map(|round| (round, None));
        let rounds = rounds.chain(self::rounds(state).into_iter().map(|round| (round, Some(STATE))));
        let compared = rounds.map(|(round, attributes)| self.compare_round(round, attributes));
        let differing = stream::iter(compared.collect::<Vec<_>>()).buffer_unordered(MAX_CONCURRENT_ROUNDS);
        differing.try_fold(Subjects::new(), async |all, some| Ok(all.into_iter().chain(some).collect())).await
    }

    async fn compare_round(&self, round: Vec<Comparison>, attributes: Option<&str>) -> Result<Subjects, Error> {
        let keys: BTreeSet<Key> = round.iter().flat_map(|comparison| comparison.expectation.keys()).collect();
        let items = self.directory.read_batch(keys, attributes, Consistency::Eventual).await?;
        let mut found = HashMap::with_capacity(items.len());
        for item in items {
            let key = Key { pk: item::text(&item, PK)?.to_owned(), sk: item::text(&item, SK)?.to_owned() };
            found.insert(key, item);
        }
        let differs = |it: &Comparison| !it.expectation.holds(self, &it.subject.0, &found);
        Ok(round.into_iter().filter(differs).map(|it| it.subject).collect())
    }
}

/// What an item of a page shows.
#[derive(Default)]
struct Compared {
    subjects: Vec<Subject>,
    comparisons: Vec<(Subject, Expectation)>,
    /// A resource whose counts can be compared.
    counted: Option<Stored>,
}

impl Compared {
    fn one(subject: Subject, expectation: Expectation) -> Self {
        Self { comparisons: vec![(subject, expectation)], ..Self::default() }
    }

    fn examined(subject: Option<Subject>) -> Self {
        Self { subjects: subject.into_iter().collect(), ..Self::default() }
    }
}

fn owner(tenant: &Tenant, key: &Key, kind: Kind, item: &Item) -> Result<Compared, Error> {
    let id = item::id(item::text(item, "owner")?)?;
    let resource = Key::resource(tenant, kind, &id);
    let expectation = Expectation::Owner { resource, kind, value: key.clone() };
    Ok(Compared::one(Subject::Owner { key: key.clone(), kind, id }, expectation))
}

/// What a change record says about the versions of resources.
fn records(tenant: &Tenant, change: &Change) -> Compared {
    let resource = |kind, id: &ResourceId| Key::resource(tenant, kind, id);
    let mut compared = Compared::default();
    let (kind, id) = (change.kind, change.resource.clone());
    let expectation = Expectation::Version { resource: resource(kind, &id), version: change.after };
    let subject = match (change.change_type, change.after) {
        (ChangeType::Deleted, _) | (_, None) => Subject::Deleted { kind, id },
        (_, Some(version)) => Subject::Resource { kind, id, version },
    };
    compared.comparisons.push((subject, expectation));
    for exit in &change.group_exits {
        if let Some(version) = exit.version {
            let subject = Subject::Resource { kind: Kind::Group, id: exit.group.clone(), version };
            let resource = resource(Kind::Group, &exit.group);
            compared.comparisons.push((subject, Expectation::Version { resource, version: Some(version) }));
        }
    }
    compared
}

/// Divides comparisons so that each round reads about as many items as one call returns.
fn rounds(comparisons: Vec<Comparison>) -> Vec<Vec<Comparison>> {
    let mut rounds: Vec<Vec<Comparison>> = Vec::new();
    let mut keys = BTreeSet::new();
    for comparison in comparisons {
        let more = comparison.expectation.keys();
        if rounds.is_empty() || keys.len() + more.len() > KEYS_PER_ROUND {
            rounds.push(Vec::new());
            keys.clear();
        }
        keys.extend(more);
        if let Some(round) = rounds.last_mut() {
            round.push(comparison);
        }
    }
    rounds
}
