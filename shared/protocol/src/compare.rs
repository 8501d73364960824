//! Comparison of strings (RFC 7643 §2.2 `caseExact`, RFC 7644 §5 and §7.8). Filters, sorting and the keys that
//! guarantee uniqueness use the same form, so that two names which a filter finds equal cannot both be taken, and
//! the keys in a range are the names that begin with a text.

use std::borrow::Cow;

use precis_core::profile::{Profile, Rules};
use precis_profiles::UsernameCaseMapped;
use schema::{Attribute, Kind, Uniqueness};
use unicode_normalization::UnicodeNormalization;

use crate::Error;
use crate::limits::NAME_BYTES;

/// The form in which two values of an attribute are compared for equality and order, and in which one is searched
/// for a part.
///
/// A `caseExact` value is compared as it is. RFC 7644 §7.8 is about comparisons that ignore case. An exact value is
/// an identifier or a URI that the client chose: two values that only normalization makes equal may be two objects
/// of the client, and a filter must find each of them by its exact text.
pub fn comparison_key<'t>(attribute: &Attribute, text: &'t str) -> Cow<'t, str> {
    if attribute.case_exact() {
        Cow::Borrowed(text)
    } else if attribute.name == "userName" && attribute.uniqueness != Uniqueness::None {
        user_name(text)
    } else {
        prepare(text)
    }
}

/// The key under which a unique name is stored: its [`comparison_key`].
///
/// # Errors
/// [`Error::InvalidValue`] for a `userName` that RFC 8265 does not allow, and for a name longer than
/// [`NAME_BYTES`].
pub fn name_key(kind: Kind, name: &str) -> Result<String, Error> {
    let key = match kind {
        Kind::User => {
            enforce_user_name(name)?;
            user_name(name)
        }
        Kind::Group => prepare(name),
    };
    let key = key.into_owned();
    if key.len() > NAME_BYTES {
        let attribute = schema::resource_type(kind).naming_attribute();
        return Err(Error::InvalidValue(format!("{attribute} is longer than {NAME_BYTES} bytes. Shorten it.")));
    }
    Ok(key)
}

/// The key under which version 0.1.0 stored a unique name, if it differs from [`name_key`]: it kept `ς`, and did not
/// normalize the name of a group.
pub fn former_name_key(kind: Kind, name: &str) -> Option<String> {
    if name.is_ascii() {
        return None;
    }
    match kind {
        Kind::User => {
            let former = single_spaces(lower_case(&width_mapped(name)).nfc().collect());
            (former != user_name(name)).then_some(former)
        }
        Kind::Group => former_comparison_key(name),
    }
}

/// The key under which version 0.1.0 stored an e-mail address or the name of a group, if it differs.
pub fn former_comparison_key(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let former: String = lower_case(text).collect();
    (former != prepare(text)).then_some(former)
}

/// Maps a text to lower case and to NFC, so that it does not matter whether `é` was sent as one code point or as
/// two.
///
/// `ς`, the small sigma at the end of a word, becomes `σ`. By RFC 8265 §3.3 and Unicode's `toLowercase`, `ΟΔΟΣ` is
/// `οδος`, and `οδοσ` is another name. But the capitals of both are `ΟΔΟΣ`, so a name in capitals could mean either
/// of them, and the two must not both exist. Besides, a part of a text need not end where a word of it ends. Without
/// `ς`, the lower case of a letter does not depend on its neighbours.
///
/// A part of a text is found if its prepared form is in the prepared text: `sw "e"` does not find `é`, which is
/// another letter in both of its spellings. A range of keys by prefix has the same meaning.
fn prepare(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        lower_case(text).map(|letter| if letter == 'ς' { 'σ' } else { letter }).nfc().collect()
    })
}

/// Lower-cases each letter regardless of its neighbours: `Σ` becomes `σ`, also at the end of a word.
fn lower_case(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// The mappings of RFC 8265 §3.3 (UsernameCaseMapped): width, case and normalization. Userparts are separated by
/// one space.
fn user_name(text: &str) -> Cow<'_, str> {
    let prepared = if text.is_ascii() { prepare(text) } else { Cow::Owned(prepare(&width_mapped(text)).into_owned()) };
    if prepared.contains("  ") { Cow::Owned(single_spaces(prepared.into_owned())) } else { prepared }
}

fn width_mapped(text: &str) -> Cow<'_, str> {
    UsernameCaseMapped::new().width_mapping_rule(text).unwrap_or(Cow::Borrowed(text))
}

fn single_spaces(mut text: String) -> String {
    let mut is_after_space = false;
    text.retain(|letter| {
        let is_repeated = is_after_space && letter == ' ';
        is_after_space = letter == ' ';
        !is_repeated
    });
    text
}

