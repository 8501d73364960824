//! The bearer tokens that a tenant's identity providers hold: never the secret, only its hash.
//!
//! These functions take a tenant as text, because the authorizer learns it from them and operators name it.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use protocol::token::Hash;
use serde::{Deserialize, Serialize};

use crate::commit::action::{ABSENT, PRESENT, names, number, placeholders};
use crate::error::failure;
use crate::item::{self, Item};
use crate::key::{Key, SK, TOKENS};
use crate::paging::page::CollectionQuery;
use crate::{Directory, Error};

/// How long an expired token can still be listed, in seconds.
const KEPT_AFTER_EXPIRY: u64 = 30 * 24 * 60 * 60;
/// The use of a token is written down once in so many seconds.
const USE_NOTED_EVERY: u64 = 60 * 60;

/// A token as it is stored. All times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// What stands between `scim_` and the secret.
    #[serde(skip)]
    pub id: String,
    pub hash: Hash,
    pub tenant: String,
    /// As `protocol::Scopes` prints them.
    pub scopes: String,
    /// As `schema::Dialect` is named; a token from before there were dialects is lenient.
    #[serde(default = "lenient")]
    pub dialect: String,
    pub label: String,
    pub created: u64,
    pub expires_at: u64,
    /// Right to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<u64>,
    /// The id of the token that takes its place.
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
    /// Stores a new token; [`Error::NameTaken`] if there is another of this id.
    pub async fn put_token(&self, token: &Token) -> Result<(), Error> {
        let body = TokenItem { token, expires: token.expires_at.saturating_add(KEPT_AFTER_EXPIRY) };
        let item = item::with_key(&Key::token(&token.id), &body)?;
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item)).condition_expression(ABSENT);
        let Err(error) = request.return_values_on_condition_check_failure(AllOld).send().await else { return Ok(()) };
        let Some(PutItemError::ConditionalCheckFailedException(found)) = error.as_service_error() else {
            return Err(failure("PutItem", &error));
        };
        // The SDK repeats a write whose answer was lost, and then finds the token that it put itself.
        let mine =
            found.item().is_some_and(|item| item::text(item, "hash").is_ok_and(|hash| Hash::from(hash) == token.hash));
        if mine { Ok(()) } else { Err(Error::NameTaken) }
    }

    /// A token by its id, expired and revoked ones too: the caller looks at both.
    pub async fn get_token(&self, id: &str) -> Result<Option<Token>, Error> {
        if id.is_empty() {
            return Ok(None);
        }
        self.read(&Key::token(id)).await?.map(token).transpose()
    }

    /// All tokens of all tenants; those that expired 30 days ago go at some time.
    pub async fn list_tokens(&self) -> Result<Vec<Token>, Error> {
        let items = self.query(CollectionQuery::all(TOKENS.to_owned()), None).await?;
        items.into_iter().map(token).collect()
    }

    /// Revokes a token; one that is revoked already keeps its time.
    pub async fn revoke(&self, id: &str, at: u64) -> Result<(), Error> {
        let set = "SET #revokedAt = if_not_exists(#revokedAt, :at)";
        self.update_token(id, set, PRESENT, [("at", number(at))]).await
    }

    /// Gives a token another expiry, and says which one takes its place.
    pub async fn set_successor(&self, id: &str, successor: &str, at: u64) -> Result<(), Error> {
        let gone = number(at.saturating_add(KEPT_AFTER_EXPIRY));
        let values = [("at", number(at)), ("gone", gone), ("next", AttributeValue::S(successor.to_owned()))];
        self.update_token(id, "SET #expiresAt = :at, #expires = :gone, #successor = :next", PRESENT, values).await
    }

    /// Notes that a token was used, unless that was noted within the last hour, in which case it costs nothing.
    pub async fn touch_token(&self, token: &Token, now: u64) -> Result<(), Error> {
        let hour_ago = now.saturating_sub(USE_NOTED_EVERY);
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

    /// [`Error::Missing`] where the condition does not hold.
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
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }
}

fn token(item: Item) -> Result<Token, Error> {
    let id = item::text(&item, SK)?.to_owned();
    Ok(Token { id, ..item::body(item)? })
}
