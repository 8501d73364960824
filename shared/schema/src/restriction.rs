//! Restrictions: what the RFCs allow, and the interoperability profile does not
//! (draft-zollner-scim-interop-profile-02). Only the dialect `interop` applies them.

/// The documentation of a restriction.
#[derive(Debug, Clone, Copy)]
pub struct RestrictionInfo {
    pub name: &'static str,
    /// What the service rejects.
    pub description: &'static str,
    /// What the client must send instead; the end of a sentence that begins with the location.
    pub remedy: &'static str,
    /// The sentence of the profile.
    pub rule: &'static str,
}

/// A rule of the interoperability profile that the RFCs do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restriction {
    PatchPath,
    ElementPath,
    SeveralMatches,
    ListInPatch,
    ConditionalRequest,
}

impl Restriction {
    pub const ALL: [Restriction; 5] = [
        Restriction::PatchPath,
        Restriction::ElementPath,
        Restriction::SeveralMatches,
        Restriction::ListInPatch,
        Restriction::ConditionalRequest,
    ];

    pub fn info(self) -> RestrictionInfo {
        match self {
            Restriction::PatchPath => RestrictionInfo {
                name: "patchPath",
                description: "A PATCH operation without `path`",
                remedy: "has no path; send one operation with a path for each attribute",
                rule: "Every operation MUST contain a `path` (Mandatory Use of the 'path' Attribute)",
            },
            Restriction::ElementPath => RestrictionInfo {
                name: "elementPath",
                description: "`add` and `replace` with a filter and no sub-attribute: `emails[type eq \"work\"]`",
                remedy: "selects whole values; name a sub-attribute behind the filter, such as `.value`",
                rule: "The `path` MUST target a specific sub-attribute of the matched element (Multi-valued \
                    Attributes)",
            },
            Restriction::SeveralMatches => RestrictionInfo {
                name: "severalMatches",
                description: "`add` and `replace` with a filter that matches more than one value",
                remedy: "matches several values; send a filter that matches one",
                rule: "`invalidFilter`: the filter matches more than one element (Error Handling)",
            },
            Restriction::ListInPatch => RestrictionInfo {
                name: "listInPatch",
                description: "`add` of a single value to a multi-valued attribute without an array",
                remedy: "is multi-valued; send an array",
                rule: "The `value` MUST be an array (Collection-Level Operations)",
            },
            Restriction::ConditionalRequest => RestrictionInfo {
                name: "conditionalRequest",
                description: "`If-Match`, `If-None-Match`, `If-Modified-Since` and `If-Unmodified-Since`",
                remedy: "is not part of the profile; send the request without it",
                rule: "Clients MUST NOT include headers related to conditional requests or entity tags (Concurrency \
                    and Versioning)",
            },
        }
    }
}
