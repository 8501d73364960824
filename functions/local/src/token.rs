//! The development token. It is issued by the function that issues all tokens, and is kept next to the data file,
//! so that an identity provider has to be configured only once.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use gateway::iam::as_function;
use protocol::{Caller, token};
use serde_json::{Value, json};
use store::Directory;

use crate::engine::with_suffix;
use crate::owner_only;

const LABEL: &str = "cargo run";
/// The lifetime of a token that is kept in a file.
const SAVED_TOKEN_DAYS: u32 = 3650;
/// The lifetime of a token for a directory in memory or in another DynamoDB.
const UNSAVED_TOKEN_DAYS: u32 = 365;

/// The token that was printed last for this tenant and dialect if it still works, or a new one.
///
/// # Errors
/// A store that does not respond, and a token file that cannot be written.
pub(crate) async fn obtain(
    directory: &'static Directory,
    tenant: &str,
    dialect: &str,
    data: Option<&Path>,
) -> Result<String> {
    let Some(data) = data else { return issue(directory, tenant, dialect, UNSAVED_TOKEN_DAYS).await };
    // The name of a tenant contains no dot.
    let file = match dialect {
        "lenient" => with_suffix(data, &format!(".{tenant}.token")),
        other => with_suffix(data, &format!(".{tenant}.{other}.token")),
    };
    let saved = owner_only::open(File::options().read(true), &file).and_then(io::read_to_string).unwrap_or_default();
    if works(directory, tenant, dialect, &format!("Bearer {}", saved.trim())).await? {
        return Ok(saved.trim().to_owned());
    }
    let token = issue(directory, tenant, dialect, SAVED_TOKEN_DAYS).await?;
    save(&file, &token).with_context(|| format!("the token cannot be written to {}", file.display()))?;
    Ok(token)
}

async fn works(directory: &Directory, tenant: &str, dialect: &str, authorization: &str) -> Result<bool> {
    if token::parse(authorization).is_none() {
        return Ok(false);
    }
    let caller = service::tokens::authorize(directory, authorization).await?;
    let is_ours = |it: &Caller| it.tenant.as_str() == tenant && it.dialect.name() == dialect;
    Ok(caller.is_some_and(|it| is_ours(&it) && it.scopes.read && it.scopes.write))
}

async fn issue(directory: &'static Directory, tenant: &str, dialect: &str, days: u32) -> Result<String> {
    let event = json!({"tenant": tenant, "label": LABEL, "expiresInDays": days, "dialect": dialect});
    let work = edge::invoke_event(directory, tokens_issue::handle, event, None);
    let issued = as_function("TokensIssue", work).await?;
    issued.get("token").and_then(Value::as_str).map(str::to_owned).context("no token was issued")
}

/// Replaces the file atomically. Only its owner can read it.
fn save(path: &Path, token: &str) -> io::Result<()> {
    let new = with_suffix(path, ".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    writeln!(owner_only::open(File::options().write(true).create_new(true), &new)?, "{token}")?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use store::{Connection, Credentials};
    use testkit::Engine;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn token_is_reused_while_it_works() {
        let engine = Engine::start();
        let credentials = Credentials::Key(engine.key.clone());
        let connection = Connection { endpoint: Some(engine.url.clone()), table: "scim".to_owned(), credentials };
        let directory: &'static Directory = Box::leak(Box::new(Directory::connect(connection).await.unwrap()));
        directory.create_table().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("d");
        let first = obtain(directory, "acme", "lenient", Some(&data)).await.unwrap();
        assert_eq!(obtain(directory, "acme", "lenient", Some(&data)).await.unwrap(), first);
        assert_ne!(obtain(directory, "other", "lenient", Some(&data)).await.unwrap(), first);
        let strict = obtain(directory, "acme", "strict", Some(&data)).await.unwrap();
        assert_ne!(strict, first);
        assert_eq!(obtain(directory, "acme", "strict", Some(&data)).await.unwrap(), strict);
        assert_eq!(obtain(directory, "acme", "lenient", Some(&data)).await.unwrap(), first);
        let id = token::parse(&first).unwrap().id;
        service::tokens::revoke(directory, service::tokens::RevokeRequest { id }).await.unwrap();
        let second = obtain(directory, "acme", "lenient", Some(&data)).await.unwrap();
        assert_ne!(second, first);
        assert_eq!(obtain(directory, "acme", "lenient", Some(&data)).await.unwrap(), second);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(with_suffix(&data, ".acme.token")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
