//! Leniencies: named deviations from the RFCs that identity providers send. A lenient dialect accepts them and
//! records their use; a strict dialect rejects them. The dialect belongs to the bearer token of the request.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Attribute, Invalid};

/// Whether a request may use leniencies, and which ones it has used.
///
/// Clones share the set of used leniencies.
#[derive(Debug, Clone, Default)]
pub struct Dialect {
    strict: bool,
    /// A set of [`Leniency`] values; each one is a bit at its position in [`Leniency::ALL`].
    used: Arc<AtomicU64>,
}

impl Dialect {
    pub fn lenient() -> Self {
        Self::default()
    }

    pub fn strict() -> Self {
        Dialect { strict: true, ..Self::default() }
    }

    /// Returns the dialect with this name, `strict` or `lenient`.
    pub fn named(name: &str) -> Option<Self> {
        [Self::lenient(), Self::strict()].into_iter().find(|dialect| dialect.name() == name)
    }

    pub fn name(&self) -> &'static str {
        if self.strict { "strict" } else { "lenient" }
    }

    pub fn is_strict(&self) -> bool {
        self.strict
    }

    pub fn is_lenient(&self) -> bool {
        !self.strict
    }

    /// Records the use of a leniency, or rejects it. `location` is the attribute, path or header that deviates.
    ///
    /// # Errors
    /// In a strict dialect, a message that tells the client what to send instead.
    pub fn tolerate(&self, leniency: Leniency, location: impl Display) -> Result<(), Invalid> {
        if !self.strict {
            self.used.fetch_or(1 << leniency as u64, Ordering::Relaxed);
            return Ok(());
        }
        let problem = format!("{}; the dialect of this token is strict", leniency.info().remedy);
        Err(Invalid { attribute: location.to_string(), problem, leniency: Some(leniency) })
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
    pub fn check_name(&self, written: &str, location: impl Display, dialect: &Dialect) -> Result<(), Invalid> {
        if written.eq_ignore_ascii_case(&self.name) {
            return Ok(());
        }
        dialect.tolerate(Leniency::OlderNames, location)
    }
}

/// The documentation of a leniency.
#[derive(Debug, Clone, Copy)]
pub struct LeniencyInfo {
    /// The name in logs and metrics.
    pub name: &'static str,
    /// What the service accepts.
    pub description: &'static str,
    /// The clients that send it.
    pub senders: &'static str,
    /// What the bearer of a strict token must send instead; the end of a sentence that begins with the location.
    pub remedy: &'static str,
}

/// Generates the enumeration and its table from one list, so that no leniency lacks an entry.
macro_rules! leniencies {
    ($($variant:ident $name:literal $description:literal $senders:literal $remedy:literal)*) => {
        /// A deviation from the RFCs that the service accepts because an identity provider sends it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Leniency { $(#[doc = $description] $variant),* }

        impl Leniency {
            pub const ALL: [Leniency; [$($name),*].len()] = [$(Leniency::$variant),*];

            pub fn info(self) -> LeniencyInfo {
                match self {
                    $(Leniency::$variant => LeniencyInfo {
                        name: $name,
                        description: $description,
                        senders: $senders,
                        remedy: $remedy,
                    }),*
                }
            }
        }
    };
}

