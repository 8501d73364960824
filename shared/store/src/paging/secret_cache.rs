//! The cursor secrets that this process has read, so that it reads the secret of a tenant once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::Tenant;

/// The cursor secrets of tenants. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct SecretCache(Arc<Mutex<HashMap<Tenant, [u8; 32]>>>);

/// Secrets do not belong in logs.
impl fmt::Debug for SecretCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretCache")
    }
}

impl SecretCache {
    pub(crate) fn get(&self, tenant: &Tenant) -> Option<[u8; 32]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).copied()
    }

    pub(crate) fn insert(&self, tenant: &Tenant, secret: [u8; 32]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), secret);
    }
}
