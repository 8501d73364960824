//! Bearer tokens (RFC 6750): issued, listed, rotated and revoked by operators, and looked at by the authorizer.
//!
//! A token is shown once, when it is issued; afterwards there is only its hash.

mod expiring;

use jiff::Timestamp;
use protocol::{Caller, Error, Scopes, Tenant, token};
use schema::{Dialect, Leniency};
use serde::{Deserialize, Serialize};
use store::{Directory, Error as StoreError, Token};

use crate::error::to_client_error;

pub use expiring::{ExpiringToken, HORIZONS, expiring};

const DAY: u64 = 24 * 60 * 60;
const HOUR: u64 = 60 * 60;
/// Ten years.
const MAX_DAYS: u64 = 3650;
const DEFAULT_DAYS: u64 = 365;
const MAX_OVERLAP_HOURS: u64 = 30 * 24;
const DEFAULT_OVERLAP_HOURS: u64 = 24;
const MAX_LABEL: usize = 128;
const LENIENT: &str = "lenient";

/// What a new token is to be.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssueRequest {
    pub tenant: String,
    /// For whom it is, in words of the operator's.
    pub label: String,
    /// 365 if absent.
    #[serde(default)]
    pub expires_in_days: Option<u64>,
    /// `read write` if absent.
    #[serde(default)]
    pub scopes: Option<String>,
    /// `strict` or `lenient`, which it is if absent.
    #[serde(default)]
    pub dialect: Option<String>,
}

/// Whose tokens are listed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRequest {
    pub tenant: String,
}

/// Which token gets a successor.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateRequest {
    pub id: String,
    /// How long the old token still works; 24 if absent.
    #[serde(default)]
    pub overlap_hours: Option<u64>,
    /// As long as the old one was given, if absent.
    #[serde(default)]
    pub expires_in_days: Option<u64>,
}

/// Which token is revoked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    pub id: String,
}

/// A new token, with its secret; it has no `Debug`.
#[derive(Serialize)]
pub struct IssuedToken {
    /// What the identity provider is given.
    pub token: String,
    #[serde(flatten)]
    pub about: TokenMetadata,
}

/// A token without its secret. Times are RFC 3339.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenMetadata {
    pub id: String,
    pub tenant: String,
    pub label: String,
    pub scopes: String,
    pub dialect: String,
    /// `active`, `expired` or `revoked`.
    pub state: &'static str,
    pub created: String,
    pub expires_at: String,
    /// Right to the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    /// The id of the token that a rotation has put in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

/// The tokens of a tenant.
#[derive(Debug, Serialize)]
pub struct TokenList {
    pub tokens: Vec<TokenMetadata>,
}

/// Issues a token.
///
/// # Errors
/// [`Error::InvalidValue`] if there can be no such token.
pub async fn issue(directory: &Directory, wanted: IssueRequest) -> Result<IssuedToken, Error> {
    if !Tenant::is_valid_name(&wanted.tenant) {
        let problem = "The tenant must be 1 to 64 of the characters a-z, 0-9 and -.";
        return Err(Error::InvalidValue(problem.to_owned()));
    }
    let label = wanted.label.trim();
    if label.is_empty() || label.chars().count() > MAX_LABEL || label.chars().any(char::is_control) {
        return Err(Error::InvalidValue(format!("The label must be 1 to {MAX_LABEL} characters that can be printed.")));
    }
    let scopes = wanted.scopes.as_deref().unwrap_or("read write").parse::<Scopes>();
    let scopes = scopes.map_err(|problem| Error::InvalidValue(format!("The scopes are wrong: {problem}.")))?;
    let dialect = Dialect::named(wanted.dialect.as_deref().unwrap_or(LENIENT));
    let dialect = dialect.ok_or_else(|| Error::InvalidValue("The dialect is `strict` or `lenient`.".to_owned()))?;
    let lifetime = days(wanted.expires_in_days.unwrap_or(DEFAULT_DAYS))?;
    let like = Like {
        tenant: wanted.tenant,
        label: label.to_owned(),
        scopes: scopes.to_string(),
        dialect: dialect.name().to_owned(),
    };
    make(directory, like, lifetime).await
}