leniencies! {
    // In resources and values.
    UnknownAttributes "unknownAttributes"
        "Attributes and sub-attributes that no schema has are ignored, also in `attributes`; so are unknown members of a message"
        "Okta, Entra ID, OneLogin" "no schema has this attribute, so leave it out"
    MissingSchemas "missingSchemas"
        "`schemas` may be missing, or may lack the URI of the resource or message itself"
        "Okta, OneLogin, authentik" "must list the URI of the resource or message that is sent (RFC 7643 §3)"
    UnknownSchemas "unknownSchemas"
        "`schemas` may list unknown URIs"
        "Entra ID (groups), OneLogin" "lists a URI that does not belong to this resource or message; remove it"
    UnlistedExtensions "unlistedExtensions"
        "An extension's attributes may be sent without its URI in `schemas`"
        "Okta" "is used but not listed; add its URI to `schemas`"
    EmptyStrings "emptyStrings"
        "An empty string `\"\"` removes the value of an attribute, as null does"
        "Okta, OneLogin, Entra ID (managers)" "is an empty string; send null, or remove the attribute"
    StringBooleans "stringBooleans"
        "`\"True\"` and `\"False\"` are accepted as booleans, in values and in filters"
        "Entra ID, OneLogin" "is a string; send true or false without quotes"
    BareValues "bareValues"
        "A complex value, such as a manager, a role or a member, may be sent as its `value` alone"
        "Okta, Entra ID" "is a string; send an object with `value`"
    SingleForList "singleForList"
        "A multi-valued attribute may be sent as a single value without an array"
        "custom clients" "is multi-valued; send an array"
    ListForSingle "listForSingle"
        "A single-valued complex attribute may be sent as an array of one value: `\"manager\": [{…}]`"
        "Entra ID" "is single-valued; send the value without an array"
    SeveralPrimaries "severalPrimaries"
        "If several values are primary, only the last one stays primary"
        "PingOne" "has more than one primary value; send only one with `primary` true"
    UrlSafeBase64 "urlSafeBase64"
        "Binary values may use the URL-safe base64 alphabet"
        "custom clients" "uses the URL-safe alphabet; send standard base64 (RFC 4648 §4)"
    OlderNames "olderNames"
        "`manager.managerId`, the name in SCIM 1.1, is accepted as `manager.value`"
        "OneLogin" "is the name in SCIM 1.1; send `value` (RFC 7643 §4.3)"
    CoreSchemaObject "coreSchemaObject"
        "Core attributes may be sent in an object named by the URI of the core schema, or with that URI as the path of a PATCH"
        "custom clients" "is the core schema; send its attributes directly in the resource"
    UnknownMembers "unknownMembers"
        "Members that do not exist are left out"
        "Okta (a 4xx would stop its group push)" "contains an id that does not exist in this directory; leave that id out, or create the user or group first"
    // In PATCH.
    PatchWithoutPath "patchWithoutPath"
        "A PATCH operation may have an object of attributes as its value instead of a path"
        "Okta, Entra ID" "has no path; send one operation with a path for each attribute"
    PathsAsNames "pathsAsNames"
        "The names in such an object may be paths: `name.givenName`, `urn:…:User:department`"
        "Okta, Entra ID" "is a path; send it as the `path` of a separate operation"
    ReadOnlyValues "readOnlyValues"
        "Read-only attributes in the value of a PATCH operation are ignored"
        "Okta (`id` with every rename of a group)" "is read-only, so leave it out"
    OperationCase "operationCase"
        "`op`, the `method` of a bulk operation, and the names of a message's members may have any letter case"
        "Entra ID" "has the wrong letter case; write `op` values in lower case, methods in capitals, and names as RFC 7644 does"
    NoOperations "noOperations"
        "A PATCH or bulk request may have no operations, and then changes nothing"
        "Entra ID" "is empty; send at least one operation"
    ElementsByFilter "elementsByFilter"
        "If the filter of a PATCH path matches no value, a matching value is added: `emails[type eq \"work\"].value`"
        "Entra ID" "matches no value; add the value to the attribute instead"
    ValuesOnRemove "valuesOnRemove"
        "`remove` may have a value or a list of values, and then removes only those"
        "Entra ID, JumpCloud" "is a `remove` with a value; select what to remove in the path, such as `members[value eq \"…\"]`"
    // In bulk requests.
    RelativePaths "relativePaths"
        "The path of a bulk operation may lack the leading slash: `Users`"
        "custom clients" "does not begin with a slash; send `/Users`, `/Groups`, `/Users/{id}` or `/Groups/{id}`"
    // In filters and paths.
    BareExtensionNames "bareExtensionNames"
        "An extension's attribute may be named without the extension's URI if no core attribute has the same name: `manager`"
        "Entra ID" "belongs to an extension; in a path, put the extension's URI and a colon before it; in a resource, send it inside the extension's object"
    UnquotedLiterals "unquotedLiterals"
        "After `eq`, a word without quotes is accepted as a string for `id`, `externalId`, `userName`, `displayName`, `emails` and `members`"
        "Entra ID, PingOne, authentik" "the value is not quoted; put it in double quotes"
    ValuePathComparisons "valuePathComparisons"
        "`emails[type eq \"work\"].value eq \"x\"` is accepted, and one value must match both conditions"
        "Entra ID" "a comparison cannot follow `]`; put it inside: `emails[type eq \"work\" and value eq \"x\"]`"
    ComplexComparisons "complexComparisons"
        "A single-valued complex attribute is compared by its `value`: `manager eq \"x\"`"
        "Entra ID" "is complex; compare its sub-attribute `value`"
    // In headers.
    MissingContentType "missingContentType"
        "A body without `Content-Type` is read as JSON"
        "custom clients" "is missing; send `Content-Type: application/scim+json`"
    BareTokens "bareTokens"
        "The token may be sent without `Bearer`"
        "Okta's catalog apps" "has no scheme; put `Bearer` before the token"
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
        assert_eq!((refused.to_string().as_str(), refused.leniency), (detail, Some(Leniency::UnknownAttributes)));
        assert_eq!(strict.used().count(), 0);
    }

    #[test]
    fn each_leniency_is_recorded_as_itself() {
        for leniency in Leniency::ALL {
            let (lenient, strict) = (Dialect::lenient(), Dialect::strict());
            assert_eq!(lenient.tolerate(leniency, "x"), Ok(()));
            assert_eq!(lenient.used().collect::<Vec<_>>(), [leniency]);
            assert_eq!(strict.tolerate(leniency, "x").unwrap_err().leniency, Some(leniency));
        }
    }

    #[test]
    fn guide_table_equals_the_list_of_leniencies() {
        let guide = include_str!("../../guide/src/concepts/leniencies.md");
        let (_, table) = guide.split_once("| leniency | what is done | who needs it |\n|---|---|---|\n").unwrap();
        let listed: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
        let row = |leniency: Leniency| leniency.info();
        let wanted =
            Leniency::ALL.map(row).map(|row| format!("| `{}` | {} | {} |", row.name, row.description, row.senders));
        assert_eq!(listed, wanted);
        assert!(Leniency::ALL.map(row).iter().all(|row| !row.description.is_empty() && !row.senders.is_empty()));
    }

    #[test]
    fn names_of_dialects_and_leniencies_are_unique() {
        for name in ["strict", "lenient"] {
            assert_eq!(Dialect::named(name).unwrap().name(), name);
        }
        assert!(Dialect::named("Strict").is_none() && Dialect::named("").is_none());
        let names: BTreeSet<&str> = Leniency::ALL.iter().map(|leniency| leniency.info().name).collect();
        assert_eq!(names.len(), Leniency::ALL.len());
        assert!(Leniency::ALL.len() <= 64, "one bit each");
    }
}
