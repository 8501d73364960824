//! Cursors (RFC 9865 §2): where the next page begins, sealed so that nobody but this service can make one, and bound to the
//! tenant and the query. Possession of one grants nothing: the caller's tenant decides what is read (§5.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::sort::Position;
use crate::{Error, Query, Tenant};

/// How long a cursor can be used, in seconds.
pub const CURSOR_SECONDS: u64 = 3600;
/// What is longer is no cursor.
const LONGEST: usize = 8192;
/// The length of an authentication code.
const SEAL: usize = 32;

/// The secret by which a tenant's cursors are told from forged ones.
#[derive(Clone, Copy)]
pub struct CursorKey(pub [u8; 32]);

#[derive(Serialize, Deserialize)]
struct Content {
    /// The last second at which it can be used.
    #[serde(rename = "e")]
    expires: u64,
    /// RFC 9865 §2.1: count "must be equal to the count value of the initial query".
    #[serde(rename = "n")]
    count: usize,
    #[serde(rename = "p")]
    after: Position,
}

impl CursorKey {
    /// The cursor of the page that begins after `after`. `now` is in seconds since 1970.
    pub fn seal(&self, tenant: &Tenant, query: &Query, after: Position, now: u64) -> Result<String, Error> {
        let content = Content { expires: now.saturating_add(CURSOR_SECONDS), count: query.count, after };
        let content = serde_json::to_vec(&content).map_err(|_| Error::Internal)?;
        let mut sealed = self.mac(tenant, query, &content)?.finalize().into_bytes().to_vec();
        sealed.extend(content);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Where a page begins, by the cursor that a client sent.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`] for what this service did not make, or made for another tenant or query: the same for all of
    /// them (RFC 9865 §5.2). [`Error::ExpiredCursor`]. [`Error::InvalidCount`].
    pub fn open(&self, tenant: &Tenant, query: &Query, cursor: &str, now: u64) -> Result<Position, Error> {
        let content = self.authentic(tenant, query, cursor)?.ok_or_else(|| {
            let problem = "The cursor is none that this service gave for this query. Send nextCursor as it was given, with the \
                           same filter, sortBy and sortOrder; or begin again with an empty cursor.";
            Error::InvalidCursor(problem.to_owned())
        })?;
        if now > content.expires {
            return Err(Error::ExpiredCursor(format!(
                "The cursor is older than {CURSOR_SECONDS} seconds. Begin again with an empty cursor."
            )));
        }
        if content.count != query.count {
            let count = content.count;
            return Err(Error::InvalidCount(format!(
                "This cursor continues a query with count={count}; send the same."
            )));
        }
        Ok(content.after)
    }

    /// What stands in a cursor, if it is ours. The comparison takes the same time for every wrong one.
    fn authentic(&self, tenant: &Tenant, query: &Query, cursor: &str) -> Result<Option<Content>, Error> {
        if cursor.len() > LONGEST {
            return Ok(None);
        }
        let Ok(sealed) = URL_SAFE_NO_PAD.decode(cursor) else { return Ok(None) };
        let Some((seal, content)) = sealed.split_at_checked(SEAL) else { return Ok(None) };
        match self.mac(tenant, query, content)?.verify_slice(seal) {
            Ok(()) => Ok(serde_json::from_slice(content).ok()),
            Err(_) => Ok(None),
        }
    }

    /// Lengths stand before texts, so that no two inputs run together.
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
    fn a_cursor_opens_with_its_own_query_in_its_time() {
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
    fn every_changed_character_is_noticed() {
        let (tenant, asked) = (tenant("acme"), query(Kind::User, None, None, 10));
        let cursor = KEY.seal(&tenant, &asked, position("a"), NOW).unwrap();
        for at in 0..cursor.len() {
            for other in ["A", "B", "-", "=", "é", ""] {
                let forged = format!("{}{other}{}", &cursor[..at], &cursor[at + 1..]);
                let opened = KEY.open(&tenant, &asked, &forged, NOW);
                assert!(forged == cursor || opened.is_err_and(|error| error.scim_type() == Some("invalidCursor")));
            }
        }
        for garbage in ["1", "%", "AAAA", &"A".repeat(100), &"A".repeat(LONGEST + 1), &format!("{cursor}AAAA")] {
            assert!(KEY.open(&tenant, &asked, garbage, NOW).is_err());
        }
    }

    proptest! {
        #[test]
        fn nothing_made_up_is_a_cursor(forged in "[A-Za-z0-9_-]{0,200}") {
            prop_assert!(KEY.open(&tenant("acme"), &query(Kind::User, None, None, 10), &forged, NOW).is_err());
        }
    }
}
