//! The result of an examination: the problems, and the writes that repair them.

use schema::ResourceId;

use super::Problem;
use crate::transaction::action::WriteAction;

/// The problems of a subject, and their repair. Without problems there is nothing to repair.
#[derive(Default)]
pub(super) struct Examination {
    pub(super) problems: Vec<Problem>,
    /// The transaction of the repair.
    pub(super) actions: Vec<WriteAction>,
    /// The resource that has the problems, if it is not the one of the subject.
    pub(super) resource: Option<ResourceId>,
    /// The resource whose pending change is completed after the transaction.
    pub(super) settle: Option<ResourceId>,
}

impl Examination {
    /// A problem that this transaction repairs.
    pub(super) fn repairable(problem: Problem, actions: impl IntoIterator<Item = WriteAction>) -> Self {
        Self { problems: vec![problem], actions: actions.into_iter().collect(), ..Self::default() }
    }

    /// A problem that no transaction repairs, so that an operator has to decide.
    pub(super) fn unrepairable(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }

    /// The same examination, whose repair also completes the pending change of this resource.
    pub(super) fn then_settle(self, resource: &ResourceId) -> Self {
        Self { settle: Some(resource.clone()), ..self }
    }

    /// Whether the problems have a repair.
    pub(super) fn is_repairable(&self) -> bool {
        !self.actions.is_empty() || self.settle.is_some()
    }
}
