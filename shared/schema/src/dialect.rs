//! The dialect of a bearer token: which of the requests that identity providers send its bearer may send.
//!
//! `lenient` accepts the leniencies, and records their use. `strict` accepts what the RFCs allow, and no more.
//! `interop` accepts only the part of the RFCs that the interoperability profile allows
//! (draft-zollner-scim-interop-profile-02).

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::violation::Rule;
use crate::{Attribute, Leniency, Restriction, Violation};

/// A dialect, and the leniencies that a request has used.
///
/// Clones share the set of used leniencies.
#[derive(Debug, Clone, Default)]
pub struct Dialect {
    rules: Rules,
    /// A set of [`Leniency`] values; each one is a bit at its position in [`Leniency::ALL`].
    used: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Rules {
    #[default]
    Lenient,
    Strict,
    Interop,
}

impl Dialect {
    /// The names of the dialects, the default one first.
    pub const NAMES: [&str; 3] = ["lenient", "strict", "interop"];

    pub fn lenient() -> Self {
        Self::default()
    }

    pub fn strict() -> Self {
        Dialect { rules: Rules::Strict, ..Self::default() }
    }

    pub fn interop() -> Self {
        Dialect { rules: Rules::Interop, ..Self::default() }
    }

    /// Returns the dialect with this name, one of [`Dialect::NAMES`].
    pub fn named(name: &str) -> Option<Self> {
        [Self::lenient(), Self::strict(), Self::interop()].into_iter().find(|dialect| dialect.name() == name)
    }

    pub fn name(&self) -> &'static str {
        match self.rules {
            Rules::Lenient => "lenient",
            Rules::Strict => "strict",
            Rules::Interop => "interop",
        }
    }

    /// Whether leniencies are accepted.
    pub fn is_lenient(&self) -> bool {
        self.rules == Rules::Lenient
    }

    /// Whether the interoperability profile applies.
    pub fn is_interop(&self) -> bool {
        self.rules == Rules::Interop
    }

    /// Records the use of a leniency, or rejects it. `location` is the attribute, path or header that deviates.
    ///
    /// # Errors
    /// In a dialect that is not lenient, a message that tells the client what to send instead.
    pub fn tolerate(&self, leniency: Leniency, location: impl Display) -> Result<(), Violation> {
        if self.is_lenient() {
            self.used.fetch_or(1 << leniency as u64, Ordering::Relaxed);
            return Ok(());
        }
        Err(self.refused(leniency.info().remedy, location, Rule::Leniency(leniency)))
    }

    /// Rejects what the RFCs allow and the interoperability profile does not. `location` is as in
    /// [`Dialect::tolerate`].
    ///
    /// # Errors
    /// In the dialect `interop`, a message that tells the client what to send instead.
    pub fn restrict(&self, restriction: Restriction, location: impl Display) -> Result<(), Violation> {
        if self.is_interop() {
            return Err(self.refused(restriction.info().remedy, location, Rule::Restriction(restriction)));
        }
        Ok(())
    }

    fn refused(&self, remedy: &str, location: impl Display, rule: Rule) -> Violation {
        let problem = format!("{remedy}; the dialect of this token is {}", self.name());
        Violation { attribute: location.to_string(), problem, rule: Some(rule) }
    }

    /// The leniencies that were used, each once.
    pub fn used(&self) -> impl Iterator<Item = Leniency> + use<> {
        let used = self.used.load(Ordering::Relaxed);
        Leniency::ALL.into_iter().filter(move |leniency| used & (1 << *leniency as u64) != 0)
    }
}

