//! The bearer tokens of identity providers (RFC 6750): `scim_<id>_<secret><checksum>`.
//!
//! The id identifies the token's item, the secret is 32 random bytes in base62, and the checksum is a CRC-32 over
//! the rest. The checksum lets the service reject malformed tokens without a read, and lets secret scanners
//! recognize a token.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The prefix of every token.
pub const PREFIX: &str = "scim_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_DIGITS: usize = 11;
const SECRET_DIGITS: usize = 43;
const CHECKSUM_DIGITS: usize = 6;

/// A new token. It has `Display` for the operator who issues it, and no `Debug`, so that it does not reach a log.
pub struct NewToken {
    /// The id of the token's item.
    pub id: String,
    text: String,
}

/// A token from a request whose checksum is right. It has no `Debug` either.
pub struct PresentedToken {
    pub id: String,
    /// Whether the header had no `Bearer` before the token.
    pub has_no_scheme: bool,
    hash: Hash,
}

/// The SHA-256 of a token in hexadecimal digits, which is stored in place of the token. Comparisons take constant
/// time, and `Debug` does not print it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

/// Generates a token from random bytes.
pub fn generate(id: [u8; 8], secret: [u8; 32]) -> NewToken {
    let id = base62(&id, ID_DIGITS);
    let body = format!("{id}_{}", base62(&secret, SECRET_DIGITS));
    let text = format!("{PREFIX}{body}{}", checksum(&body));
    NewToken { id, text }
}

impl NewToken {
    /// The hash to store in place of the token.
    pub fn hash(&self) -> Hash {
        Hash::of(&self.text)
    }
}

impl fmt::Display for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PresentedToken {
    /// Whether it is the token whose hash was stored.
    pub fn matches(&self, stored: &Hash) -> bool {
        self.hash == *stored
    }
}

impl Hash {
    fn of(token: &str) -> Self {
        Hash(Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Restores a stored hash.
impl From<&str> for Hash {
    fn from(stored: &str) -> Self {
        Hash(stored.to_owned())
    }
}

impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Hash {}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash")
    }
}

/// Whether a text has the form of a token's id, so that it cannot be a token or a secret.
pub fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && are_digits(text)
}

/// Parses an `Authorization` header: `Bearer x` with the scheme in any case, or the token without a scheme, as
/// Okta's catalog apps send it if the administrator pasted it that way. `None` if it does not have the form of a
/// token of this service.
pub fn parse(authorization: &str) -> Option<PresentedToken> {
    let header = authorization.trim();
    let (has_no_scheme, text) = match header.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => (false, rest.trim_start()),
        Some(_) => return None,
        None => (true, header),
    };
    let body = text.strip_prefix(PREFIX)?;
    let (id, rest) = body.split_once('_')?;
    if !is_id(id) || rest.len() != SECRET_DIGITS + CHECKSUM_DIGITS || !are_digits(rest) {
        return None;
    }
    let (checked, sum) = body.split_at_checked(ID_DIGITS + 1 + SECRET_DIGITS)?;
    (checksum(checked) == sum).then(|| PresentedToken { id: id.to_owned(), has_no_scheme, hash: Hash::of(text) })
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Fixed-width big-endian base62.
fn base62(bytes: &[u8], width: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![b'0'; width];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in &mut number {
            let value = remainder * 256 + u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(0);
            remainder = value % 62;
        }
        *digit = ALPHABET.get(remainder as usize).copied().unwrap_or(b'0');
    }
    digits.into_iter().map(char::from).collect()
}

fn checksum(body: &str) -> String {
    base62(&crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECKSUM_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_token_parses_and_matches_its_hash() {
        let token = generate([255; 8], [7; 32]);
        for header in [format!("Bearer {token}"), format!("bEARER {token} "), token.to_string()] {
            let presented = parse(&header).unwrap();
            assert_eq!(
                (presented.id.as_str(), presented.has_no_scheme),
                (token.id.as_str(), header.starts_with("scim_"))
            );
            assert!(presented.matches(&token.hash()));
            assert!(!presented.matches(&generate([255; 8], [8; 32]).hash()));
        }
    }

    #[test]
    fn malformed_header_is_refused() {
        let good = generate([0; 8], [0; 32]).to_string();
        let mut wrong = good.clone();
        wrong.replace_range(20..21, "x");
        for bad in [
            "",
            "non-token",
            "Bearer",
            "Bearer ",
            "Basic abc",
            &format!("Bearer Bearer {good}"),
            &wrong,
            &good[1..],
            "scim_é_",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
