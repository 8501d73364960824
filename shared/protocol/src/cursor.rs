//! Cursors (RFC 9865 §2): the position at which the next page begins, authenticated with HMAC-SHA-256 and bound to
//! the tenant and the query, so that only this service can create one. A cursor grants no access: the caller's
//! tenant decides what is read (§5.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::limits::{CURSOR_BYTES, CURSOR_SECONDS};
use crate::sort::Position;
use crate::{Error, Query, Tenant};

/// The length of the authentication code, in bytes.
const MAC_BYTES: usize = 32;

/// The secret key that authenticates a tenant's cursors.
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
/// let cursor = key.seal(&tenant, &query, Position::new(None, Kind::User, last.clone()), now)?;
/// assert_eq!(key.open(&tenant, &query, &cursor, now + 60)?.id, last);
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
    #[serde(rename = "p")]
    after: Position,
}

impl CursorKey {
    /// Creates the cursor of the page that begins after `after`. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Internal`] if the content cannot be encoded or authenticated.
    pub fn seal(&self, tenant: &Tenant, query: &Query, after: Position, now: u64) -> Result<String, Error> {
        let content = CursorContent { expires: now.saturating_add(CURSOR_SECONDS), count: query.count, after };
        let content = serde_json::to_vec(&content).map_err(|_| Error::Internal)?;
        let mut sealed = self.mac(tenant, query, &content)?.finalize().into_bytes().to_vec();
        sealed.extend(content);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Verifies a cursor and returns the position at which its page begins. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`] if this service did not create the cursor, or created it for another tenant or
    /// query; the errors do not differ (RFC 9865 §5.2). [`Error::ExpiredCursor`] if the cursor is too old, and
    /// [`Error::InvalidCount`] if the request has another `count` than the cursor.
    pub fn open(&self, tenant: &Tenant, query: &Query, cursor: &str, now: u64) -> Result<Position, Error> {
        let content = self.verify(tenant, query, cursor)?.ok_or_else(|| {
            let problem = "The cursor is not valid for this query. Send nextCursor as it was returned, with the same filter, \
                           sortBy and sortOrder, or start again with an empty cursor.";
            Error::InvalidCursor(problem.to_owned())
        })?;
        if now > content.expires {
            return Err(Error::ExpiredCursor(format!(
                "The cursor is older than {CURSOR_SECONDS} seconds. Start again with an empty cursor."
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

    /// The content of a cursor, if its authentication code is right. The comparison takes constant time.
    fn verify(&self, tenant: &Tenant, query: &Query, cursor: &str) -> Result<Option<CursorContent>, Error> {
        if cursor.len() > CURSOR_BYTES {
            return Ok(None);
        }
        let Ok(sealed) = URL_SAFE_NO_PAD.decode(cursor) else { return Ok(None) };
        let Some((mac, content)) = sealed.split_at_checked(MAC_BYTES) else { return Ok(None) };
        match self.mac(tenant, query, content)?.verify_slice(mac) {
            Ok(()) => Ok(serde_json::from_slice(content).ok()),
            Err(_) => Ok(None),
        }
    }

    /// The authentication code of a cursor. Each input is preceded by its length, so that inputs cannot be shifted.
    fn mac(&self, tenant: &Tenant, query: &Query, content: &[u8]) -> Result<Hmac<Sha256>, Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|_| Error::Internal)?;
        let identity = query.identity();
        for part in [b"scim cursor 1", tenant.as_str().as_bytes(), identity.as_bytes(), content] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac)
    }
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
        let (filter, sort_by) = (filter.map(str::to_owned), sort_by.map(str::to_owned));
        let parameters = Parameters { filter, sort_by, count: Some(count), ..Parameters::default() };
        Query::parse(&[kind], parameters, &Dialect::lenient()).unwrap()
    }

    fn position(text: &str) -> Position {
        let id = ResourceId::parse("0191b1c8-7a60-7c3e-8a3e-0123456789ab").unwrap();
        Position::new(Some(SortKey::Text(text.to_owned())), Kind::User, id)
    }

    #[test]
    fn cursor_is_only_valid_for_its_query_until_it_expires() {
        let asked = query(Kind::User, Some("title pr"), Some("title"), 10);
        let cursor = KEY.seal(&tenant("acme"), &asked, position("é\u{0}"), NOW).unwrap();
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{cursor}");
        let open = |tenant_name: &str, query: &Query, now| KEY.open(&tenant(tenant_name), query, &cursor, now);
        assert_eq!(open("acme", &asked, NOW), Ok(position("é\u{0}")));
        assert_eq!(open("acme", &asked, NOW + CURSOR_SECONDS), Ok(position("é\u{0}")));
        let scim_type = |opened: Result<Position, Error>| opened.unwrap_err().scim_type().unwrap();
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
        let other = CursorKey([8; 32]).open(&tenant("acme"), &asked, &cursor, NOW);
        assert_eq!(scim_type(other), "invalidCursor");
    }

    #[test]
    fn cursor_with_a_changed_character_is_refused() {
        let (tenant, asked) = (tenant("acme"), query(Kind::User, None, None, 10));
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
