//! The names and texts of random resources, filters and operations, and the random choice among them.

use fastrand::Rng;

/// The multi-valued attributes whose values have a `value`.
pub(super) const LISTS: [&str; 7] =
    ["emails", "phoneNumbers", "ims", "photos", "entitlements", "roles", "x509Certificates"];
/// The simple attributes of a user that are texts.
pub(super) const TEXTS: [&str; 9] = [
    "displayName",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "externalId",
];
pub(super) const NAMES: [&str; 6] =
    ["formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"];
pub(super) const ADDRESS: [&str; 6] = ["formatted", "streetAddress", "locality", "region", "postalCode", "country"];
pub(super) const ENTERPRISE_TEXTS: [&str; 5] =
    ["employeeNumber", "costCenter", "organization", "division", "department"];
pub(super) const TYPES: [&str; 5] = ["work", "home", "other", "Work", "x"];
/// Texts that differ in case, that contain each other, and that need escapes.
pub(super) const WORDS: [&str; 14] =
    ["a", "A", "ab", "Ab", "b", "a_b", "aZb", "é", "É", "b a", "\"a\" \\ b", "a] or b", "10", "9"];
pub(super) const URIS: [&str; 4] = ["https://example.com/a?b=c", "a", "A", "../b"];
pub(super) const CERTIFICATES: [&str; 4] = ["AAAA", "aaaa", "+/8=", "TWFu"];

pub(super) fn one<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

/// Whether something happens that happens `percent` times of 100.
pub(super) fn chance(rng: &mut Rng, percent: u8) -> bool {
    rng.u8(..100) < percent
}

/// A value for the sub-attribute `value` of an attribute, or for another text.
pub(super) fn text_for(rng: &mut Rng, attribute: &str, part: &str) -> &'static str {
    match (attribute, part) {
        ("x509Certificates", "value") => one(rng, &CERTIFICATES),
        ("profileUrl", _) | ("photos", "value") => one(rng, &URIS),
        (_, "type") => one(rng, &TYPES),
        _ => one(rng, &WORDS),
    }
}

/// A name in another case, now and then.
pub(super) fn in_any_case(rng: &mut Rng, name: &str) -> String {
    match rng.u8(..20) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        _ => name.to_owned(),
    }
}