/// Enforces the profile on each userpart. A `userName` consists of userparts with spaces between (RFC 8265 §3.1).
fn enforce_user_name(name: &str) -> Result<(), Error> {
    if name.starts_with(' ') || name.ends_with(' ') {
        return Err(Error::InvalidValue("userName begins or ends with a space. Remove the space.".to_owned()));
    }
    let profile = UsernameCaseMapped::new();
    let refused = name.split(' ').filter(|part| !part.is_empty()).find_map(|part| profile.enforce(part).err());
    match refused {
        None => Ok(()),
        Some(_) => Err(Error::InvalidValue(
            "userName contains a character that RFC 8265 does not allow. Letters, digits and printable ASCII are \
             allowed; control characters, invisible characters and symbols are not. Change it in the identity \
             provider."
                .to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_that_precis_maps_together_have_the_same_key() {
        let key = |name| name_key(Kind::User, name).unwrap();
        for spelling in ["jörg@x.de", "JÖRG@X.DE", "jo\u{308}rg@x.de", "ｊörg@x.de"] {
            assert_eq!(key(spelling), "jörg@x.de", "{spelling}");
        }
        assert_eq!(key("Ada  Lovelace"), "ada lovelace");
        assert_ne!(key("a"), key("b"));
        assert_eq!([user_name("Ada "), user_name("  A"), user_name(" "), user_name("")], ["ada ", " a", " ", ""]);
    }

    #[test]
    fn key_of_user_name_is_the_enforced_precis_form() {
        for name in ["Bjensen", "DOMAIN\\user", "ΣΊΣΥΦΟΣ", "ﾃｽﾄ", "Fußball", "a+b@c.d", "İstanbul", "שלום"]
        {
            let enforced = UsernameCaseMapped::new().enforce(name).unwrap().into_owned();
            assert_eq!(name_key(Kind::User, name).unwrap(), enforced.replace('ς', "σ"), "{name}");
        }
    }

    #[test]
    fn names_with_the_same_capitals_in_greek_have_the_same_key() {
        for kind in Kind::ALL {
            for spelling in ["ΟΔΟΣ", "οδος", "οδοσ", "Οδος"] {
                assert_eq!(name_key(kind, spelling).unwrap(), "οδοσ", "{spelling}");
            }
        }
    }

    #[test]
    fn spellings_of_one_text_in_unicode_have_the_same_key() {
        let all = (char::MIN..=char::MAX).filter(|c| c.nfd().ne([*c]));
        let texts =
            all.flat_map(|c| [format!("{c}"), format!("aΣ{c}b"), format!("{c}\u{323}"), format!("{c}\u{301}\u{345}")]);
        let mut count = 0;
        for text in texts {
            let decomposed: String = text.nfd().collect();
            let composed: String = text.nfc().collect();
            let key = prepare(&text);
            assert_eq!([prepare(&decomposed), prepare(&composed), prepare(&key)], [&*key; 3], "{text:?}");
            assert_eq!(user_name(&decomposed), user_name(&composed), "{text:?}");
            count += 1;
        }
        assert!(count > 4 * 13_000, "{count}");
    }

    #[test]
    fn key_of_a_letter_is_independent_of_the_letters_around_it() {
        for letter in char::MIN..='\u{323ff}' {
            let letter = letter.to_string();
            let key = prepare(&letter);
            assert_eq!(prepare(&format!("Σ {letter}xΣ")), format!("σ {key}xσ"), "{letter}");
        }
    }

    #[test]
    fn comparison_key_of_a_name_is_the_key_that_guarantees_its_uniqueness() {
        for (kind, attribute) in [(Kind::User, "userName"), (Kind::Group, "displayName")] {
            let attribute = schema::resource_type(kind).attribute(attribute).unwrap();
            for name in
                ["Bjensen", "ΟΔΟΣ", "οδος", "Cafe\u{301}", "Ada  Lovelace", "ﾃｽﾄ", "İstanbul", "e\u{301}\u{323}"]
            {
                assert_eq!(comparison_key(attribute, name), name_key(kind, name).unwrap(), "{name}");
            }
        }
    }

    #[test]
    fn former_key_of_a_name_is_that_of_version_0_1_0() {
        for (kind, name, expect) in [
            (Kind::User, "Ada", None),
            (Kind::User, "JO\u{308}RG", None),
            (Kind::User, "ΟΔΟΣ", None),
            (Kind::User, "Οδος  Ａe\u{301}", Some("οδος aé")),
            (Kind::Group, "JÖRG", None),
            (Kind::Group, "JO\u{308}RG", Some("jo\u{308}rg")),
            (Kind::Group, "Οδος", Some("οδος")),
        ] {
            assert_eq!(former_name_key(kind, name).as_deref(), expect, "{name}");
        }
    }

    #[test]
    fn exact_value_is_compared_as_it_was_sent() {
        let attribute = schema::resource_type(Kind::User).attribute("externalId").unwrap();
        for text in ["Cafe\u{301}", "Café", "ΟΔΟΣ", "οδος", "ｊ"] {
            assert_eq!(comparison_key(attribute, text), text);
        }
    }

    #[test]
    fn user_name_that_rfc_8265_forbids_is_refused() {
        for bad in ["a\u{0}b", "a\u{200b}b", "♚", "ﬁ", " a", "a ", "\u{202e}abc", &"x".repeat(901)] {
            assert_eq!(
                name_key(Kind::User, bad).map_err(|error| error.scim_type()),
                Err(Some("invalidValue")),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn group_name_key_ignores_only_case_and_normalization() {
        let key = |name| name_key(Kind::Group, name).unwrap();
        for spelling in ["Café", "CAFÉ", "cafe\u{301}", "CAFE\u{301}"] {
            assert_eq!(key(spelling), "café", "{spelling}");
        }
        for (one, other) in [("a b", "a  b"), ("Café", "Cafe"), ("ｊ", "j"), ("ﬁ", "fi"), ("Straße", "Strasse")] {
            assert_ne!(key(one), key(other));
        }
    }
}
