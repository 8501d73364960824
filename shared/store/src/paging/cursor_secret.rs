//! The secret of a tenant by which its cursors are sealed (RFC 9865 §5.2): made when it is first needed, and never changed, so
//! that nothing has to be configured.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::Tenant;

use crate::commit::action::ABSENT;
use crate::error::failure;
use crate::item::Item;
use crate::key::Key;
use crate::{Directory, Error};

const SECRET: &str = "secret";

/// The secrets that this process has read.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<Mutex<HashMap<Tenant, [u8; 32]>>>);

/// They are not for logs.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Directory {
    /// The tenant's secret. It is `fresh`, 32 random bytes, if there was none; of two that are made at once, one holds.
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
        self.secrets.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), secret);
        Ok(secret)
    }

    /// Whether this one was put. The SDK repeats a write whose answer was lost, and then finds its own: it is read, too.
    async fn put_secret(&self, key: &Key, secret: [u8; 32]) -> Result<bool, Error> {
        let mut item = key.attributes();
        item.insert(SECRET.to_owned(), AttributeValue::B(Blob::new(secret)));
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item)).condition_expression(ABSENT);
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(failure("PutItem", &error)),
        }
    }
}

impl Secrets {
    fn get(&self, tenant: &Tenant) -> Option<[u8; 32]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).copied()
    }
}

fn secret(item: &Item) -> Result<[u8; 32], Error> {
    let bytes = item.get(SECRET).and_then(|value| value.as_b().ok()).map(Blob::as_ref);
    let secret = bytes.and_then(|bytes| bytes.try_into().ok());
    secret.ok_or_else(|| Error::Corrupt("a tenant's secret for cursors".to_owned()))
}
