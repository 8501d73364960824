//! The bearer tokens that identity providers are given (RFC 6750): `scim_<id>_<secret><check>`.
//!
//! The id names the token's item, the secret is 32 random bytes in base62, and the check is a CRC-32 over what stands before
//! it, so that garbage is turned away without a read and secret scanners know a token when they see one.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What every token begins with.
pub const PREFIX: &str = "scim_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_DIGITS: usize = 11;
const SECRET_DIGITS: usize = 43;
const CHECK_DIGITS: usize = 6;

/// A new token. It can be printed once, and has no `Debug`, so that no log can hold it.
pub struct NewToken {
    /// What the token's item is found by.
    pub id: String,
    text: String,
}

/// A token as a request carries it, its check already seen to be right. It has no `Debug` either.
pub struct PresentedToken {
    pub id: String,
    /// It came without a scheme.
    pub has_no_scheme: bool,
    hash: Hash,
}

/// What is stored in a token's place: its SHA-256 in hexadecimal digits. However two of them are compared, it takes the same time, and
/// `Debug` shows none of it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

/// Makes a token of random bytes.
pub fn generate(id: [u8; 8], secret: [u8; 32]) -> NewToken {
    let id = base62(&id, ID_DIGITS);
    let body = format!("{id}_{}", base62(&secret, SECRET_DIGITS));
    let text = format!("{PREFIX}{body}{}", check(&body));
    NewToken { id, text }
}

impl NewToken {
    /// What is stored in the secret's place.
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
    /// Whether the secret is the one whose hash was stored.
    pub fn matches(&self, stored: &Hash) -> bool {
        self.hash == *stored
    }
}

impl Hash {
    fn of(token: &str) -> Self {
        Hash(Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// As it is stored.
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

/// Whether the text could be the id of a token: so it is neither a token nor a secret.
pub fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && are_digits(text)
}

/// Reads an `Authorization` header: `Bearer x` with the scheme in any case, or the bare token, as Okta's catalog apps
/// send it when the administrator pasted it so. `None` for whatever is no token of ours.
pub fn parse(authorization: &str) -> Option<PresentedToken> {
    let header = authorization.trim();
    let (has_no_scheme, text) = match header.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => (false, rest.trim_start()),
        Some(_) => return None,
        None => (true, header),
    };
    let body = text.strip_prefix(PREFIX)?;
    let (id, rest) = body.split_once('_')?;
    if !is_id(id) || rest.len() != SECRET_DIGITS + CHECK_DIGITS || !are_digits(rest) {
        return None;
    }
    let (checked, sum) = body.split_at_checked(ID_DIGITS + 1 + SECRET_DIGITS)?;
    (check(checked) == sum).then(|| PresentedToken { id: id.to_owned(), has_no_scheme, hash: Hash::of(text) })
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

fn check(body: &str) -> String {
    base62(&crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECK_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_token_is_read_back() {
        let minted = generate([255; 8], [7; 32]);
        for header in [format!("Bearer {minted}"), format!("bEARER {minted} "), minted.to_string()] {
            let presented = parse(&header).unwrap();
            assert_eq!(
                (presented.id.as_str(), presented.has_no_scheme),
                (minted.id.as_str(), header.starts_with("scim_"))
            );
            assert!(presented.matches(&minted.hash()));
            assert!(!presented.matches(&generate([255; 8], [8; 32]).hash()));
        }
    }

    #[test]
    fn garbage_is_no_token() {
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
