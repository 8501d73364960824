//! The CPU time of the database.

use std::fs;

use crate::process::usage;
use crate::server::Server;

/// The CPU seconds of the server's embedded database, or of the DynamoDB Local that `DYNAMODB_ENDPOINT` names.
/// `None` where the system does not report them.
pub(crate) fn cpu(server: &Server) -> Option<f64> {
    match std::env::var("DYNAMODB_ENDPOINT") {
        Ok(url) => of_another(url.trim_end_matches('/').rsplit(':').next()?),
        Err(_) => of_threads(server.id(), "dynamodb"),
    }
}

fn of_another(port: &str) -> Option<f64> {
    let is_it = |process: &String| {
        let line = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        line.contains("DynamoDBLocal") && line.split('\0').any(|word| word == port)
    };
    let mut processes = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    usage(&processes.find(is_it)?).map(|usage| usage.cpu_seconds)
}

/// The CPU seconds of the threads with this name in a process.
fn of_threads(process: u32, name: &str) -> Option<f64> {
    let mut nanoseconds = 0.0;
    for task in fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten() {
        if fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim_end() == name) {
            let spent = fs::read_to_string(task.path().join("schedstat")).ok()?;
            nanoseconds += spent.split(' ').next()?.parse::<f64>().ok()?;
        }
    }
    Some(nanoseconds / 1e9)
}
