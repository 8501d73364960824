//! Tokens that are about to expire, for the alarms on them.

use protocol::Error;
use serde::Serialize;
use store::{Directory, Token};

use super::{DAY, now, state, time};
use crate::error::to_client_error;

/// Within how many days tokens are counted as about to expire.
pub const HORIZONS: [u64; 3] = [90, 30, 7];

/// A token that is about to expire, with nothing in its place.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpiringToken {
    pub id: String,
    pub tenant: String,
    pub expires_at: String,
    /// The least of [`HORIZONS`].
    pub within_days: u64,
}

/// The tokens of all tenants that expire within the longest of [`HORIZONS`], the next first. One that has a successor is to
/// expire, and left out.
///
/// # Errors
/// Those of the store.
pub async fn expiring(directory: &Directory) -> Result<Vec<ExpiringToken>, Error> {
    let tokens = directory.list_tokens().await.map_err(to_client_error)?;
    let now = now();
    let mut ending: Vec<_> = tokens.into_iter().filter_map(|token| Some((horizon(&token, now)?, token))).collect();
    ending.sort_by(|(_, one), (_, other)| (one.expires_at, &one.id).cmp(&(other.expires_at, &other.id)));
    let tell = |(within_days, token): (u64, Token)| ExpiringToken {
        id: token.id,
        tenant: token.tenant,
        expires_at: time(token.expires_at),
        within_days,
    };
    Ok(ending.into_iter().map(tell).collect())
}

/// The least of [`HORIZONS`] within which a token expires that works and has no successor.
fn horizon(token: &Token, now: u64) -> Option<u64> {
    let ends = state(token, now) == "active" && token.successor.is_none();
    let within = HORIZONS.into_iter().filter(|days| token.expires_at <= now.saturating_add(days * DAY));
    within.min().filter(|_| ends)
}

#[cfg(test)]
mod tests {
    use super::super::tests::token;
    use super::*;

    #[test]
    fn a_token_is_about_to_expire_within_the_least_horizon() {
        for (expires_at, expect) in [
            (1, None),
            (2, Some(7)),
            (1 + 7 * DAY, Some(7)),
            (2 + 7 * DAY, Some(30)),
            (1 + 30 * DAY, Some(30)),
            (2 + 30 * DAY, Some(90)),
            (1 + 90 * DAY, Some(90)),
            (2 + 90 * DAY, None),
        ] {
            assert_eq!(horizon(&token(expires_at, None), 1), expect, "{expires_at}");
            assert_eq!(horizon(&token(expires_at, Some(1)), 1), None, "revoked");
            let followed = Token { successor: Some("next".into()), ..token(expires_at, None) };
            assert_eq!(horizon(&followed, 1), None, "rotated");
        }
    }
}
