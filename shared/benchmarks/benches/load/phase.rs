//! The phases of a run. Each tenant runs its tasks by a schedule that does not wait for the server.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::log::Log;
use crate::mix::{self, Task};
use crate::server::Server;
use crate::session::Session;
use crate::tenant::{GROUPS, LoadTenant, USERS};

/// Concurrent tasks of each tenant that fill its directory.
const CONCURRENT_FILLS: usize = 4;
/// How long the ramp tries a rate.
const RAMP_STEP: Duration = Duration::from_secs(20);
/// The next rate after one that is too high is this part of it, or the rate of the responses if that is lower.
const RAMP_FACTOR: f64 = 0.85;
/// A server keeps up if 99 of 100 responses arrive within this time after their request was due.
const IN_TIME_MS: f64 = 500.0;

/// All tenants and their log.
pub(crate) struct Load {
    pub(crate) tenants: Vec<Rc<LoadTenant>>,
    pub(crate) log: Rc<RefCell<Log>>,
}

impl Load {
    /// Creates the initial users and groups.
    pub(crate) async fn fill(&self) {
        let mut filling = JoinSet::new();
        for tenant in &self.tenants {
            for part in 0..CONCURRENT_FILLS {
                let tenant = tenant.clone();
                let log = self.log.clone();
                filling.spawn_local(async move {
                    for _ in (part..USERS).step_by(CONCURRENT_FILLS) {
                        run(&tenant, Task::Join, Instant::now(), Duration::ZERO, &log).await;
                    }
                });
            }
        }
        filling.join_all().await;
        let mut filling = JoinSet::new();
        for tenant in &self.tenants {
            let tenant = tenant.clone();
            let log = self.log.clone();
            filling.spawn_local(async move {
                for _ in 0..GROUPS {
                    run(&tenant, Task::Push, Instant::now(), Duration::ZERO, &log).await;
                }
            });
        }
        filling.join_all().await;
    }

    /// Uses all connections of all tenants at once, as after an outage. The server then has allocated the memory
    /// that this takes, and later growth is real growth.
    pub(crate) async fn peak(&self) {
        let mut tasks = JoinSet::new();
        for tenant in &self.tenants {
            for task in [
                Task::Import,
                Task::Update,
                Task::Update,
                Task::Update,
                Task::Suspend,
                Task::Find,
                Task::Find,
                Task::Rename,
            ] {
                let tenant = tenant.clone();
                let log = self.log.clone();
                tasks.spawn_local(async move { run(&tenant, task, Instant::now(), Duration::ZERO, &log).await });
            }
        }
        tasks.join_all().await;
    }

    /// Finds the highest rate, up to `rate` requests per second of each tenant, with which the server keeps up.
    /// Prints each attempt.
    pub(crate) async fn ramp(&self, mut rate: f64, server: &Server) -> f64 {
        loop {
            let begun = Instant::now();
            self.hold(rate, RAMP_STEP, true).await;
            let answered = self.log.borrow().requests() as f64 / begun.elapsed().as_secs_f64();
            server.idle().await;
            let log = self.log.borrow();
            let p99 = log.all_times().at(99);
            let keeps_up = !log.is_late() && p99 < IN_TIME_MS;
            let verdict = if keeps_up { "in time" } else { "too late" };
            println!("{:.0} requests per second: {verdict}, p99 {p99:.0} ms", rate * self.tenants.len() as f64);
            if keeps_up || log.is_hopeless() {
                return rate;
            }
            rate = (rate * RAMP_FACTOR).min(answered / self.tenants.len() as f64);
        }
    }

    /// Sends this rate of requests per second for each tenant until the time is over, and waits for the last
    /// response. With `may_end`, it ends early if the server does not keep up.
    pub(crate) async fn hold(&self, rate: f64, time: Duration, may_end: bool) {
        let begun = Instant::now();
        let gap = Duration::from_secs_f64(1.0 / rate);
        let errors = std::mem::take(&mut self.log.borrow_mut().errors);
        self.log.replace(Log { errors, ..Log::new(begun) });
        let mut loads = JoinSet::new();
        for (number, tenant) in self.tenants.iter().enumerate() {
            let tenant = tenant.clone();
            let log = self.log.clone();
            let first = begun + gap.mul_f64(number as f64 / self.tenants.len() as f64);
            loads.spawn_local(async move {
                let mut due = first;
                let mut tasks = JoinSet::new();
                let hundreds = std::iter::repeat_with(|| mix::hundred(&mut tenant.random.borrow_mut())).flatten();
                for (task, requests) in hundreds {
                    sleep_until(due).await;
                    let is_over = log.borrow().is_hopeless() || (may_end && log.borrow().is_late());
                    if is_over || due >= begun + time {
                        break;
                    }
                    let tenant = tenant.clone();
                    let log = log.clone();
                    tasks.spawn_local(async move { run(&tenant, task, due, gap, &log).await });
                    while tasks.try_join_next().is_some() {}
                    due += gap * requests;
                }
                tasks.join_all().await;
            });
        }
        loads.join_all().await;
    }
}

pub(crate) async fn run(tenant: &Rc<LoadTenant>, task: Task, due: Instant, gap: Duration, log: &RefCell<Log>) {
    let session = Session { tenant: tenant.clone(), due, gap };
    if let Err(error) = session.run(task).await {
        log.borrow_mut().errors.push(error.to_string());
    }
}
