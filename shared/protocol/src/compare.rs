//! Comparison of strings (RFC 7643 §2.2 `caseExact`, RFC 7644 §5). Filters and the keys that guarantee uniqueness
//! use the same form, so that two names which a filter finds equal cannot both be taken.

use std::borrow::Cow;

use precis_core::profile::{Profile, Rules};
use precis_profiles::UsernameCaseMapped;
use schema::{Attribute, Kind, Uniqueness};

use crate::Error;
use crate::limits::NAME_BYTES;

/// The form in which two values of an attribute are compared for equality, order and prefixes.
pub fn comparison_key(attribute: &Attribute, text: &str) -> String {
    if attribute.case_exact() {
        text.to_owned()
    } else if attribute.name == "userName" && attribute.uniqueness != Uniqueness::None {
        user_name(text)
    } else {
        lower_case(text)
    }
}

/// The small sigma at the end of a word. Lower-casing `Σ` yields this or [`SIGMA`], depending on the next
/// character.
const FINAL_SIGMA: char = 'ς';
const SIGMA: char = 'σ';

/// Replaces final sigmas in the comparison key of a substring, or of a text that is searched for one, because the
/// end of a substring need not be the end of a word.
pub(crate) fn fold_final_sigma(comparison_key: &str) -> Cow<'_, str> {
    if comparison_key.contains(FINAL_SIGMA) {
        comparison_key.replace(FINAL_SIGMA, "σ").into()
    } else {
        comparison_key.into()
    }
}

/// The prefix that the comparison keys of all texts with this beginning share, with regard to final sigmas.
pub fn stable_prefix(comparison_key: &str) -> &str {
    comparison_key.split([SIGMA, FINAL_SIGMA]).next().unwrap_or_default()
}

/// The key under which a unique name is stored: the PRECIS form of a `userName`, and a group's `displayName` in
/// lower case.
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
        Kind::Group => lower_case(name),
    };
    if key.len() > NAME_BYTES {
        let attribute = schema::resource_type(kind).naming_attribute();
        return Err(Error::InvalidValue(format!("{attribute} is longer than {NAME_BYTES} bytes. Shorten it.")));
    }
    Ok(key)
}

/// Lower-cases each character separately, so that the key of a prefix is a prefix of the key.
fn lower_case(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The mappings of RFC 8265 §3.3 (UsernameCaseMapped): width, case and normalization. Userparts are separated by
/// one space.
fn user_name(text: &str) -> String {
    let profile = UsernameCaseMapped::new();
    let map = |part: &str| -> String {
        let wide = profile.width_mapping_rule(part).unwrap_or(Cow::Borrowed(part)).into_owned();
        let cased = profile.case_mapping_rule(wide.as_str()).map_or_else(|_| wide.clone(), Cow::into_owned);
        profile.normalization_rule(cased.as_str()).map_or_else(|_| cased.clone(), Cow::into_owned)
    };
    let mut mapped = String::with_capacity(text.len());
    for (at, part) in text.split(' ').enumerate() {
        if at > 0 && !mapped.ends_with(' ') {
            mapped.push(' ');
        }
        mapped.push_str(&map(part));
    }
    mapped
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
            "userName contains a character that RFC 8265 does not allow. Letters, digits and printable ASCII are allowed; control \
             characters, invisible characters and symbols are not. Change it in the identity provider."
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
            assert_eq!(name_key(Kind::User, name).unwrap(), enforced, "{name}");
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
    fn group_name_key_ignores_only_case() {
        assert_eq!(name_key(Kind::Group, "Team Ä").unwrap(), name_key(Kind::Group, "team ä").unwrap());
        assert_ne!(name_key(Kind::Group, "a b").unwrap(), name_key(Kind::Group, "a  b").unwrap());
    }
}
