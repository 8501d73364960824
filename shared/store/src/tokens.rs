//! The bearer tokens of tenants' identity providers. The table holds the hash of a token's secret, never the
//! secret.
//!
//! A token contains its tenant as text, because the authorizer learns the tenant from it and operators name it.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use protocol::token::Hash;
use serde::{Deserialize, Serialize};

use crate::attributes::{Item, number};
use crate::error::classify;
use crate::expression::{ABSENT, PRESENT, names, placeholders};
use crate::item;
use crate::key::{Key, SK, TOKENS};
use crate::read::query::CollectionQuery;
use crate::{Directory, Error};

/// The time for which an expired token can still be listed.
const EXPIRED_RETENTION_SECONDS: u64 = 30 * 24 * 60 * 60;
/// The least time between two writes of a token's last use.
const LAST_USED_INTERVAL_SECONDS: u64 = 60 * 60;

/// A token as it is stored. All times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// The part of the token between `scim_` and the secret.
    #[serde(skip)]
    pub id: String,
    pub hash: Hash,
    pub tenant: String,
    /// As `protocol::Scopes` prints them.
    pub scopes: String,
    /// The name of a `schema::Dialect`. A token from before dialects existed is lenient.
    #[serde(default = "lenient")]
    pub dialect: String,
    pub label: String,
    pub created: u64,
    pub expires_at: u64,
    /// The last use, accurate to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<u64>,
    /// The id of the token that replaces this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

fn lenient() -> String {
    "lenient".to_owned()
}

#[derive(Serialize)]
struct TokenItem<'a> {
    #[serde(flatten)]
    token: &'a Token,
    expires: u64,
}

impl Directory {
    /// Stores a new token.
    ///
    /// # Errors
    /// [`Error::NameTaken`] if another token has this id, and the errors of a write: `Throttled`, `Unavailable`,
    /// `Refused`.
    pub async fn put_token(&self, token: &Token) -> Result<(), Error> {
        self.check_not_foreign()?;
        let body = TokenItem { token, expires: token.expires_at.saturating_add(EXPIRED_RETENTION_SECONDS) };
        let item = item::with_key(&Key::token(&token.id), &body)?;
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item)).condition_expression(ABSENT);
        let Err(error) = request.return_values_on_condition_check_failure(AllOld).send().await else { return Ok(()) };
        let Some(PutItemError::ConditionalCheckFailedException(found)) = error.as_service_error() else {
            return Err(classify("PutItem", &error));
        };
        // The SDK retries a write whose response was lost, and then finds the token that it put itself.
        let is_same =
            found.item().is_some_and(|item| item::text(item, "hash").is_ok_and(|hash| Hash::from(hash) == token.hash));
        if is_same { Ok(()) } else { Err(Error::NameTaken) }
    }

    /// Reads a token by its id. It may be expired or revoked, which the caller has to check.
    ///
    /// # Errors
    /// `Throttled`, `Unavailable`, `Refused`, `Corrupt`.
    pub async fn get_token(&self, id: &str) -> Result<Option<Token>, Error> {
        if id.is_empty() {
            return Ok(None);
        }
        self.read(&Key::token(id)).await?.map(token).transpose()
    }

    /// Reads all tokens of all tenants. DynamoDB deletes a token some time after it has been expired for 30 days.
    ///
    /// # Errors
    /// The errors of [`Directory::get_token`].
    pub async fn list_tokens(&self) -> Result<Vec<Token>, Error> {
        let items = self.query(CollectionQuery::all(TOKENS.to_owned()), None).await?;
        items.into_iter().map(token).collect()
    }

    /// Revokes a token. A token that is revoked already keeps its time. `at` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Missing`], and the errors of a write: `Throttled`, `Unavailable`, `Refused`.
    pub async fn revoke(&self, id: &str, at: u64) -> Result<(), Error> {
        let set = "SET #revokedAt = if_not_exists(#revokedAt, :at)";
        self.update_token(id, set, PRESENT, [("at", number(at))]).await
    }

    /// Sets the token that replaces this one, and a new expiry, in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Missing`], and the errors of a write: `Throttled`, `Unavailable`, `Refused`.
    pub async fn set_successor(&self, id: &str, successor: &str, at: u64) -> Result<(), Error> {
        let expires = number(at.saturating_add(EXPIRED_RETENTION_SECONDS));
        let values = [("at", number(at)), ("expires", expires), ("next", AttributeValue::S(successor.to_owned()))];
        self.update_token(id, "SET #expiresAt = :at, #expires = :expires, #successor = :next", PRESENT, values).await
    }

    /// Records the last use of a token. It sends nothing if a use within the last hour is recorded already. `now`
    /// is in seconds since
    /// 1970.
    ///
    /// # Errors
    /// The errors of a write: `Throttled`, `Unavailable`, `Refused`.
    pub async fn touch_token(&self, token: &Token, now: u64) -> Result<(), Error> {
        let hour_ago = now.saturating_sub(LAST_USED_INTERVAL_SECONDS);
        if token.last_used.is_some_and(|used| used > hour_ago) {
            return Ok(());
        }
        let due = "attribute_exists(pk) AND (attribute_not_exists(#lastUsed) OR #lastUsed <= :hourAgo)";
        let values = [("now", number(now)), ("hourAgo", number(hour_ago))];
        match self.update_token(&token.id, "SET #lastUsed = :now", due, values).await {
            Err(Error::Missing) => Ok(()),
            done => done,
        }
    }

    /// # Errors
    /// [`Error::Missing`] if the condition does not hold.
    async fn update_token<const N: usize>(
        &self,
        id: &str,
        update: &str,
        condition: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<(), Error> {
        if id.is_empty() {
            return Err(Error::Missing);
        }
        self.check_not_foreign()?;
        let values: Item = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::token(id).attributes()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(names(&format!("{update} {condition}")))
            .set_expression_attribute_values(placeholders(values));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Err(Error::Missing),
            Err(error) => Err(classify("UpdateItem", &error)),
        }
    }
}

fn token(item: Item) -> Result<Token, Error> {
    let id = item::text(&item, SK)?.to_owned();
    Ok(Token { id, ..item::body(item)? })
}