/// Lists the tokens of a tenant, the newest first.
///
/// # Errors
/// Those of the store.
pub async fn list(directory: &Directory, wanted: ListRequest) -> Result<TokenList, Error> {
    let mut tokens = directory.list_tokens().await.map_err(to_client_error)?;
    tokens.retain(|token| token.tenant == wanted.tenant);
    tokens.sort_by(|one, other| (other.created, &other.id).cmp(&(one.created, &one.id)));
    let now = now();
    Ok(TokenList { tokens: tokens.into_iter().map(|token| about(token, now)).collect() })
}

/// Issues a token like another one, which expires after a while in which both work.
///
/// # Errors
/// [`Error::NotFound`] for an id that is none, [`Error::InvalidValue`] if the token no longer works.
pub async fn rotate(directory: &Directory, wanted: RotateRequest) -> Result<IssuedToken, Error> {
    let hours = wanted.overlap_hours.unwrap_or(DEFAULT_OVERLAP_HOURS);
    if hours > MAX_OVERLAP_HOURS {
        return Err(Error::InvalidValue(format!("overlapHours must be 0 to {MAX_OVERLAP_HOURS}.")));
    }
    let old = directory.get_token(&wanted.id).await.map_err(to_client_error)?.ok_or_else(|| unknown(&wanted.id))?;
    let now = now();
    if state(&old, now) != "active" {
        let problem = format!("The token {} is {}; issue a new one instead.", old.id, state(&old, now));
        return Err(Error::InvalidValue(problem));
    }
    let lifetime = match wanted.expires_in_days {
        Some(number) => days(number)?,
        None => old.expires_at.saturating_sub(old.created),
    };
    let end = old.expires_at.min(now.saturating_add(hours * HOUR));
    let like = Like { tenant: old.tenant, label: old.label, scopes: old.scopes, dialect: old.dialect };
    let new = make(directory, like, lifetime).await?;
    directory.set_successor(&old.id, &new.about.id, end).await.map_err(to_client_error)?;
    Ok(new)
}

/// Revokes a token for good. It may work until the authorizer's answer about it is forgotten.
///
/// # Errors
/// [`Error::NotFound`] for an id that is none.
pub async fn revoke(directory: &Directory, wanted: RevokeRequest) -> Result<TokenMetadata, Error> {
    match directory.revoke(&wanted.id, now()).await {
        Err(StoreError::Missing) => return Err(unknown(&wanted.id)),
        revoked => revoked.map_err(to_client_error)?,
    }
    let token = directory.get_token(&wanted.id).await.map_err(to_client_error)?;
    token.map(|token| about(token, now())).ok_or_else(|| unknown(&wanted.id))
}

/// Who bears the token of an `Authorization` header; `None` whatever is wrong with it, which the log alone tells.
///
/// # Errors
/// If the store does not say.
pub async fn authorize(directory: &Directory, authorization: &str) -> Result<Option<Caller>, Error> {
    let Some(presented) = token::parse(authorization) else { return Ok(refused(None, "malformed")) };
    let id = Some(presented.id.as_str());
    let Some(token) = directory.get_token(&presented.id).await.map_err(to_client_error)? else {
        return Ok(refused(id, "unknown"));
    };
    let now = now();
    match state(&token, now) {
        _ if !presented.matches(&token.hash) => return Ok(refused(id, "not the secret")),
        "active" => {}
        ended => return Ok(refused(id, ended)),
    }
    let caller = Caller::from_context(&token.tenant, &token.id, &token.scopes, Some(&token.dialect));
    let tolerated = |caller: &Caller| caller.dialect.tolerate(Leniency::BareTokens, "Authorization").is_ok();
    if presented.has_no_scheme && !caller.as_ref().is_some_and(tolerated) {
        return Ok(refused(id, "without Bearer"));
    }
    // The token is good even if its use cannot be noted just now.
    if let Err(error) = directory.touch_token(&token, now).await {
        tracing::warn!(cause = %error, "the use of a token was not noted");
    }
    Ok(caller)
}

fn refused(id: Option<&str>, reason: &str) -> Option<Caller> {
    tracing::info!(id, reason, "a token was refused");
    None
}

/// What a token has in common with the one that it follows.
struct Like {
    tenant: String,
    label: String,
    scopes: String,
    dialect: String,
}

