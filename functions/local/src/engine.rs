//! The embedded DynamoDB and its file.
//!
//! Its calls block the thread that serves them, so it has threads of its own.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use embedded::Database;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::private;

/// What its threads are called, by which their CPU time is told from that of others.
const THREADS: &str = "dynamodb";

/// A running DynamoDB. It stops with its value.
pub(crate) struct Engine {
    pub(crate) url: String,
    /// The id of the access key, without which nobody is served: other users of the machine, and pages in a browser, reach the port.
    pub(crate) key: String,
    runtime: Option<Runtime>,
    /// SQLite would let a second process in, whose view of the tables would be stale.
    _lock: Option<File>,
}

impl Engine {
    /// Opens the file, or memory.
    ///
    /// # Errors
    /// With a sentence.
    pub(crate) fn start(data: Option<&Path>) -> Result<Self, String> {
        let (database, lock) = match data {
            Some(path) => {
                let lock = claim(path)?;
                (open(path)?, Some(lock))
            }
            None => (Database::memory().map_err(|error| format!("no database in memory: {error}"))?, None),
        };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name(THREADS).enable_all().build();
        let runtime = runtime.map_err(|error| format!("no threads for the database: {error}"))?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)));
        let listener = listener.map_err(|error| format!("no port for the database: {error}"))?;
        let address = listener.local_addr().map_err(|error| format!("no port for the database: {error}"))?;
        let key = Uuid::new_v4().simple().to_string();
        runtime.spawn(embedded::serve(listener, database, key.clone()));
        Ok(Engine { url: format!("http://{address}"), key, runtime: Some(runtime), _lock: lock })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Nothing waits for it: what was answered is on the disk.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The file in the user's data directory.
///
/// # Errors
/// With a sentence, if there is no such directory.
pub(crate) fn default_path() -> Result<PathBuf, String> {
    use etcetera::BaseStrategy;
    let strategy = etcetera::choose_base_strategy();
    let strategy =
        strategy.map_err(|_| "your data directory is not known; name a file with --data, or use --memory")?;
    Ok(strategy.data_dir().join("scim-on-lambda").join("directory.sqlite"))
}

/// `directory.sqlite` and `.token` make `directory.sqlite.token`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes the file this process's own, as long as it lives.
fn claim(path: &Path) -> Result<File, String> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| trouble(path, &error))?;
    }
    let lock = private::open(File::options().create(true).append(true), &beside(path, ".lock"));
    let lock = lock.map_err(|error| trouble(path, &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(format!(
            "the data file {} is in use by another `cargo run`; stop that one, or name another file with --data",
            path.display()
        )),
        Err(TryLockError::Error(error)) => Err(trouble(path, &error)),
    }
}

fn open(path: &Path) -> Result<Database, String> {
    let text = path.to_str().ok_or_else(|| format!("the data file {} has a name that is no UTF-8", path.display()))?;
    private::open(File::options().create(true).append(true).read(true), path).map_err(|error| trouble(path, &error))?;
    // SQLite makes them like the file itself; they may be left from a time when that was open to others.
    for suffix in ["-wal", "-shm"] {
        match private::open(File::options().read(true), &beside(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(trouble(path, &error)),
            _ => {}
        }
    }
    Database::new(text).map_err(|_| damaged(path))
}

fn trouble(path: &Path, error: &io::Error) -> String {
    format!("the data file {} cannot be used: {error}", path.display())
}

/// The sentence about a file that holds no directory.
pub(crate) fn damaged(path: &Path) -> String {
    format!(
        "the data file {} is damaged, or was not made by this program; move it away to start anew, or name another with --data",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::raw;

    #[test]
    fn a_file_has_one_owner_and_is_a_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("d.sqlite");
        let first = Engine::start(Some(&path)).unwrap();
        let second = Engine::start(Some(&path)).map(drop).unwrap_err();
        assert!(second.contains("in use by another"), "{second}");
        drop(first);
        assert!(Engine::start(Some(&path)).is_ok());

        let garbage = folder.path().join("garbage");
        fs::write(&garbage, "this is no database, and long enough to be taken for one".repeat(100)).unwrap();
        for path in [&garbage, folder.path(), &garbage.join("below")] {
            let problem = Engine::start(Some(path)).map(drop).unwrap_err();
            assert!(problem.contains("the data file") && problem.lines().count() == 1, "{problem}");
        }
    }

    #[test]
    fn nobody_else_is_served() {
        let engine = Engine::start(None).unwrap();
        let list = |engine: &Engine| raw(engine, "Scan", &serde_json::json!({"TableName": "scim"}));
        assert!(list(&engine).to_string().contains("ResourceNotFoundException"));
        for key in ["", "local", &engine.key[1..]] {
            let stranger = Engine { url: engine.url.clone(), key: key.to_owned(), runtime: None, _lock: None };
            assert!(list(&stranger).to_string().contains("UnrecognizedClientException"), "{key}");
        }
    }
}
