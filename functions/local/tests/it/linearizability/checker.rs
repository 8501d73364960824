//! Checks linearizability: whether operations on names have a serial order that explains every response, and in
//! which an operation that ended before another one began comes before it. The check is exact: it tries every order
//! except those that lead to a state that was tried before.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

/// The name of each user that exists, by the number of the user.
pub(crate) type UserNames = BTreeMap<u32, u8>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OperationInput {
    Create { user: u32, name: u8 },
    Rename { user: u32, name: u8 },
    Delete { user: u32 },
    Find { name: u8 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OperationOutput {
    Done,
    /// Another user has the name.
    Taken,
    /// There is no such user.
    Gone,
    /// The user who has the name.
    Found(Option<u32>),
    /// The outcome is unknown: the operation takes effect at some time after its beginning, or never.
    Open,
}

#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) input: OperationInput,
    pub(crate) output: OperationOutput,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
}

impl Operation {
    /// The state after this operation; `None` if its response is impossible in `state`.
    fn apply(&self, state: &UserNames) -> Option<UserNames> {
        let owner = |name: u8| state.iter().find(|(_, has)| **has == name).map(|(user, _)| *user);
        let (outcome, after) = match self.input {
            OperationInput::Create { user, name } => match owner(name) {
                Some(_) => (OperationOutput::Taken, None),
                None => (OperationOutput::Done, Some((user, Some(name)))),
            },
            OperationInput::Rename { user, .. } if !state.contains_key(&user) => (OperationOutput::Gone, None),
            OperationInput::Rename { user, name } => match owner(name).filter(|owner| *owner != user) {
                Some(_) => (OperationOutput::Taken, None),
                None => (OperationOutput::Done, Some((user, Some(name)))),
            },
            OperationInput::Delete { user } if !state.contains_key(&user) => (OperationOutput::Gone, None),
            OperationInput::Delete { user } => (OperationOutput::Done, Some((user, None))),
            OperationInput::Find { name } => (OperationOutput::Found(owner(name)), None),
        };
        if self.output != outcome && (self.output != OperationOutput::Open || outcome != OperationOutput::Done) {
            return None;
        }
        let mut next = state.clone();
        match after {
            Some((user, Some(name))) => drop(next.insert(user, name)),
            Some((user, None)) => drop(next.remove(&user)),
            None => {}
        }
        Some(next)
    }
}

/// Whether a serial order of at most 128 operations exists that starts without users.
pub(crate) fn exists(history: &[Operation]) -> bool {
    assert!(history.len() <= 128, "{} operations", history.len());
    let mut seen: HashSet<(u128, UserNames)> = HashSet::new();
    let mut next = vec![(0_u128, UserNames::new())];
    while let Some((done, state)) = next.pop() {
        let left = || history.iter().enumerate().filter(move |(at, _)| done & (1 << at) == 0);
        let closed = || left().filter(|(_, it)| it.output != OperationOutput::Open);
        let Some(first_end) = closed().map(|(_, it)| it.ended).min() else { return true };
        for (at, operation) in left().filter(|(_, it)| it.begun <= first_end) {
            if let Some(state) = operation.apply(&state) {
                let step = (done | (1 << at), state);
                if seen.insert(step.clone()) {
                    next.push(step);
                }
            }
        }
    }
    false
}

/// Whether the writes have a serial order, and each other response fits a state that its request could see: that after
/// all writes that ended before it began, and after any of those at the same time. DynamoDB shows the items of a
/// transaction one after the other, so that one request may see a write that is not acknowledged, and the next one not.
pub(crate) fn exists_for_writes(history: &[Operation]) -> bool {
    let is_write = |it: &&Operation| {
        matches!(it.output, OperationOutput::Done | OperationOutput::Open)
            && !matches!(it.input, OperationInput::Find { .. })
    };
    let (writes, reads): (Vec<&Operation>, Vec<&Operation>) = history.iter().partition(is_write);
    let writes: Vec<Operation> = writes.into_iter().cloned().collect();
    exists(&writes) && reads.into_iter().all(|read| fits(&writes, read))
}

fn fits(writes: &[Operation], read: &Operation) -> bool {
    let begun = writes.iter().filter(|write| write.begun < read.ended);
    let seen = begun.map(|write| {
        let is_certain = write.output == OperationOutput::Done && write.ended < read.begun;
        Operation { output: if is_certain { OperationOutput::Done } else { OperationOutput::Open }, ..write.clone() }
    });
    exists(&seen.chain([read.clone()]).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Operations of one second each, which begin at these seconds.
    fn history(operations: &[(u64, OperationInput, OperationOutput)]) -> Vec<Operation> {
        let start = Instant::now();
        let at = |second: u64| start + Duration::from_secs(second);
        let operations = operations.iter().cloned();
        operations
            .map(|(begun, input, output)| Operation { input, output, begun: at(begun), ended: at(begun + 1) })
            .collect()
    }

    #[test]
    fn serial_order_exists_for_linearizable_histories_only() {
        let create = |user| OperationInput::Create { user, name: 1 };
        let find = |user| OperationOutput::Found(user);
        let done = OperationOutput::Done;
        let taken = OperationOutput::Taken;
        let gone = OperationOutput::Gone;
        let (at, delete, rename) = (
            OperationInput::Find { name: 1 },
            OperationInput::Delete { user: 7 },
            OperationInput::Rename { user: 7, name: 2 },
        );
        for (operations, expect) in [
            (vec![(0, create(7), done.clone()), (5, create(8), taken.clone()), (9, at.clone(), find(Some(7)))], true),
            (vec![(0, create(7), done.clone()), (5, create(8), done.clone())], false),
            (vec![(0, create(7), done.clone()), (5, at.clone(), find(None))], false),
            // Of two operations at the same time, either may come first.
            (vec![(0, create(7), done.clone()), (0, at.clone(), find(None))], true),
            (vec![(0, create(7), taken.clone())], false),
            (vec![(0, create(7), taken.clone()), (0, create(8), done.clone())], true),
            (
                vec![(0, create(7), done.clone()), (5, delete.clone(), done.clone()), (9, at.clone(), find(Some(7)))],
                false,
            ),
            (
                vec![
                    (0, create(7), done.clone()),
                    (5, delete.clone(), done.clone()),
                    (9, delete.clone(), gone.clone()),
                ],
                true,
            ),
            (vec![(0, create(7), done.clone()), (5, delete.clone(), gone)], false),
            (vec![(0, create(7), done.clone()), (5, rename.clone(), done.clone()), (9, create(8), done.clone())], true),
            (vec![(0, create(7), done.clone()), (5, rename, taken)], false),
            // An operation of unknown outcome may become visible later, or never; but its effect may not disappear.
            (vec![(0, create(7), OperationOutput::Open), (5, at.clone(), find(Some(7)))], true),
            (
                vec![
                    (0, create(7), OperationOutput::Open),
                    (5, at.clone(), find(None)),
                    (9, at.clone(), find(Some(7))),
                ],
                true,
            ),
            (vec![(0, create(7), OperationOutput::Open), (5, at.clone(), find(Some(7))), (9, at, find(None))], false),
            (vec![(0, create(7), OperationOutput::Open), (5, create(8), done.clone()), (9, delete, done)], false),
        ] {
            assert_eq!(exists(&history(&operations)), expect, "{operations:?}");
        }
    }

    #[test]
    fn torn_reads_see_all_acknowledged_writes_and_any_of_the_others() {
        let done = || OperationOutput::Done;
        let create = |user| (OperationInput::Create { user, name: 1 }, OperationOutput::Done);
        let delete = || (OperationInput::Delete { user: 7 }, OperationOutput::Done);
        let find = |user| (OperationInput::Find { name: 1 }, OperationOutput::Found(user));
        let rename = |output| (OperationInput::Rename { user: 7, name: 2 }, output);
        let at = |second: u64, (input, output)| (second, input, output);
        for (operations, expect) in [
            // The delete and the searches are at the same time.
            (vec![at(0, create(7)), at(5, delete()), at(5, find(None)), at(5, find(Some(7)))], true),
            (vec![at(0, create(7)), at(5, delete()), at(5, find(None)), at(5, rename(OperationOutput::Gone))], true),
            (vec![at(0, create(7)), at(5, find(None))], false),
            (vec![at(0, create(7)), at(5, delete()), at(9, find(Some(7)))], false),
            (vec![at(0, create(7)), at(5, delete()), at(9, rename(OperationOutput::Taken))], false),
            (vec![at(0, create(7)), at(5, create(8))], false),
            (vec![at(0, create(7)), at(5, rename(done())), at(5, create(8)), at(9, find(Some(8)))], true),
            (vec![at(0, create(7)), at(5, rename(done())), at(9, find(Some(7)))], false),
        ] {
            assert_eq!(exists_for_writes(&history(&operations)), expect, "{operations:?}");
        }
        // Searches one after the other, during a write that takes longer, may go back.
        let mut torn = history(&[at(0, create(7)), at(5, delete()), at(5, find(None)), at(7, find(Some(7)))]);
        torn[1].ended += Duration::from_secs(5);
        assert!(exists_for_writes(&torn) && !exists(&torn));
    }
}
