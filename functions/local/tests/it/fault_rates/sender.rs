//! Sends the requests of one client, each to any of the servers, and counts the responses.

use std::time::{Duration, Instant};

use fastrand::Rng;

use super::counts::Counts;
use crate::outage::fixture::expect_deferred;
use acceptance::answer::Answer;
use acceptance::client::Client;
use acceptance::request::{Request, encode};

/// The time after which API Gateway abandons a request.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(29);

/// The effect of a request that was deferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// The request has had no effect.
    Absent,
    /// The request may have had its effect.
    Unknown,
}

pub(super) struct Sender<'a> {
    clients: &'a [Client],
    pub(super) random: Rng,
    pub(super) counts: Counts,
}

impl<'a> Sender<'a> {
    pub(super) fn new(clients: &'a [Client], seed: u64) -> Self {
        Self { clients, random: Rng::with_seed(seed), counts: Counts::default() }
    }

    /// Sends a request. A deferred request has had no effect after 429, and may have had one after 503.
    pub(super) fn send(&mut self, request: &Request) -> Result<Answer, Effect> {
        let client = self.random.choice(self.clients).expect("a server");
        let begun = Instant::now();
        let answer = client.send(request);
        answer.check(begun.elapsed() < GATEWAY_TIMEOUT, "expected an answer before API Gateway abandons the request");
        self.counts.requests += 1;
        match answer.status {
            200 | 201 | 204 => self.counts.done += 1,
            404 | 409 => self.counts.refused += 1,
            429 | 503 => {
                let status = answer.status;
                let is_unknown = expect_deferred(answer, status).status == 503;
                *(if is_unknown { &mut self.counts.unknown } else { &mut self.counts.deferred }) += 1;
                return Err(if is_unknown { Effect::Unknown } else { Effect::Absent });
            }
            _ => answer.check(false, "no fault explains this status"),
        }
        Ok(answer)
    }

    /// The ids of the users that a filter finds. Repeats the request until it gets a response.
    pub(super) fn search(&mut self, filter: &str) -> Vec<String> {
        let request = Request::new("GET", format!("/Users?filter={}", encode(filter)));
        loop {
            if let Ok(answer) = self.send(&request) {
                return answer.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect();
            }
        }
    }
}
