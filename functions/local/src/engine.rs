//! The embedded DynamoDB and its data file. Its calls block the threads that serve them, so it has a runtime of its
//! own.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use embedded::Database;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::owner_only;

/// The benchmarks find the CPU time of the engine by this name.
const THREAD_NAME: &str = "dynamodb";

/// A running DynamoDB, which stops when it is dropped.
pub(crate) struct EngineServer {
    pub(crate) url: String,
    /// The id of the only access key that it accepts, because other users of the machine and pages in a browser can
    /// reach the port.
    pub(crate) key: String,
    runtime: Option<Runtime>,
    /// Locks the file against a second process: SQLite would allow it, and its view of the tables would be stale.
    _lock: Option<File>,
}

impl EngineServer {
    /// Opens the data file, or a database in memory.
    ///
    /// # Errors
    /// The file is in use, damaged or not accessible, or the machine has no thread or port left.
    pub(crate) fn start(data: Option<&Path>) -> Result<Self> {
        let (database, lock) = match data {
            Some(path) => {
                let lock = lock(path)?;
                (open(path)?, Some(lock))
            }
            None => (Database::memory().context("cannot open a database in memory")?, None),
        };
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name(THREAD_NAME).enable_all().build();
        let runtime = runtime.context("cannot start threads for the database")?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).context("no port for the database")?;
        let address = listener.local_addr().context("no port for the database")?;
        let key = Uuid::new_v4().simple().to_string();
        runtime.spawn(embedded::serve(listener, database, key.clone()));
        Ok(EngineServer { url: format!("http://{address}"), key, runtime: Some(runtime), _lock: lock })
    }
}

impl Drop for EngineServer {
    fn drop(&mut self) {
        // There is nothing to wait for: every acknowledged write is on the disk.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The data file in the user's data directory.
///
/// # Errors
/// The user has no home directory.
pub(crate) fn default_path() -> Result<PathBuf> {
    use etcetera::BaseStrategy;
    let strategy = etcetera::choose_base_strategy()
        .map_err(|_| anyhow!("your data directory is not known; name a file with --data, or use --memory"))?;
    Ok(strategy.data_dir().join("scim-on-lambda").join("directory.sqlite"))
}

/// Appends a suffix to the name of a file: `directory.sqlite` and `.token` give `directory.sqlite.token`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Locks the data file for this process, until the returned lock file is closed.
fn lock(path: &Path) -> Result<File> {
    let unusable = || unusable(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(unusable)?;
    }
    let lock = owner_only::open(File::options().create(true).append(true), &with_suffix(path, ".lock"));
    let lock = lock.with_context(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => bail!(
            "the data file {} is in use by another `cargo run`; stop that one, or name another file with --data",
            path.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(unusable),
    }
}

fn open(path: &Path) -> Result<Database> {
    let text = path.to_str().with_context(|| format!("the name of the data file {} is not UTF-8", path.display()))?;
    let create = owner_only::open(File::options().create(true).append(true).read(true), path);
    create.with_context(|| unusable(path))?;
    // SQLite creates these files with the mode of the data file, but they may be older than its current mode.
    for suffix in ["-wal", "-shm"] {
        match owner_only::open(File::options().read(true), &with_suffix(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).with_context(|| unusable(path)),
            _ => {}
        }
    }
    Database::new(text).map_err(|_| damaged(path))
}

fn unusable(path: &Path) -> String {
    format!("the data file {} cannot be used", path.display())
}

/// The error for a file that is not a database of this program.
pub(crate) fn damaged(path: &Path) -> anyhow::Error {
    anyhow!(
        "the data file {} is damaged, or another program made it; move it away to start with an empty directory, \
         or name another file with --data",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use testkit::call_engine;

    use super::*;

    #[test]
    fn file_is_used_by_one_process_and_has_to_be_a_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("d.sqlite");
        let first = EngineServer::start(Some(&path)).unwrap();
        let second = EngineServer::start(Some(&path)).map(drop).unwrap_err().to_string();
        assert!(second.contains("in use by another"), "{second}");
        drop(first);
        assert!(EngineServer::start(Some(&path)).is_ok());

        let garbage = folder.path().join("garbage");
        fs::write(&garbage, "this is no database, and long enough to be taken for one".repeat(100)).unwrap();
        for path in [&garbage, folder.path(), &garbage.join("below")] {
            let problem = format!("{:#}", EngineServer::start(Some(path)).map(drop).unwrap_err());
            assert!(problem.contains("the data file") && problem.lines().count() == 1, "{problem}");
        }
    }

    #[test]
    fn request_with_another_key_is_refused() {
        let engine = EngineServer::start(None).unwrap();
        let scan = |key: &str| call_engine(&engine.url, key, "Scan", &json!({"TableName": "scim"})).to_string();
        assert!(scan(&engine.key).contains("ResourceNotFoundException"));
        for key in ["", "local", &engine.key[1..]] {
            assert!(scan(key).contains("UnrecognizedClientException"), "{key}");
        }
    }
}
