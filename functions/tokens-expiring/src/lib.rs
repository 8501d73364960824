//! Counts, once a day, the tokens that are about to expire, for the alarms on them. The event that it is sent says nothing.

use protocol::Error;
use serde::Serialize;
use serde::de::IgnoredAny;
use service::tokens::{ExpiringToken, HORIZONS, expiring};
use store::Directory;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Found {
    pub tokens: Vec<ExpiringToken>,
}

pub async fn handle(directory: &Directory, _: IgnoredAny) -> Result<Found, Error> {
    let tokens = expiring(directory).await?;
    for token in &tokens {
        let ExpiringToken { id, tenant, expires_at, within_days } = token;
        tracing::warn!(id, tenant, expires_at, within_days, "a token is about to expire");
    }
    for days in HORIZONS {
        edge::metrics::record_expiring_tokens(days, tokens.iter().filter(|token| token.within_days <= days).count());
    }
    Ok(Found { tokens })
}
