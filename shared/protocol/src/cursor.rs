//! Cursors (RFC 9865 §2): the position at which the next page begins, encrypted, and bound to the tenant and the query,
//! so that only this service can create a cursor or read its values. A cursor grants no access: the
//! caller's tenant decides what is read (§5.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit, Mac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::limits::{CURSOR_BYTES, CURSOR_SECONDS};
use crate::sort::Position;
use crate::{Error, Query, Tenant};

/// The length of the nonce of XChaCha20-Poly1305, in bytes.
const NONCE_BYTES: usize = 24;

/// The secret key that encrypts and authenticates a tenant's cursors.
///
/// # Examples
/// ```
/// use protocol::{Caller, CursorKey, Parameters, Position, Query};
/// use schema::{Dialect, Kind, ResourceId};
///
/// let key = CursorKey([7; 32]);
/// let tenant = Caller::from_context("acme", "token", "read", None).unwrap().tenant;
/// let query = Query::parse(&[Kind::User], Parameters::default(), &Dialect::lenient())?;
/// let last = ResourceId::parse("0191b1c8-7a60-7c3e-8a3e-0123456789ab").unwrap();
///
/// let now = 1_800_000_000;
/// let end = Position::new(None, Kind::User, last);
/// let cursor = key.seal(&tenant, &query, Some(end.clone()), now)?;
/// assert_eq!(key.open(&tenant, &query, &cursor, now + 60)?, Some(end));
///
/// let error = key.open(&tenant, &query, "forged", now).unwrap_err();
/// assert_eq!(error.scim_type(), Some("invalidCursor"));
/// # Ok::<(), protocol::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct CursorKey(pub [u8; 32]);

#[derive(Serialize, Deserialize)]
struct CursorContent {
    /// The last second at which the cursor is valid, counted from 1970.
    #[serde(rename = "e")]
    expires: u64,
    /// RFC 9865 §2.1: count "must be equal to the count value of the initial query".
    #[serde(rename = "n")]
    count: usize,
    /// `None` for the beginning of the list.
    #[serde(rename = "p")]
    after: Option<Position>,
}

impl CursorKey {
    /// Creates the cursor of the page that begins after `after`, or at the beginning of the list. `now` is in seconds
    /// since 1970.
    ///
    /// # Errors
    /// [`Error::Internal`] if the content cannot be encoded or authenticated.
    pub fn seal(&self, tenant: &Tenant, query: &Query, after: Option<Position>, now: u64) -> Result<String, Error> {
        let content = CursorContent { expires: now.saturating_add(CURSOR_SECONDS), count: query.count, after };
        self.encrypt(&context(tenant, query), &content)
    }

    /// Encrypts the position of a bookmark, which is stored and not sent to clients. The same position gives the same
    /// text.
    ///
    /// # Errors
    /// As [`CursorKey::seal`].
    pub fn seal_position(&self, tenant: &Tenant, query: &Query, position: &Position) -> Result<String, Error> {
        self.encrypt(&context(tenant, query), position)
    }

    /// The position that [`CursorKey::seal_position`] has encrypted; `None` if it was another key, tenant or query.
    pub fn open_position(&self, tenant: &Tenant, query: &Query, sealed: &str) -> Result<Option<Position>, Error> {
        self.decrypt(&context(tenant, query), sealed)
    }

