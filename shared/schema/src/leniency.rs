//! Leniencies: named deviations from the RFCs that identity providers send. A lenient dialect accepts them.

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
    /// The sentence of the RFC that the request breaks.
    pub rule: &'static str,
}

/// Generates the enumeration and its table from one list, so that no leniency lacks an entry.
macro_rules! leniencies {
    ($($variant:ident $name:literal $description:literal $senders:literal $remedy:literal $rule:literal)*) => {
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
                        rule: $rule,
                    }),*
                }
            }
        }
    };
}

leniencies! {
    // In resources and values.
    UnknownAttributes "unknownAttributes"
        "Attributes and sub-attributes that no schema has are ignored, also in `attributes`; so are unknown members \
         of a message"
        "Okta, Entra ID, OneLogin, rauthy" "no schema has this attribute, so leave it out"
        "RFC 7644 §3.12, `invalidSyntax`: the request conforms to the schema"
    MissingSchemas "missingSchemas"
        "`schemas` may be missing, or may lack the URI of the resource or message itself"
        "Okta, OneLogin, authentik" "must list the URI of the resource or message that is sent (RFC 7643 §3)"
        "RFC 7643 §3: `schemas` is a REQUIRED attribute"
    UnknownSchemas "unknownSchemas"
        "`schemas` may list unknown URIs"
        "Entra ID (groups), OneLogin" "lists a URI that does not belong to this resource or message; remove it"
        "RFC 7643 §3: `schemas` lists the schemas that define the attributes of the resource"
    UnlistedExtensions "unlistedExtensions"
        "An extension's attributes may be sent without its URI in `schemas`"
        "Okta" "is used but not listed; add its URI to `schemas`"
        "RFC 7643 §3: `schemas` MUST contain the URI of each schema that is used"
    EmptyStrings "emptyStrings"
        "An empty string `\"\"` removes the value of an attribute, as null does"
        "Okta, OneLogin, Entra ID (managers), rauthy" "is an empty string; send null, or remove the attribute"
        "RFC 7643 §2.5: only null and an empty array mean \"unassigned\""
    StringBooleans "stringBooleans"
        "`\"True\"` and `\"False\"` are accepted as booleans, in values and in filters"
        "Entra ID, OneLogin" "is a string; send true or false without quotes"
        "RFC 7643 §2.3.2: a boolean is the literal `true` or `false`"
    BareValues "bareValues"
        "A complex value, such as a manager, a role or a member, may be sent as its `value` alone"
        "Okta, Entra ID" "is a string; send an object with `value`"
        "RFC 7643 §2.3.8: a complex value is an object"
    SingleForList "singleForList"
        "A multi-valued attribute may be sent as a single value without an array"
        "custom clients" "is multi-valued; send an array"
        "RFC 7643 §2.4: a multi-valued attribute is an array"
    ListForSingle "listForSingle"
        "A single-valued attribute may be sent as an array of at most one value: `\"manager\": [{…}]`, \
         `\"active\": [false]`"
        "Entra ID" "is single-valued; send the value without an array"
        "RFC 7643 §1.2: a singular attribute has one value"
    WrappedValues "wrappedValues"
        "A simple value may be sent as an array with an object in which only `value` is assigned: \
         `[{\"$ref\": null, \"value\": \"x\"}]`"
        "Entra ID" "is not complex; send the value itself"
        "RFC 7643 §2.3: a simple value is a JSON string, number or boolean"
    JsonInStrings "jsonInStrings"
        "A complex value, or its `value`, may be sent as a JSON object in a string, and is read as that object: \
         `\"{\\\"value\\\": \\\"Admin\\\"}\"`"
        "Entra ID (`AppRoleAssignmentsComplex`)" "is JSON in a string; send the value itself"
        "RFC 7643 §2.3.8: a complex value is an object"
    SeveralPrimaries "severalPrimaries"
        "If several values are primary, only the last one stays primary"
        "PingOne" "has more than one primary value; send only one with `primary` true"
        "RFC 7643 §2.4: `primary` MUST be true no more than once"
    UrlSafeBase64 "urlSafeBase64"
        "Binary values may use the URL-safe base64 alphabet"
        "custom clients" "uses the URL-safe alphabet; send standard base64 (RFC 4648 §4)"
        "RFC 7643 §2.3.6: binary values use the alphabet of RFC 4648 §4"
    TextReferences "textReferences"
        "A reference, such as `profileUrl`, may be a text that is no URI"
        "custom clients" "is not a URI; send an absolute or relative URI"
        "RFC 7643 §2.3.7: a reference is a URI"
    OlderNames "olderNames"
        "`manager.managerId`, the name in SCIM 1.1, is accepted as `manager.value`"
        "OneLogin" "is the name in SCIM 1.1; send `value` (RFC 7643 §4.3)"
        "RFC 7643 §4.3: the sub-attribute is `value`"
    CoreSchemaObject "coreSchemaObject"
        "Core attributes may be sent in an object named by the URI of the core schema, or with that URI as the path \
         of a PATCH"
        "custom clients" "is the core schema; send its attributes directly in the resource"
        "RFC 7643 §3.3: only extensions have an object of their own"
    UnknownMembers "unknownMembers"
        "Members that do not exist are left out"
        "Okta (a 4xx would stop its group push)"
        "contains an id that does not exist in this directory; leave that id out, or create the user or group first"
        "RFC 7643 §4.2: `value` is the id of a SCIM resource"
    MemberTypes "memberTypes"
        "`type` and `$ref` of a member that are not those of the resource with its id are ignored"
        "custom clients"
        "has a member whose `type` or `$ref` is not that of the resource with its `value`; correct them, or leave \
         them out"
        "RFC 7643 §4.2: `$ref` is the URI of the member, and `type` its resource type"
    // In PATCH.
    PathsAsNames "pathsAsNames"
        "In a PATCH operation without `path`, the names in the value may be paths: `name.givenName`, `urn:…:User:department`"
        "Okta, Entra ID" "is a path; send it as the `path` of a separate operation"
        "RFC 7644 §3.5.2.1: without `path`, the value is a set of attributes"
    ReadOnlyValues "readOnlyValues"
        "Read-only attributes in the value of a PATCH operation are ignored"
        "Okta (`id` with every rename of a group)" "is read-only, so leave it out"
        "RFC 7644 §3.5.2: a client MUST NOT modify a read-only attribute"
    OperationCase "operationCase"
        "`op`, the `method` of a bulk operation, and the names of a message's members may have any letter case"
        "Entra ID"
        "has the wrong letter case; write `op` values in lower case, methods in capitals, and names as RFC 7644 does"
        "RFC 7644 §3.5.2: `op` is one of \"add\", \"remove\" and \"replace\""
    NoOperations "noOperations"
        "A PATCH or bulk request may have no operations, and then changes nothing"
        "Entra ID" "is empty; send at least one operation"
        "RFC 7644 §3.5.2: `Operations` has one or more operations"
    ElementsByFilter "elementsByFilter"
        "If the filter of a PATCH path matches no value, a matching value is added: `emails[type eq \"work\"].value`"
        "Entra ID" "matches no value; add the value to the attribute instead"
        "RFC 7644 §3.5.2.3: no match is `noTarget`"
    ValuesOnRemove "valuesOnRemove"
        "`remove` may have a value or a list of values, and then removes only those"
        "Entra ID, JumpCloud, rauthy"
        "is a `remove` with a value; select what to remove in the path, such as `members[value eq \"…\"]`"
        "RFC 7644 §3.5.2.2: the path alone selects what to remove"
    FiltersOnSingleValues "filtersOnSingleValues"
        "`remove` may have a filter on a single-valued attribute, and then removes it if it matches: \
         `manager[value eq \"…\"]`"
        "Entra ID" "is single-valued; send the path without the filter"
        "RFC 7644 §3.5.2, figure 7: a filter selects values of a multi-valued attribute"
    NestedNames "nestedNames"
        "The value for a path may be an object that holds the value under the name in the path: `{\"members\": […]}`"
        "Apache Syncope" "repeats the name in the path; send the value itself"
        "RFC 7644 §3.5.2.1: `value` is the value of the attribute in `path`"
    // In bulk requests.
    RelativePaths "relativePaths"
        "The path of a bulk operation may lack the leading slash: `Users`"
        "custom clients" "does not begin with a slash; send `/Users`, `/Groups`, `/Users/{id}` or `/Groups/{id}`"
        "RFC 7644 §3.7: the path is relative to the root of the service"
    // In filters and paths.
    BareExtensionNames "bareExtensionNames"
        "An extension's attribute may be named without the extension's URI if no core attribute has the same name: \
         `manager`"
        "Entra ID"
        "belongs to an extension; in a path, put the extension's URI and a colon before it; in a resource, send it \
         inside the extension's object"
        "RFC 7644 §3.10: an extension's attribute MUST have the URI as its prefix"
    DotsAfterUris "dotsAfterUris"
        "A dot may follow the URI of a schema in place of the colon: `urn:…:User.employeeNumber`"
        "Apache Syncope" "has a dot behind the URI of a schema; put a colon there"
        "RFC 7644 §3.10: a colon separates the URI from the name"
    UnquotedLiterals "unquotedLiterals"
        "After `eq`, a word without quotes is accepted as a string for `id`, `externalId`, `userName`, `displayName`, \
         `emails` and `members`"
        "Entra ID, PingOne, authentik" "the value is not quoted; put it in double quotes"
        "RFC 7644 §3.4.2.2: a string literal is a JSON string"
    ValuePathComparisons "valuePathComparisons"
        "`emails[type eq \"work\"].value eq \"x\"` is accepted, and one value must match both conditions"
        "Entra ID" "a comparison cannot follow `]`; put it inside: `emails[type eq \"work\" and value eq \"x\"]`"
        "RFC 7644 §3.4.2.2, figure 1: nothing follows the brackets of a filter"
    ComplexComparisons "complexComparisons"
        "A single-valued complex attribute is compared by its `value`: `manager eq \"x\"`"
        "Entra ID" "is complex; compare its sub-attribute `value`"
        "RFC 7644 §3.4.2.2: a complex attribute is compared by a sub-attribute"
    PlusInQueries "plusInQueries"
        "A `+` in a query that is not percent-encoded is a space; if no resource has the name with the space, the \
         name with `+` is looked for"
        "rauthy, midPoint" "has a `+` that is not percent-encoded; send `%2B`"
        "WHATWG URL Standard, application/x-www-form-urlencoded: `+` is a space"
    // In headers.
    MissingContentType "missingContentType"
        "A body without `Content-Type` is read as JSON"
        "custom clients" "is missing; send `Content-Type: application/scim+json`"
        "RFC 7644 §3.1: a body has the type `application/scim+json`"
    BareTokens "bareTokens"
        "The token may be sent without `Bearer`"
        "Okta's catalog apps" "has no scheme; put `Bearer` before the token"
        "RFC 6750 §2.1: the header begins with `Bearer`"
}
