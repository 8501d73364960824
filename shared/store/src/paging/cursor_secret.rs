//! The secret by which a tenant's cursors are sealed (RFC 9865 §5.2). It is created when it is first needed and
//! never changes, so that nothing has to be configured.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::Tenant;

use crate::attributes::Item;
use crate::error::classify;
use crate::expression::ABSENT;
use crate::key::Key;
use crate::{Directory, Error, format};

const SECRET: &str = "secret";

impl Directory {
    /// The tenant's secret. If there is none yet, `fresh`, which are 32 random bytes, becomes the secret. If two
    /// callers do that at the same time, both get the secret of the first.
    ///
    /// # Errors
    /// `Throttled`, `Unavailable`, `Refused`, `Corrupt`.
    pub async fn cursor_secret(&self, tenant: &Tenant, fresh: [u8; 32]) -> Result<[u8; 32], Error> {
        if let Some(known) = self.secrets.get(tenant) {
            return Ok(known);
        }
        let key = Key::cursor_secret(tenant);
        let secret = match self.read(&key).await? {
            Some(item) => secret(&item)?,
            None if self.put_secret(&key, fresh).await? => fresh,
            None => secret(&self.read(&key).await?.ok_or(Error::Missing)?)?,
        };
        self.secrets.insert(tenant, secret);
        Ok(secret)
    }

    /// Returns whether this secret was stored. It may be stored and `false` returned: the SDK retries a write whose
    /// response was lost, and then finds its own item. The caller reads the item in that case.
    async fn put_secret(&self, key: &Key, secret: [u8; 32]) -> Result<bool, Error> {
        self.check_not_foreign()?;
        let mut item = key.attributes();
        item.insert(SECRET.to_owned(), AttributeValue::B(Blob::new(secret)));
        item.insert(format::ATTRIBUTE.to_owned(), format::value());
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item)).condition_expression(ABSENT);
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(classify("PutItem", &error)),
        }
    }
}

fn secret(item: &Item) -> Result<[u8; 32], Error> {
    format::check(item)?;
    let bytes = item.get(SECRET).and_then(|value| value.as_b().ok()).map(Blob::as_ref);
    let secret = bytes.and_then(|bytes| bytes.try_into().ok());
    secret.ok_or_else(|| Error::Corrupt("the cursor secret of a tenant is not 32 bytes".to_owned()))
}