    fn encrypt(&self, context: &[u8], content: &impl Serialize) -> Result<String, Error> {
        let content = serde_json::to_vec(content).map_err(|_| Error::Internal)?;
        // The nonce follows from all that is encrypted, so that two different cursors never have the same one, and
        // this crate needs no randomness.
        let mut nonce = self.derive(b"nonce", &[context, &content])?.to_vec();
        nonce.truncate(NONCE_BYTES);
        let encrypted = self.cipher()?.encrypt(&to_nonce(&nonce)?, Payload { msg: &content, aad: context });
        let mut sealed = nonce;
        sealed.extend(encrypted.map_err(|_| Error::Internal)?);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Verifies a cursor and returns the position after which its page begins. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`] if this service did not create the cursor, or created it for another tenant or
    /// query; the errors do not differ (RFC 9865 §5.2). [`Error::ExpiredCursor`] if the cursor is too old, and
    /// [`Error::InvalidCount`] if the request has another `count` than the cursor.
    pub fn open(&self, tenant: &Tenant, query: &Query, cursor: &str, now: u64) -> Result<Option<Position>, Error> {
        let content = self.decrypt(&context(tenant, query), cursor)?;
        let content: CursorContent = content.ok_or_else(|| {
            let problem = "The cursor is not valid for this query. Send nextCursor as it was returned, with the same \
                filter, sortBy and sortOrder, or start again with an empty cursor.";
            Error::InvalidCursor(problem.to_owned())
        })?;
        if now > content.expires {
            return Err(Error::ExpiredCursor(format!(
                "The cursor is older than {} minutes. Start again with an empty cursor.",
                CURSOR_SECONDS / 60
            )));
        }
        if content.count != query.count {
            let count = content.count;
            return Err(Error::InvalidCount(format!(
                "The cursor belongs to a query with count={count}. Send the same count."
            )));
        }
        Ok(content.after)
    }

    /// The content that was encrypted with this key for this context.
    fn decrypt<T: DeserializeOwned>(&self, context: &[u8], sealed: &str) -> Result<Option<T>, Error> {
        if sealed.len() > CURSOR_BYTES {
            return Ok(None);
        }
        let Ok(sealed) = URL_SAFE_NO_PAD.decode(sealed) else { return Ok(None) };
        let Some((nonce, encrypted)) = sealed.split_at_checked(NONCE_BYTES) else { return Ok(None) };
        let payload = Payload { msg: encrypted, aad: context };
        let content = self.cipher()?.decrypt(&to_nonce(nonce)?, payload);
        Ok(content.ok().and_then(|content| serde_json::from_slice(&content).ok()))
    }

    fn cipher(&self) -> Result<XChaCha20Poly1305, Error> {
        let key = self.derive(b"encryption", &[])?;
        Key::try_from(key.as_slice()).map(|key| XChaCha20Poly1305::new(&key)).map_err(|_| Error::Internal)
    }

    /// Derives bytes for a purpose. Each input is preceded by its length, so that inputs cannot be shifted.
    fn derive(&self, purpose: &[u8], inputs: &[&[u8]]) -> Result<[u8; 32], Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|_| Error::Internal)?;
        for part in [b"scim cursor 3".as_slice(), purpose].iter().chain(inputs) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac.finalize().into_bytes().into())
    }
}

/// The tenant and the query to which a cursor is bound, as authenticated data of the encryption.
fn context(tenant: &Tenant, query: &Query) -> Vec<u8> {
    serde_json::to_vec(&[tenant.as_str(), &query.identity()]).unwrap_or_default()
}

fn to_nonce(bytes: &[u8]) -> Result<XNonce, Error> {
    XNonce::try_from(bytes).map_err(|_| Error::Internal)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schema::{Dialect, Kind, ResourceId};

    use super::*;
    use crate::Caller;
    use crate::query::Parameters;
    use crate::sort::SortKey;

    const KEY: CursorKey = CursorKey([7; 32]);
    const NOW: u64 = 1_800_000_000;

    fn tenant(name: &str) -> Tenant {
        Caller::from_context(name, "t", "read", None).unwrap().tenant
    }

    fn query(kind: Kind, filter: Option<&str>, sort_by: Option<&str>, count: i64) -> Query {
        let filter = filter.map(str::to_owned);
        let sort_by = sort_by.map(str::to_owned);
        let parameters = Parameters { filter, sort_by, count: Some(count), ..Parameters::default() };
        Query::parse(&[kind], parameters, &Dialect::lenient()).unwrap()
    }

    fn position(text: &str) -> Option<Position> {
        let id = ResourceId::parse("0191b1c8-7a60-7c3e-8a3e-0123456789ab").unwrap();
        Some(Position::new(Some(SortKey::Text(text.to_owned())), Kind::User, id))
    }

    #[test]
    fn cursor_is_only_valid_for_its_query_until_it_expires() {
        let asked = query(Kind::User, Some("title pr"), Some("title"), 10);
        let cursor = KEY.seal(&tenant("acme"), &asked, position("é\u{0}"), NOW).unwrap();
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{cursor}");
        let open = |tenant_name: &str, query: &Query, now| KEY.open(&tenant(tenant_name), query, &cursor, now);
        assert_eq!(open("acme", &asked, NOW), Ok(position("é\u{0}")));
        assert_eq!(open("acme", &asked, NOW + CURSOR_SECONDS), Ok(position("é\u{0}")));
        let scim_type = |opened: Result<Option<Position>, Error>| opened.unwrap_err().scim_type().unwrap();
        assert_eq!(scim_type(open("acme", &asked, NOW + CURSOR_SECONDS + 1)), "expiredCursor");
        assert_eq!(scim_type(open("other", &asked, NOW)), "invalidCursor");
        for (other, expect) in [
            (query(Kind::User, Some("title pr"), Some("title"), 11), "invalidCount"),
            (query(Kind::User, Some("title eq \"x\""), Some("title"), 10), "invalidCursor"),
            (query(Kind::User, None, Some("title"), 10), "invalidCursor"),
            (query(Kind::User, Some("title pr"), None, 10), "invalidCursor"),
            (query(Kind::User, Some("title pr"), Some("userName"), 10), "invalidCursor"),
            (query(Kind::Group, None, None, 10), "invalidCursor"),
        ] {
            assert_eq!(scim_type(open("acme", &other, NOW)), expect);
        }
        let none = query(Kind::User, None, None, 0);
        let beginning = KEY.seal(&tenant("acme"), &none, None, NOW).unwrap();
        assert_eq!(KEY.open(&tenant("acme"), &none, &beginning, NOW), Ok(None));
        let other = CursorKey([8; 32]).open(&tenant("acme"), &asked, &cursor, NOW);
        assert_eq!(scim_type(other), "invalidCursor");
    }

    /// RFC 9865 §2: cursors are opaque; a sorted list's position has a value of a resource.
    #[test]
    fn cursor_hides_the_value_of_its_position() {
        let asked = query(Kind::User, None, Some("title"), 10);
        let cursor = KEY.seal(&tenant("acme"), &asked, position("countess"), NOW).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        assert!(!bytes.windows(8).any(|window| window == b"countess"));
        let other = KEY.seal(&tenant("acme"), &asked, position("duchess"), NOW).unwrap();
        assert_ne!(cursor[..32], other[..32], "two cursors have the same nonce");
    }

    #[test]
    fn sealed_position_hides_its_value_and_is_opened_for_its_query() {
        let (tenant, asked) = (tenant("acme"), query(Kind::User, None, Some("title"), 10));
        let countess = position("countess").unwrap();
        let sealed = KEY.seal_position(&tenant, &asked, &countess).unwrap();
        assert_eq!(KEY.seal_position(&tenant, &asked, &countess).unwrap(), sealed);
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        assert!(!bytes.windows(8).any(|window| window == b"countess"));
        let other_count = query(Kind::User, None, Some("title"), 3);
        assert_eq!(KEY.open_position(&tenant, &other_count, &sealed), Ok(Some(countess)));
        let other = query(Kind::User, None, Some("userName"), 10);
        assert_eq!(KEY.open_position(&tenant, &other, &sealed), Ok(None));
        assert_eq!(KEY.open_position(&tenant, &asked, "{}"), Ok(None));
    }

    #[test]
    fn cursor_with_a_changed_character_is_refused() {
        let tenant = tenant("acme");
        let asked = query(Kind::User, None, None, 10);
        let cursor = KEY.seal(&tenant, &asked, position("a"), NOW).unwrap();
        for at in 0..cursor.len() {
            for other in ["A", "B", "-", "=", "é", ""] {
                let forged = format!("{}{other}{}", &cursor[..at], &cursor[at + 1..]);
                let opened = KEY.open(&tenant, &asked, &forged, NOW);
                assert!(forged == cursor || opened.is_err_and(|error| error.scim_type() == Some("invalidCursor")));
            }
        }
        for garbage in ["1", "%", "AAAA", &"A".repeat(100), &"A".repeat(CURSOR_BYTES + 1), &format!("{cursor}AAAA")] {
            assert!(KEY.open(&tenant, &asked, garbage, NOW).is_err());
        }
    }

    proptest! {
        #[test]
        fn forged_cursor_is_refused(forged in "[A-Za-z0-9_-]{0,200}") {
            prop_assert!(KEY.open(&tenant("acme"), &query(Kind::User, None, None, 10), &forged, NOW).is_err());
        }
    }
}