async fn make(directory: &Directory, like: Like, lifetime: u64) -> Result<IssuedToken, Error> {
    let Like { tenant, label, scopes, dialect } = like;
    let minted = token::generate(random()?, random()?);
    let created = now();
    let token = Token {
        id: minted.id.clone(),
        hash: minted.hash(),
        tenant,
        scopes,
        dialect,
        label,
        created,
        expires_at: created.saturating_add(lifetime),
        last_used: None,
        revoked_at: None,
        successor: None,
    };
    directory.put_token(&token).await.map_err(to_client_error)?;
    Ok(IssuedToken { token: minted.to_string(), about: about(token, created) })
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => {
            tracing::error!(cause = %error, "the system gives no random bytes");
            Err(Error::Internal)
        }
    }
}

/// What is no id is not repeated: it may be a token, and errors are kept where tokens are not.
fn unknown(id: &str) -> Error {
    Error::NotFound(match token::is_id(id) {
        true => format!("There is no token with the id {id:?}; TokensList shows those of a tenant."),
        false => "That is no token's id. It is the 11 characters behind `scim_`; TokensList shows those of a tenant."
            .to_owned(),
    })
}

/// A lifetime in seconds.
fn days(number: u64) -> Result<u64, Error> {
    match number {
        1..=MAX_DAYS => Ok(number * DAY),
        _ => Err(Error::InvalidValue(format!("expiresInDays must be 1 to {MAX_DAYS}."))),
    }
}

fn about(token: Token, now: u64) -> TokenMetadata {
    TokenMetadata {
        state: state(&token, now),
        id: token.id,
        tenant: token.tenant,
        label: token.label,
        scopes: token.scopes,
        dialect: token.dialect,
        created: time(token.created),
        expires_at: time(token.expires_at),
        last_used: token.last_used.map(time),
        revoked_at: token.revoked_at.map(time),
        successor: token.successor,
    }
}

fn state(token: &Token, now: u64) -> &'static str {
    if token.revoked_at.is_some() {
        "revoked"
    } else if token.expires_at <= now {
        "expired"
    } else {
        "active"
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or(0)
}

fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn token(expires_at: u64, revoked_at: Option<u64>) -> Token {
        Token {
            id: "i".into(),
            hash: "h".into(),
            tenant: "acme".into(),
            scopes: "read".into(),
            dialect: "lenient".into(),
            label: "l".into(),
            created: 0,
            expires_at,
            last_used: None,
            revoked_at,
            successor: None,
        }
    }

    #[test]
    fn a_token_ends_at_its_expiry_or_before() {
        assert_eq!(state(&token(10, None), 9), "active");
        assert_eq!(state(&token(10, None), 10), "expired");
        assert_eq!(state(&token(10, Some(1)), 9), "revoked");
    }

    #[test]
    fn a_lifetime_is_at_most_ten_years() {
        assert_eq!(days(1), Ok(86_400));
        assert!(days(3650).is_ok() && days(0).is_err() && days(3651).is_err());
    }

    #[test]
    fn what_is_told_of_a_token_has_no_hash() {
        let about = serde_json::to_value(about(token(86_400, None), 0)).unwrap();
        let expect = serde_json::json!({
            "id": "i", "tenant": "acme", "label": "l", "scopes": "read", "dialect": "lenient", "state": "active",
            "created": "1970-01-01T00:00:00Z", "expiresAt": "1970-01-02T00:00:00Z",
        });
        assert_eq!(about, expect);
    }

    #[test]
    fn an_error_repeats_an_id_and_no_token() {
        let minted = token::generate([1; 8], [2; 32]);
        let (id, whole) = (minted.id.clone(), minted.to_string());
        assert!(unknown(&id).to_string().contains(&id));
        for sent in
            [&whole, &whole["scim_".len()..], &whole["scim_".len() + id.len() + 1..], &format!("Bearer {whole}")]
        {
            let problem = unknown(sent).to_string();
            assert!(problem.contains("no token's id") && !problem.contains(&whole[20..]), "{problem}");
        }
    }

    #[test]
    fn a_misspelt_wish_is_refused() {
        assert!(serde_json::from_str::<IssueRequest>(r#"{"tenant":"a","label":"l"}"#).is_ok());
        assert!(serde_json::from_str::<IssueRequest>(r#"{"tenant":"a","label":"l","expiresInDay":1}"#).is_err());
    }
}