impl Attribute {
    /// Checks that a name is this attribute's canonical name, in any case, and not an alias.
    ///
    /// # Errors
    /// In a strict dialect, if it is an alias.
    pub fn check_name(&self, written: &str, location: impl Display, dialect: &Dialect) -> Result<(), Violation> {
        if written.eq_ignore_ascii_case(&self.name) {
            return Ok(());
        }
        dialect.tolerate(Leniency::OlderNames, location)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn leniency_is_recorded_once_by_lenient_and_refused_with_remedy_by_strict_dialect() {
        let dialect = Dialect::lenient();
        let clone = dialect.clone();
        for _ in 0..2 {
            assert_eq!(clone.tolerate(Leniency::BareTokens, "Authorization"), Ok(()));
            assert_eq!(clone.tolerate(Leniency::UnknownAttributes, "x"), Ok(()));
        }
        assert_eq!(dialect.used().collect::<Vec<_>>(), [Leniency::UnknownAttributes, Leniency::BareTokens]);
        let strict = Dialect::strict();
        let refused = strict.tolerate(Leniency::UnknownAttributes, "x").unwrap_err();
        let detail = "x: no schema has this attribute, so leave it out; the dialect of this token is strict";
        assert_eq!(
            (refused.to_string().as_str(), refused.rule),
            (detail, Some(Rule::Leniency(Leniency::UnknownAttributes)))
        );
        assert_eq!(strict.used().count(), 0);
    }

    #[test]
    fn each_leniency_is_recorded_as_itself() {
        for leniency in Leniency::ALL {
            let lenient = Dialect::lenient();
            let strict = Dialect::strict();
            assert_eq!(lenient.tolerate(leniency, "x"), Ok(()));
            assert_eq!(lenient.used().collect::<Vec<_>>(), [leniency]);
            assert_eq!(strict.tolerate(leniency, "x").unwrap_err().rule, Some(Rule::Leniency(leniency)));
        }
    }

    #[test]
    fn guide_table_equals_the_list_of_leniencies() {
        let guide = include_str!("../../guide/src/concepts/leniencies.md");
        let (_, table) = guide
            .split_once("| leniency | what is done | who needs it | what the RFC says |\n|---|---|---|---|\n")
            .unwrap();
        let listed: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
        let row = |leniency: Leniency| leniency.info();
        let wanted = Leniency::ALL
            .map(row)
            .map(|row| format!("| `{}` | {} | {} | {} |", row.name, row.description, row.senders, row.rule));
        assert_eq!(listed, wanted);
        assert!(Leniency::ALL.map(row).iter().all(|row| !row.description.is_empty() && !row.senders.is_empty()));
    }

    #[test]
    fn restriction_is_refused_by_the_interop_dialect_alone() {
        for restriction in Restriction::ALL {
            for dialect in [Dialect::lenient(), Dialect::strict()] {
                assert_eq!(dialect.restrict(restriction, "x"), Ok(()));
            }
            let refused = Dialect::interop().restrict(restriction, "x").unwrap_err();
            assert_eq!(refused.rule, Some(Rule::Restriction(restriction)));
            assert!(refused.to_string().ends_with("; the dialect of this token is interop"), "{refused}");
        }
    }

    #[test]
    fn guide_table_equals_the_list_of_restrictions() {
        let guide = include_str!("../../guide/src/concepts/dialects.md");
        let (_, table) =
            guide.split_once("| restriction | what is refused | what the profile says |\n|---|---|---|\n").unwrap();
        let listed: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
        let row = |restriction: Restriction| restriction.info();
        let wanted =
            Restriction::ALL.map(row).map(|row| format!("| `{}` | {} | {} |", row.name, row.description, row.rule));
        assert_eq!(listed, wanted);
    }

    #[test]
    fn names_of_dialects_and_leniencies_are_unique() {
        for name in Dialect::NAMES {
            assert_eq!(Dialect::named(name).unwrap().name(), name);
        }
        assert!(Dialect::named("Strict").is_none() && Dialect::named("").is_none());
        let names: BTreeSet<&str> = Leniency::ALL.iter().map(|leniency| leniency.info().name).collect();
        assert_eq!(names.len(), Leniency::ALL.len());
        assert!(Leniency::ALL.len() <= 64, "one bit each");
    }
}
