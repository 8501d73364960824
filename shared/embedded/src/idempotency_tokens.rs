//! Idempotent transactions: the engine does not carry out a transaction again that a client sends again with the same
//! `ClientRequestToken`, and returns the same response.
//!
//! The SDK repeats a request after a lost connection or a timeout. DynamoDB remembers a token for ten minutes; one
//! minute suffices here, because every request to the service ends within half a minute.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;

use crate::response::{WireResponse, error_response};

/// The time for which a transaction is remembered by its token.
const RETENTION: Duration = Duration::from_secs(60);

/// The transactions of the last minute, by their tokens.
#[derive(Default)]
pub(crate) struct IdempotencyTokens {
    recent: Mutex<RecentTransactions>,
}

/// Transactions by their tokens, and the order in which they are forgotten.
#[derive(Default)]
struct RecentTransactions {
    transactions: HashMap<String, Arc<Transaction>>,
    /// The tokens with the time of their first use, oldest first.
    order: VecDeque<(Instant, String)>,
}

/// A transaction that was sent with a token.
struct Transaction {
    /// The hash of the request's body.
    hash: u64,
    /// The response, if the transaction succeeded. The mutex is locked while the engine carries out the transaction.
    response: Mutex<Option<WireResponse>>,
}

impl IdempotencyTokens {
    /// Carries out a transaction, or returns the response of the transaction that had the same token. If that one is
    /// still running, it waits for its end. A failed transaction changed nothing, so it is carried out again.
    pub(crate) fn run_once(&self, token: String, body: &str, execute: impl FnOnce() -> WireResponse) -> WireResponse {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let transaction = self.transaction(token, hasher.finish(), Instant::now());
        if transaction.hash != hasher.finish() {
            return error_response("IdempotentParameterMismatchException", "The token was sent with another request.");
        }
        let mut response = transaction.response.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(response) = &*response {
            return response.clone();
        }
        let new = execute();
        if new.0 == StatusCode::OK {
            *response = Some(new.clone());
        }
        new
    }

    fn transaction(&self, token: String, hash: u64, now: Instant) -> Arc<Transaction> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let RecentTransactions { transactions, order } = &mut *recent;
        while let Some((_, forgotten)) = order.pop_front_if(|(since, _)| now.duration_since(*since) >= RETENTION) {
            transactions.remove(&forgotten);
        }
        match transactions.entry(token) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(free) => {
                order.push_back((now, free.key().clone()));
                free.insert(Arc::new(Transaction { hash, response: Mutex::new(None) })).clone()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn done(times: &AtomicU32) -> WireResponse {
        (StatusCode::OK, times.fetch_add(1, Ordering::SeqCst).to_string())
    }

    #[test]
    fn repeated_token_returns_the_first_response() {
        let tokens = IdempotencyTokens::default();
        let times = AtomicU32::new(0);
        let first = tokens.run_once("a".to_owned(), "body", || done(&times));
        assert_eq!(tokens.run_once("a".to_owned(), "body", || done(&times)), first);
        assert_ne!(tokens.run_once("b".to_owned(), "body", || done(&times)), first);
        let (status, error) = tokens.run_once("a".to_owned(), "another", || done(&times));
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(error.contains("IdempotentParameterMismatchException"), "{error}");
        assert_eq!(times.into_inner(), 2);
    }

    #[test]
    fn failed_transaction_is_carried_out_again() {
        let tokens = IdempotencyTokens::default();
        let times = AtomicU32::new(0);
        let failed = || error_response("TransactionCanceledException", "");
        assert_eq!(tokens.run_once("a".to_owned(), "body", failed), failed());
        assert_eq!(tokens.run_once("a".to_owned(), "body", || done(&times)).0, StatusCode::OK);
    }

    #[test]
    fn repeated_token_waits_for_running_transaction() {
        let tokens = IdempotencyTokens::default();
        let times = AtomicU32::new(0);
        let slow = || {
            std::thread::sleep(Duration::from_millis(50));
            done(&times)
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(tokens.run_once("a".to_owned(), "body", slow).1, "0"));
            }
        });
        assert_eq!(times.into_inner(), 1);
    }

    #[test]
    fn token_is_forgotten_after_retention() {
        let tokens = IdempotencyTokens::default();
        let begun = Instant::now();
        let kept = |at: Duration, token: &str| {
            tokens.transaction(token.to_owned(), 0, begun + at);
            tokens.recent.lock().unwrap().transactions.len()
        };
        assert_eq!(kept(Duration::ZERO, "a"), 1);
        assert_eq!(kept(RETENTION / 2, "b"), 2);
        assert_eq!(kept(RETENTION / 2, "a"), 2);
        assert_eq!(kept(RETENTION, "c"), 2);
        assert_eq!(kept(RETENTION * 2, "c"), 1);
        assert_eq!(tokens.recent.lock().unwrap().order.len(), 1);
    }
}
