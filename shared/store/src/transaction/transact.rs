//! Sending a transaction: retries, and the meaning of its failure.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use schema::ResourceId;
use uuid::Uuid;

use super::action::{ConditionFailure, WriteAction};
use super::ambiguous_attempts::AmbiguousAttempts;
use crate::error::classify;
use crate::retry::RetryBudget;
use crate::{Directory, Error};

/// The reason why a transaction was not applied.
pub(crate) enum TransactError {
    /// Nothing was written, and the same transaction may succeed when it is sent again.
    Retryable(Error),
    /// The same work was done before, by another caller.
    AlreadyApplied,
    /// The same transaction would fail again, or the retries are used up.
    Permanent(Error),
}

impl Directory {
    /// Sends a transaction until it is applied, or until it fails permanently.
    ///
    /// Every attempt carries the same client request token. If the response to an applied attempt is lost, DynamoDB
    /// returns success to the next attempt, and does not report that the name is taken, which the same commit has
    /// claimed.
    pub(crate) async fn transact(&self, actions: &[WriteAction]) -> Result<(), TransactError> {
        self.send_transaction(actions, true).await
    }

    /// Sends a transaction as [`Directory::transact`] does, but returns at once if another one is writing any of its
    /// items.
    pub(crate) async fn transact_unless_conflict(&self, actions: &[WriteAction]) -> Result<(), TransactError> {
        self.send_transaction(actions, false).await
    }

    async fn send_transaction(&self, actions: &[WriteAction], repeats_conflicts: bool) -> Result<(), TransactError> {
        self.check_home_region().await.map_err(TransactError::Permanent)?;
        let token = Uuid::now_v7().to_string();
        let attempts = AmbiguousAttempts::default();
        let mut retries = RetryBudget::new();
        loop {
            let error = match self.try_transact(actions, &token, &attempts).await {
                Err(TransactError::Retryable(error) | TransactError::Permanent(error @ Error::Unavailable(_))) => error,
                Err(TransactError::Permanent(error @ (Error::Refused(_) | Error::TooLargeTogether)))
                    if attempts.any() =>
                {
                    return Err(TransactError::Permanent(unknown_outcome(&error)));
                }
                done => return done,
            };
            let gives_up = !repeats_conflicts && error == Error::Contended && !attempts.any();
            if gives_up || !retries.wait().await {
                let is_known = matches!(error, Error::Unavailable(_)) || !attempts.any();
                return Err(TransactError::Permanent(if is_known { error } else { unknown_outcome(&error) }));
            }
        }
    }

    async fn try_transact(
        &self,
        actions: &[WriteAction],
        token: &str,
        attempts: &AmbiguousAttempts,
    ) -> Result<(), TransactError> {
        let requests = actions.iter().map(|action| action.request.clone()).collect();
        let request = self.client.transact_write_items().set_transact_items(Some(requests)).client_request_token(token);
        let Err(error) = request.customize().interceptor(attempts.clone()).send().await else { return Ok(()) };
        if let SdkError::ServiceError(response) = &error
            && let TransactWriteItemsError::TransactionCanceledException(cancelled) = response.err()
        {
            return Err(interpret(actions, cancelled.cancellation_reasons()));
        }
        Err(match classify("TransactWriteItems", &error) {
            retryable @ (Error::Contended | Error::Throttled) => TransactError::Retryable(retryable),
            other => TransactError::Permanent(other),
        })
    }
}

/// Replaces an error that follows an attempt without a response: that attempt may have been applied.
fn unknown_outcome(error: &Error) -> Error {
    Error::Unavailable(format!("TransactWriteItems: an attempt had no response, and the next one failed: {error}"))
}

/// Reads the reasons of a cancelled transaction, which are in the order of its actions.
///
/// A retryable reason anywhere decides: while another transaction is under way, a failed condition of another
/// action may have seen half of that transaction.
fn interpret(actions: &[WriteAction], reasons: &[CancellationReason]) -> TransactError {
    let mut failed = Vec::new();
    for (action, reason) in actions.iter().zip(reasons) {
        match reason.code().unwrap_or("None") {
            "None" => {}
            "ConditionalCheckFailed" => {
                failed.push((&action.on_failure, reason.item().is_some_and(|item| !item.is_empty())));
            }
            "ValidationError" => return TransactError::Permanent(Error::TooLargeTogether),
            code => {
                return retryable_reason(code).map_or_else(
                    || TransactError::Permanent(Error::Refused(format!("TransactWriteItems: {code}"))),
                    TransactError::Retryable,
                );
            }
        }
    }
    interpret_conditions(&failed)
}

/// The error for a reason of a cancelled transaction that may not hold for the next attempt.
pub(crate) fn retryable_reason(code: &str) -> Option<Error> {
    match code {
        "TransactionConflict" => Some(Error::Contended),
        "ThrottlingError" | "ProvisionedThroughputExceeded" => Some(Error::Throttled),
        _ => None,
    }
}

/// Reads the failed conditions, each with whether its item exists. Failures that make the caller read again come
/// first.
fn interpret_conditions(failed: &[(&ConditionFailure, bool)]) -> TransactError {
    let find = |wanted: ConditionFailure| failed.iter().find(|(failure, _)| **failure == wanted);
    if find(ConditionFailure::AlreadyApplied).is_some() {
        return TransactError::AlreadyApplied;
    }
    if let Some((_, exists)) = find(ConditionFailure::ResourceChanged) {
        return TransactError::Permanent(if *exists { Error::Stale } else { Error::Missing });
    }
    if find(ConditionFailure::NameTaken).is_some() {
        return TransactError::Permanent(Error::NameTaken);
    }
    if find(ConditionFailure::OldNameLost).is_some() {
        return TransactError::Permanent(Error::OldNameLost);
    }
    let missing: Vec<_> = failed.iter().filter_map(|(failure, _)| missing_member(failure)).collect();
    if !missing.is_empty() {
        return TransactError::Permanent(Error::MembersNotFound(missing));
    }
    if find(ConditionFailure::EdgeChanged).is_some() {
        return TransactError::Permanent(Error::Stale);
    }
    TransactError::Permanent(Error::Corrupt("a resource and its unique name do not agree".to_owned()))
}

fn missing_member(failure: &ConditionFailure) -> Option<ResourceId> {
    if let ConditionFailure::MemberMissing(id) = failure { Some(id.clone()) } else { None }
}
