//! How two strings of an attribute are compared (RFC 7643 §2.2 `caseExact`, RFC 7644 §5), for filters and for the keys
//! that guarantee uniqueness alike: what one finds equal, the other refuses twice.

use std::borrow::Cow;

use precis_core::profile::{Profile, Rules};
use precis_profiles::UsernameCaseMapped;
use schema::{Attribute, Kind, Uniqueness};

use crate::Error;

/// The most that a unique name may take in its compared form, in bytes: it is part of a DynamoDB key.
const NAME_BYTES: usize = 900;

/// The form in which two values of an attribute are equal or not, and one is the beginning of another.
pub fn comparison_key(attribute: &Attribute, text: &str) -> String {
    if attribute.case_exact() {
        text.to_owned()
    } else if attribute.name == "userName" && attribute.uniqueness != Uniqueness::None {
        user_name(text)
    } else {
        lower_case(text)
    }
}

/// The small sigma at the end of a word: which of the two Σ becomes depends on what comes after it.
const FINAL_SIGMA: char = 'ς';
const SIGMA: char = 'σ';

/// The compared form of a part of a text, or of a text that is searched for one: what ends a part need not end the text.
pub(crate) fn part(prepared: &str) -> Cow<'_, str> {
    match prepared.contains(FINAL_SIGMA) {
        true => prepared.replace(FINAL_SIGMA, "σ").into(),
        false => prepared.into(),
    }
}

/// What the compared forms of all texts begin with that have this beginning, as `part` compares it.
pub fn stable_prefix(prepared: &str) -> &str {
    prepared.split([SIGMA, FINAL_SIGMA]).next().unwrap_or_default()
}

/// The key under which a unique name is stored: of a user name its PRECIS form, of a group's name the one in lower case.
///
/// # Errors
/// [`Error::InvalidValue`] for a user name that RFC 8265 does not allow, and for a name longer than 900 bytes.
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
        return Err(Error::InvalidValue(format!("{attribute} is longer than {NAME_BYTES} bytes; shorten it.")));
    }
    Ok(key)
}

/// Letter by letter, so that the form of a beginning is the beginning of the form.
fn lower_case(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// RFC 8265 §3.3 (UsernameCaseMapped), mapping alone: width, case, normalization. Parts stand one space apart.
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

/// A user name is one or more userparts with spaces between (RFC 8265 §3.1); the profile is enforced on each.
fn enforce_user_name(name: &str) -> Result<(), Error> {
    if name.starts_with(' ') || name.ends_with(' ') {
        return Err(Error::InvalidValue("userName begins or ends with a space; send it without.".to_owned()));
    }
    let profile = UsernameCaseMapped::new();
    let refused = name.split(' ').filter(|part| !part.is_empty()).find_map(|part| profile.enforce(part).err());
    match refused {
        None => Ok(()),
        Some(_) => Err(Error::InvalidValue(
            "userName holds a character that a user name may not have (RFC 8265: letters, digits and printable ASCII may \
             stand in it; control characters, invisible ones and symbols may not). Change it in the identity provider."
                .to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_precis_maps_together_have_one_key() {
        let key = |name| name_key(Kind::User, name).unwrap();
        for spelling in ["jörg@x.de", "JÖRG@X.DE", "jo\u{308}rg@x.de", "ｊörg@x.de"] {
            assert_eq!(key(spelling), "jörg@x.de", "{spelling}");
        }
        assert_eq!(key("Ada  Lovelace"), "ada lovelace");
        assert_ne!(key("a"), key("b"));
        assert_eq!([user_name("Ada "), user_name("  A"), user_name(" "), user_name("")], ["ada ", " a", " ", ""]);
    }

    #[test]
    fn the_key_is_what_the_profile_enforces() {
        for name in ["Bjensen", "DOMAIN\\user", "ΣΊΣΥΦΟΣ", "ﾃｽﾄ", "Fußball", "a+b@c.d", "İstanbul", "שלום"]
        {
            let enforced = UsernameCaseMapped::new().enforce(name).unwrap().into_owned();
            assert_eq!(name_key(Kind::User, name).unwrap(), enforced, "{name}");
        }
    }

    #[test]
    fn what_rfc_8265_refuses_is_refused() {
        for bad in ["a\u{0}b", "a\u{200b}b", "♚", "ﬁ", " a", "a ", "\u{202e}abc", &"x".repeat(901)] {
            assert_eq!(
                name_key(Kind::User, bad).map_err(|error| error.scim_type()),
                Err(Some("invalidValue")),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn group_names_ignore_case_and_nothing_else() {
        assert_eq!(name_key(Kind::Group, "Team Ä").unwrap(), name_key(Kind::Group, "team ä").unwrap());
        assert_ne!(name_key(Kind::Group, "a b").unwrap(), name_key(Kind::Group, "a  b").unwrap());
    }
}
