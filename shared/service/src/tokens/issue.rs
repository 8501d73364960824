//! Issues new tokens, and rotates existing ones.

use protocol::{Error, Scopes, Tenant, token};
use schema::Dialect;
use serde::{Deserialize, Serialize};
use store::{Directory, Token};

use super::metadata::{TokenMetadata, TokenState, unknown_token};
use crate::clock::{DAY_SECONDS, now_seconds};
use crate::error::to_client_error;

const HOUR_SECONDS: u64 = 60 * 60;
/// Ten years.
const MAX_LIFETIME_DAYS: u64 = protocol::limits::TOKEN_DAYS;
const DEFAULT_LIFETIME_DAYS: u64 = protocol::limits::DEFAULT_TOKEN_DAYS;
const MAX_OVERLAP_HOURS: u64 = protocol::limits::OVERLAP_HOURS;
const DEFAULT_OVERLAP_HOURS: u64 = protocol::limits::DEFAULT_OVERLAP_HOURS;
const MAX_LABEL_CHARACTERS: usize = protocol::limits::LABEL_CHARACTERS;
const DEFAULT_SCOPES: &str = "read write";
const DEFAULT_DIALECT: &str = "lenient";

/// The properties of a new token.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssueRequest {
    pub tenant: String,
    /// A note for operators, for example the name of the identity provider.
    pub label: String,
    /// 365 if absent.
    #[serde(default)]
    pub expires_in_days: Option<u64>,
    /// `read write` if absent.
    #[serde(default)]
    pub scopes: Option<String>,
    /// `lenient`, `strict` or `interop`; `lenient` if absent.
    #[serde(default)]
    pub dialect: Option<String>,
}

/// The token to replace.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateRequest {
    pub id: String,
    /// The hours for which the old token still works; 24 if absent.
    #[serde(default)]
    pub overlap_hours: Option<u64>,
    /// The lifetime of the old token if absent.
    #[serde(default)]
    pub expires_in_days: Option<u64>,
}

/// A new token, with its secret. It does not implement `Debug`, so that the secret cannot be logged by accident.
#[derive(Serialize)]
pub struct IssuedToken {
    /// The text to enter in the identity provider.
    pub token: String,
    #[serde(flatten)]
    pub metadata: TokenMetadata,
}

/// Issues a token.
///
/// # Errors
/// [`Error::InvalidValue`] for an invalid property.
pub async fn issue(directory: &Directory, request: IssueRequest) -> Result<IssuedToken, Error> {
    if !Tenant::is_valid_name(&request.tenant) {
        let detail = "The tenant must be 1 to 64 of the characters a-z, 0-9 and -.";
        return Err(Error::InvalidValue(detail.to_owned()));
    }
    let label = request.label.trim();
    if label.is_empty() || label.chars().count() > MAX_LABEL_CHARACTERS || label.chars().any(char::is_control) {
        let detail = format!("The label must be 1 to {MAX_LABEL_CHARACTERS} printable characters.");
        return Err(Error::InvalidValue(detail));
    }
    let scopes = request.scopes.as_deref().unwrap_or(DEFAULT_SCOPES).parse::<Scopes>();
    let scopes = scopes.map_err(|problem| Error::InvalidValue(format!("The scopes are invalid: {problem}.")))?;
    let dialect = Dialect::named(request.dialect.as_deref().unwrap_or(DEFAULT_DIALECT));
    let dialect = dialect
        .ok_or_else(|| Error::InvalidValue("The dialect must be `lenient`, `strict` or `interop`.".to_owned()))?;
    let lifetime_seconds = lifetime_seconds(request.expires_in_days.unwrap_or(DEFAULT_LIFETIME_DAYS))?;
    let template = TokenTemplate {
        tenant: request.tenant,
        label: label.to_owned(),
        scopes: scopes.to_string(),
        dialect: dialect.name().to_owned(),
    };
    create(directory, template, lifetime_seconds).await
}

/// Issues a token with the properties of another one, which expires after a time in which both work.
///
/// # Errors
/// [`Error::NotFound`] for an id that no token has, [`Error::InvalidValue`] if the token no longer works.
pub async fn rotate(directory: &Directory, request: RotateRequest) -> Result<IssuedToken, Error> {
    let overlap_hours = request.overlap_hours.unwrap_or(DEFAULT_OVERLAP_HOURS);
    if overlap_hours > MAX_OVERLAP_HOURS {
        return Err(Error::InvalidValue(format!("overlapHours must be 0 to {MAX_OVERLAP_HOURS}.")));
    }
    let old = directory.get_token(&request.id).await.map_err(to_client_error)?;
    let old = old.ok_or_else(|| unknown_token(&request.id))?;
    let now = now_seconds();
    let state = TokenState::of(&old, now);
    if state != TokenState::Active {
        return Err(Error::InvalidValue(format!("The token {} is {state}. Issue a new one instead.", old.id)));
    }
    let lifetime_seconds = match request.expires_in_days {
        Some(days) => lifetime_seconds(days)?,
        None => old.expires_at.saturating_sub(old.created),
    };
    let end = old.expires_at.min(now.saturating_add(overlap_hours * HOUR_SECONDS));
    let template = TokenTemplate { tenant: old.tenant, label: old.label, scopes: old.scopes, dialect: old.dialect };
    let new = create(directory, template, lifetime_seconds).await?;
    directory.set_successor(&old.id, &new.metadata.id, end).await.map_err(to_client_error)?;
    Ok(new)
}

/// The properties that a token shares with its successor.
struct TokenTemplate {
    tenant: String,
    label: String,
    scopes: String,
    dialect: String,
}

async fn create(directory: &Directory, template: TokenTemplate, lifetime_seconds: u64) -> Result<IssuedToken, Error> {
    let TokenTemplate { tenant, label, scopes, dialect } = template;
    let new = token::generate(random_bytes()?, random_bytes()?);
    let created = now_seconds();
    let token = Token {
        id: new.id.clone(),
        hash: new.hash(),
        tenant,
        scopes,
        dialect,
        label,
        created,
        expires_at: created.saturating_add(lifetime_seconds),
        last_used: None,
        revoked_at: None,
        successor: None,
    };
    directory.put_token(&token).await.map_err(to_client_error)?;
    Ok(IssuedToken { token: new.to_string(), metadata: TokenMetadata::new(token, created) })
}

fn random_bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => {
            tracing::error!(cause = %error, "failed to read random bytes from the operating system");
            Err(Error::Internal)
        }
    }
}

fn lifetime_seconds(days: u64) -> Result<u64, Error> {
    match days {
        1..=MAX_LIFETIME_DAYS => Ok(days * DAY_SECONDS),
        _ => Err(Error::InvalidValue(format!("expiresInDays must be 1 to {MAX_LIFETIME_DAYS}."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetime_above_ten_years_is_refused() {
        assert_eq!(lifetime_seconds(1), Ok(86_400));
        assert!(lifetime_seconds(3650).is_ok());
        assert!(lifetime_seconds(0).is_err());
        assert!(lifetime_seconds(3651).is_err());
    }

    #[test]
    fn issue_request_with_unknown_member_is_refused() {
        assert!(serde_json::from_str::<IssueRequest>(r#"{"tenant":"a","label":"l"}"#).is_ok());
        assert!(serde_json::from_str::<IssueRequest>(r#"{"tenant":"a","label":"l","expiresInDay":1}"#).is_err());
    }
}
