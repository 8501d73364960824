//! A transaction that is sent again has been carried out once, and is answered as it was.
//!
//! The SDK sends a request again after a lost connection or a timeout, with the same `ClientRequestToken`. DynamoDB knows a token for ten
//! minutes. Nobody here sends one again after so long: a request to the service ends within half a minute.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;

use crate::{Answer, refusal};

/// For how long a transaction is known by its token.
const KEPT: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct IdempotencyTokens {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    transactions: HashMap<String, Arc<Transaction>>,
    /// The tokens, the oldest first.
    order: VecDeque<(Instant, String)>,
}

struct Transaction {
    /// Of the request, as sent.
    hash: u64,
    /// Locked while it is carried out; what it was answered if it was done.
    answer: Mutex<Option<Answer>>,
}

impl IdempotencyTokens {
    /// Carries the transaction out, unless one with this token was; while that is under way, waits for it. One that failed changed
    /// nothing, and is tried again.
    pub(crate) fn once(&self, token: String, body: &str, carry_out: impl FnOnce() -> Answer) -> Answer {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let transaction = self.transaction(token, hasher.finish(), Instant::now());
        if transaction.hash != hasher.finish() {
            return refusal("IdempotentParameterMismatchException", "The token was sent with another request.");
        }
        let mut answer = transaction.answer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = &*answer {
            return answer.clone();
        }
        let given = carry_out();
        if given.0 == StatusCode::OK {
            *answer = Some(given.clone());
        }
        given
    }

    fn transaction(&self, token: String, hash: u64, now: Instant) -> Arc<Transaction> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { transactions, order } = &mut *known;
        while let Some((_, forgotten)) = order.pop_front_if(|(since, _)| now.duration_since(*since) >= KEPT) {
            transactions.remove(&forgotten);
        }
        match transactions.entry(token) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(free) => {
                order.push_back((now, free.key().clone()));
                free.insert(Arc::new(Transaction { hash, answer: Mutex::new(None) })).clone()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn done(times: &AtomicU32) -> Answer {
        (StatusCode::OK, times.fetch_add(1, Ordering::SeqCst).to_string())
    }

    #[test]
    fn what_was_done_is_not_done_again() {
        let (repeats, times) = (IdempotencyTokens::default(), AtomicU32::new(0));
        let first = repeats.once("a".to_owned(), "body", || done(&times));
        assert_eq!(repeats.once("a".to_owned(), "body", || done(&times)), first);
        assert_ne!(repeats.once("b".to_owned(), "body", || done(&times)), first);
        let (status, error) = repeats.once("a".to_owned(), "another", || done(&times));
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(error.contains("IdempotentParameterMismatchException"), "{error}");
        assert_eq!(times.into_inner(), 2);
    }

    #[test]
    fn what_failed_is_tried_again() {
        let (repeats, times) = (IdempotencyTokens::default(), AtomicU32::new(0));
        let failed = || refusal("TransactionCanceledException", "");
        assert_eq!(repeats.once("a".to_owned(), "body", failed), failed());
        assert_eq!(repeats.once("a".to_owned(), "body", || done(&times)).0, StatusCode::OK);
    }

    #[test]
    fn a_repeat_waits_for_what_is_under_way() {
        let (repeats, times) = (IdempotencyTokens::default(), AtomicU32::new(0));
        let slow = || {
            std::thread::sleep(Duration::from_millis(50));
            done(&times)
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(repeats.once("a".to_owned(), "body", slow).1, "0"));
            }
        });
        assert_eq!(times.into_inner(), 1);
    }

    #[test]
    fn a_token_is_forgotten_after_its_time() {
        let repeats = IdempotencyTokens::default();
        let begun = Instant::now();
        let kept = |at: Duration, token: &str| {
            repeats.transaction(token.to_owned(), 0, begun + at);
            repeats.known.lock().unwrap().transactions.len()
        };
        assert_eq!(kept(Duration::ZERO, "a"), 1);
        assert_eq!(kept(KEPT / 2, "b"), 2);
        assert_eq!(kept(KEPT / 2, "a"), 2);
        assert_eq!(kept(KEPT, "c"), 2);
        assert_eq!(kept(KEPT * 2, "c"), 1);
        assert_eq!(repeats.known.lock().unwrap().order.len(), 1);
    }
}
