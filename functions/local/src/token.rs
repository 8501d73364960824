//! The development token: issued by the function that issues all others, and kept beside the data file, so that an
//! identity provider that was set up once stays so.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use protocol::{Caller, token};
use serde_json::{Value, json};
use store::Directory;

use crate::engine::beside;
use crate::{private, rights};

const LABEL: &str = "cargo run";
/// As long as the token may be kept: ten years, or one if it is not kept.
const KEPT_DAYS: u32 = 3650;
const UNKEPT_DAYS: u32 = 365;

/// The token that was printed last for this tenant and dialect, or a new one.
///
/// # Errors
/// With a sentence.
pub(crate) async fn obtain(
    directory: &'static Directory,
    tenant: &str,
    dialect: &str,
    data: Option<&Path>,
) -> Result<String, String> {
    let Some(data) = data else { return issue(directory, tenant, dialect, UNKEPT_DAYS).await };
    // A tenant's name has no dot.
    let file = match dialect {
        "lenient" => beside(data, &format!(".{tenant}.token")),
        other => beside(data, &format!(".{tenant}.{other}.token")),
    };
    let kept = private::open(File::options().read(true), &file).and_then(io::read_to_string).unwrap_or_default();
    if works(directory, tenant, dialect, &format!("Bearer {}", kept.trim())).await? {
        return Ok(kept.trim().to_owned());
    }
    let token = issue(directory, tenant, dialect, KEPT_DAYS).await?;
    keep(&file, &token).map_err(|error| format!("the token cannot be kept in {}: {error}", file.display()))?;
    Ok(token)
}

async fn works(directory: &Directory, tenant: &str, dialect: &str, authorization: &str) -> Result<bool, String> {
    if token::parse(authorization).is_none() {
        return Ok(false);
    }
    let caller = service::tokens::authorize(directory, authorization).await.map_err(|error| error.to_string())?;
    let is_ours = |it: &Caller| it.tenant.as_str() == tenant && it.dialect.name() == dialect;
    Ok(caller.is_some_and(|it| is_ours(&it) && it.scopes.read && it.scopes.write))
}

async fn issue(directory: &'static Directory, tenant: &str, dialect: &str, days: u32) -> Result<String, String> {
    let event = json!({"tenant": tenant, "label": LABEL, "expiresInDays": days, "dialect": dialect});
    let issued = rights::of("TokensIssue", edge::invoke_event(directory, tokens_issue::handle, event, None)).await;
    let issued = issued.map_err(|error| error.to_string())?;
    issued.get("token").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| "no token was issued".to_owned())
}

/// Only the user may read the file. It is whole or as it was.
fn keep(path: &Path, token: &str) -> io::Result<()> {
    let new = beside(path, ".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    writeln!(private::open(File::options().write(true).create_new(true), &new)?, "{token}")?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::directory;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_token_is_kept_while_it_works() {
        let (directory, _engine) = directory().await;
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
            let mode = fs::metadata(beside(&data, ".acme.token")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
