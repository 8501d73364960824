//! The caller of a request: the tenant and scopes that the authorizer found for a token (RFC 7644 §2).

use std::error;
use std::fmt;
use std::str::FromStr;

use schema::Dialect;

use crate::limits::TENANT_NAME_BYTES;

/// The customer whose directory a request works on. Values come only from the authorizer's context, from the keys
/// of change records, and from operators. The store accepts no string in its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(String);

impl Tenant {
    /// The tenant with this name, for functions that no client can call: the stream consumer, and the tools of
    /// operators. `None` if it is not a valid name.
    pub fn named(name: &str) -> Option<Tenant> {
        Self::is_valid_name(name).then(|| Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a name is valid for a tenant: 1 to [`TENANT_NAME_BYTES`] of `a-z`, `0-9` and `-`. In keys, a `#`
    /// follows it.
    pub fn is_valid_name(name: &str) -> bool {
        (1..=TENANT_NAME_BYTES).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    }
}

/// The operations that a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes {
    pub read: bool,
    pub write: bool,
}

impl FromStr for Scopes {
    type Err = ScopeError;

    /// Parses `read`, `write`, or both with a space between.
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let mut scopes = Scopes { read: false, write: false };
        for scope in text.split_ascii_whitespace() {
            match scope {
                "read" => scopes.read = true,
                "write" => scopes.write = true,
                other => return Err(ScopeError::Unknown(other.to_owned())),
            }
        }
        if scopes.read || scopes.write { Ok(scopes) } else { Err(ScopeError::Missing) }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.read, self.write) {
            (true, true) => "read write",
            (false, true) => "write",
            (_, false) => "read",
        })
    }
}

/// The reason why a text does not name scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeError {
    Unknown(String),
    Missing,
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "`{name}` is not a scope; the scopes are `read` and `write`"),
            Self::Missing => f.write_str("a token needs `read`, `write` or both"),
        }
    }
}

impl error::Error for ScopeError {}

/// The bearer of a valid token.
#[derive(Debug, Clone)]
pub struct Caller {
    pub tenant: Tenant,
    /// The id of the token, not its secret.
    pub token: String,
    pub scopes: Scopes,
    /// Which leniencies the token allows, and which ones the request has used.
    pub dialect: Dialect,
}

impl Caller {
    /// Reads the context that the authorizer passes to every function; `None` if it is invalid. The default dialect
    /// is the lenient one.
    pub fn from_context(tenant: &str, token: &str, scopes: &str, dialect: Option<&str>) -> Option<Caller> {
        let scopes = scopes.parse().ok()?;
        let dialect = dialect.map_or_else(|| Some(Dialect::lenient()), Dialect::named)?;
        let tenant = Tenant::named(tenant).filter(|_| !token.is_empty())?;
        Some(Caller { tenant, token: token.to_owned(), scopes, dialect })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_tenant_name_is_refused() {
        for bad in ["", "a#b", "A", "a b", "é", &"a".repeat(65)] {
            assert!(Caller::from_context(bad, "t", "read", None).is_none(), "{bad}");
        }
        assert_eq!(Caller::from_context("acme-1", "t", "read", None).unwrap().tenant.as_str(), "acme-1");
    }

    #[test]
    fn unknown_dialect_is_refused() {
        let dialect = |name| Caller::from_context("a", "t", "read", name).map(|caller| caller.dialect.name());
        assert_eq!(
            [None, Some("lenient"), Some("strict")].map(dialect),
            [Some("lenient"), Some("lenient"), Some("strict")]
        );
        assert_eq!(dialect(Some("Strict")), None);
    }

    #[test]
    fn printed_scopes_parse_to_themselves() {
        for text in ["read", "write", "read write"] {
            assert_eq!(text.parse::<Scopes>().unwrap().to_string(), text);
        }
        assert!("".parse::<Scopes>().is_err() && "admin".parse::<Scopes>().is_err());
    }
}
