//! Finds the tokens that expire soon, for the alarms on them.

use protocol::Error;
use serde::Serialize;
use store::{Directory, Token};

use super::metadata::TokenState;
use crate::clock::{DAY_SECONDS, now_seconds, rfc3339_seconds};
use crate::error::to_client_error;

/// The numbers of days within which a token counts as expiring.
pub const HORIZONS: [u64; 3] = [90, 30, 7];

/// A token that expires soon and has no successor.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpiringToken {
    pub id: String,
    pub tenant: String,
    pub expires_at: String,
    /// The smallest of [`HORIZONS`] within which the token expires.
    pub within_days: u64,
}

/// The tokens of all tenants that expire within the longest of [`HORIZONS`], the earliest first. A token with a
/// successor is omitted, because it is expected to expire.
///
/// # Errors
/// The errors of the store.
pub async fn expiring(directory: &Directory) -> Result<Vec<ExpiringToken>, Error> {
    let tokens = directory.list_tokens().await.map_err(to_client_error)?;
    let now = now_seconds();
    let with_horizon = tokens.into_iter().filter_map(|token| Some((horizon(&token, now)?, token)));
    let mut expiring: Vec<_> = with_horizon.collect();
    expiring.sort_by(|(_, one), (_, other)| (one.expires_at, &one.id).cmp(&(other.expires_at, &other.id)));
    let expiring = expiring.into_iter().map(|(within_days, token)| ExpiringToken {
        id: token.id,
        tenant: token.tenant,
        expires_at: rfc3339_seconds(token.expires_at),
        within_days,
    });
    Ok(expiring.collect())
}

/// The smallest of [`HORIZONS`] within which a token expires, if it is active and has no successor.
fn horizon(token: &Token, now: u64) -> Option<u64> {
    if TokenState::of(token, now) != TokenState::Active || token.successor.is_some() {
        return None;
    }
    let within = |days: &u64| token.expires_at <= now.saturating_add(days * DAY_SECONDS);
    HORIZONS.into_iter().filter(within).min()
}

#[cfg(test)]
mod tests {
    use super::super::metadata::tests::token;
    use super::*;

    #[test]
    fn horizon_of_token_is_the_least_that_it_expires_within() {
        for (expires_at, expect) in [
            (1, None),
            (2, Some(7)),
            (1 + 7 * DAY_SECONDS, Some(7)),
            (2 + 7 * DAY_SECONDS, Some(30)),
            (1 + 30 * DAY_SECONDS, Some(30)),
            (2 + 30 * DAY_SECONDS, Some(90)),
            (1 + 90 * DAY_SECONDS, Some(90)),
            (2 + 90 * DAY_SECONDS, None),
        ] {
            assert_eq!(horizon(&token(expires_at, None), 1), expect, "{expires_at}");
            assert_eq!(horizon(&token(expires_at, Some(1)), 1), None, "revoked");
            let rotated = Token { successor: Some("next".into()), ..token(expires_at, None) };
            assert_eq!(horizon(&rotated, 1), None, "rotated");
        }
    }
}
