//! Runs several jobs at the same time, each in a thread.

use std::panic::resume_unwind;
use std::sync::Barrier;
use std::thread;

use crate::answer::Answer;
use crate::client::Client;
use crate::request::Request;

/// Starts all jobs at the same moment, waits for all of them, and returns their results in order.
///
/// # Panics
///
/// If a job panics, with the panic of that job.
pub fn run<T: Send>(jobs: Vec<impl FnOnce() -> T + Send>) -> Vec<T> {
    let start = Barrier::new(jobs.len());
    thread::scope(|scope| {
        let threads: Vec<_> = jobs
            .into_iter()
            .map(|job| {
                scope.spawn(|| {
                    start.wait();
                    job()
                })
            })
            .collect();
        let ended: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        ended.into_iter().map(|result| result.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Sends all requests at the same moment, and returns the responses in order.
///
/// # Panics
///
/// If the server does not respond to one of them.
#[must_use]
#[track_caller]
pub fn send_all(client: &Client, requests: &[Request]) -> Vec<Answer> {
    run(requests.iter().map(|request| || client.send(request)).collect())
}
