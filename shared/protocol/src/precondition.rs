//! Entity tags (RFC 7644 §3.14, RFC 9110 §13): the version of a resource, and the conditions that a request sets on it.
//!
//! They are set on a resource that is there: a request that would get 404 without them gets it with them, too
//! (RFC 9110 §13.2.1).

use crate::Error;

/// The entity tag of a version. It is weak: `groups` of a user change without it.
pub fn entity_tag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// `If-Match` and `If-None-Match`.
#[derive(Debug, Clone, Default)]
pub struct Precondition {
    if_match: Option<String>,
    if_none_match: Option<String>,
}

impl Precondition {
    pub fn new(if_match: Option<&str>, if_none_match: Option<&str>) -> Precondition {
        Precondition { if_match: if_match.map(str::to_owned), if_none_match: if_none_match.map(str::to_owned) }
    }

    /// Checks the version that a change is about to replace. The change is then written on condition that it still is
    /// the version.
    ///
    /// # Errors
    /// [`Error::PreconditionFailed`].
    pub fn check(&self, version: u64) -> Result<(), Error> {
        self.check_match(version)?;
        if self.is_not_modified(version) {
            return Err(Error::PreconditionFailed(
                "The resource has the version in If-None-Match; the change was to be made only if it has not."
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// `If-Match` alone, which comes first and holds for a read, too (RFC 9110 §13.2.2).
    ///
    /// # Errors
    /// [`Error::PreconditionFailed`].
    pub fn check_match(&self, version: u64) -> Result<(), Error> {
        match &self.if_match {
            Some(tags) if !names(tags, version) => Err(Error::PreconditionFailed(
                "The resource has changed since the version in If-Match; read it again and repeat the change."
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    /// Whether the client has this version already.
    pub fn is_not_modified(&self, version: u64) -> bool {
        self.if_none_match.as_deref().is_some_and(|tags| names(tags, version))
    }
}

/// Whether `*`, or a list of entity tags, names a version, by the weak comparison (RFC 9110 §8.8.3.2): SCIM sends weak tags in
/// `If-Match`, too (RFC 7644 §3.14).
fn names(tags: &str, version: u64) -> bool {
    let opaque = format!("\"{version}\"");
    tags.trim() == "*" || tags.split(',').map(str::trim).any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == opaque)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
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
            assert_eq!(Precondition::new(Some(tags), None).check(3).is_ok(), expect, "{tags}");
            assert_eq!(Precondition::new(Some(tags), None).check_match(3).is_ok(), expect, "{tags}");
            assert!(Precondition::new(None, Some(tags)).check_match(3).is_ok(), "{tags}");
            assert_eq!(Precondition::new(None, Some(tags)).is_not_modified(3), expect, "{tags}");
            assert_eq!(Precondition::new(None, Some(tags)).check(3).is_err(), expect, "{tags}");
        }
        assert!(Precondition::default().check(3).is_ok() && !Precondition::default().is_not_modified(3));
    }
}
