//! Counts, once a day, the tokens that expire soon, for the alarms on them. The scheduled event is ignored.

use protocol::Error;
use serde::Serialize;
use serde::de::IgnoredAny;
use service::tokens::{ExpiringToken, HORIZONS, expiring};
use store::Directory;

/// The tokens that expire soon.
#[derive(Debug, Serialize)]
pub struct ExpiringTokens {
    pub tokens: Vec<ExpiringToken>,
}

pub async fn handle(directory: &Directory, _: IgnoredAny) -> Result<ExpiringTokens, Error> {
    let tokens = expiring(directory).await?;
    for token in &tokens {
        let ExpiringToken { id, tenant, expires_at, within_days } = token;
        tracing::warn!(id, tenant, expires_at, within_days, "a token expires soon");
    }
    for days in HORIZONS {
        edge::metrics::record_expiring_tokens(days, tokens.iter().filter(|token| token.within_days <= days).count());
    }
    Ok(ExpiringTokens { tokens })
}
