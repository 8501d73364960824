//! Entity tags and preconditions (RFC 7644 §3.14, RFC 9110 §13).
//!
//! Preconditions are evaluated only if the resource exists: a request that gets 404 without them also gets it with
//! them (RFC 9110 §13.2.1).

use jiff::Timestamp;

use crate::Error;

/// The entity tag of a version. It is weak, because the `groups` of a user change without a new version.
pub fn entity_tag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// The conditions of `If-Match`, `If-None-Match` and `If-Unmodified-Since`.
#[derive(Debug, Clone, Default)]
pub struct Precondition {
    if_match: Option<String>,
    if_none_match: Option<String>,
    if_unmodified_since: Option<Timestamp>,
}

impl Precondition {
    pub fn new(if_match: Option<&str>, if_none_match: Option<&str>) -> Precondition {
        Precondition {
            if_match: if_match.map(str::to_owned),
            if_none_match: if_none_match.map(str::to_owned),
            if_unmodified_since: None,
        }
    }

    /// Adds `If-Unmodified-Since`. A value that is not a date is ignored, as is a date together with `If-Match` (RFC
    /// 9110 §13.1.4).
    #[must_use]
    pub fn with_unmodified_since(self, date: Option<&str>) -> Precondition {
        let date = date.filter(|_| self.if_match.is_none()).and_then(|date| httpdate::parse_http_date(date).ok());
        let date = date.and_then(|date| Timestamp::try_from(date).ok());
        Precondition { if_unmodified_since: date, ..self }
    }

    /// Checks the conditions against the version that a change is about to replace. The store then writes the
    /// change only if that is still the version.
    ///
    /// # Errors
    /// [`Error::PreconditionFailed`].
    pub fn check(&self, version: u64, last_modified: &str) -> Result<(), Error> {
        self.check_read(version, last_modified)?;
        if self.is_not_modified(version) {
            return Err(Error::PreconditionFailed(
                "The resource has the version in If-None-Match, so the change was not made. Send it without \
                 If-None-Match."
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Checks `If-Unmodified-Since`, which has whole seconds.
    fn check_unmodified(&self, last_modified: &str) -> Result<(), Error> {
        let Some((since, modified)) = self.if_unmodified_since.zip(schema::date_time(last_modified)) else {
            return Ok(());
        };
        if modified.as_second() <= since.as_second() {
            return Ok(());
        }
        Err(Error::PreconditionFailed(
            "The resource has changed since the date in If-Unmodified-Since. Read it without this condition and \
             repeat the change."
                .to_owned(),
        ))
    }

    /// Checks `If-Match` and `If-Unmodified-Since`, which are evaluated first and also apply to reads (RFC 9110
    /// §13.2.2).
    ///
    /// # Errors
    /// [`Error::PreconditionFailed`].
    pub fn check_read(&self, version: u64, last_modified: &str) -> Result<(), Error> {
        self.check_unmodified(last_modified)?;
        match &self.if_match {
            Some(tags) if !etag_matches(tags, version) => Err(Error::PreconditionFailed(
                "The resource has changed since the version in If-Match. Read it without this condition and repeat \
                 the change."
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    /// Whether there is an `If-None-Match`.
    pub fn has_none_match(&self) -> bool {
        self.if_none_match.is_some()
    }

    /// Whether `If-None-Match` matches, so that the client already has this version.
    pub fn is_not_modified(&self, version: u64) -> bool {
        self.if_none_match.as_deref().is_some_and(|tags| etag_matches(tags, version))
    }
}

/// Whether `*` or a list of entity tags matches a version. The comparison is weak (RFC 9110 §8.8.3.2), because SCIM
/// sends weak tags in `If-Match`, too (RFC 7644 §3.14).
fn etag_matches(tags: &str, version: u64) -> bool {
    let opaque = format!("\"{version}\"");
    tags.trim() == "*" || tags.split(',').map(str::trim).any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == opaque)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_are_compared_weakly() {
        for (tags, expect) in [
            ("*", true),
            ("W/\"3\"", true),
            ("\"3\"", true),
            ("\"1\", W/\"3\"", true),
            ("W/\"4\"", false),
            ("3", false),
            ("", false),
            ("\"2\", *", false),
            ("w/\"3\"", false),
        ] {
            assert_eq!(Precondition::new(Some(tags), None).check(3, "").is_ok(), expect, "{tags}");
            assert_eq!(Precondition::new(Some(tags), None).check_read(3, "").is_ok(), expect, "{tags}");
            assert!(Precondition::new(None, Some(tags)).check_read(3, "").is_ok(), "{tags}");
            assert_eq!(Precondition::new(None, Some(tags)).is_not_modified(3), expect, "{tags}");
            assert_eq!(Precondition::new(None, Some(tags)).check(3, "").is_err(), expect, "{tags}");
        }
        let modified = "2026-11-06T08:49:37.500Z";
        for (date, if_match, expect) in [
            ("Fri, 06 Nov 2026 08:49:37 GMT", None, true),
            ("Fri, 06 Nov 2026 08:49:36 GMT", None, false),
            ("Fri, 06 Nov 2026 08:49:36 GMT", Some("*"), true),
            ("Friday, 06-Nov-26 08:49:36 GMT", None, false),
            ("Fri Nov  6 08:49:36 2026", None, false),
            ("yesterday", None, true),
        ] {
            let condition = Precondition::new(if_match, None).with_unmodified_since(Some(date));
            assert_eq!(condition.check(3, modified).is_ok(), expect, "{date}");
            assert_eq!(condition.check_read(3, modified).is_ok(), expect, "a read, {date}");
        }
        assert!(Precondition::default().check(3, "").is_ok() && !Precondition::default().is_not_modified(3));
    }
}
