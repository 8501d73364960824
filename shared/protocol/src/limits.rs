//! Every limit that a client can reach. Units are in the names: bytes, seconds, days, or the thing that is counted.
//!
//! Discovery announces the limits for which the RFCs have a place, and the guide's page on limits explains all of
//! them.

/// Bytes in the body of a request, except for a bulk request. AWS Lambda accepts an event of 6 MB, headers included
/// (AWS Lambda quotas, "Invocation payload").
pub const BODY_BYTES: usize = 5 * 1024 * 1024;
/// JSON values in the body of a request; each object, array and scalar counts. It bounds memory, because a value of
/// two bytes takes a hundred times as many in memory. 40,000 members with all their sub-attributes have 200,000 values.
pub const JSON_VALUES: usize = 220_000;
/// Bytes in the body of a response. AWS Lambda returns 6 MB, headers included (AWS Lambda quotas, "Invocation
/// payload").
pub const RESPONSE_BYTES: usize = 6 * 1024 * 1024 - 32 * 1024;
/// Seconds for which API Gateway waits for a function (Amazon API Gateway quotas, "Integration timeout").
pub const GATEWAY_SECONDS: u64 = 29;
/// Seconds within which a function plans to respond. The rest of [`GATEWAY_SECONDS`] is for the authorizer and a
/// cold start.
pub const RESPONSE_SECONDS: u64 = 26;

/// Resources on a page if the request has no `count` (RFC 7644 §3.4.2.4; RFC 9865 §4, `defaultPageSize`).
pub const DEFAULT_COUNT: usize = 100;
/// Resources on a page (RFC 7644 §3.4.2.4; RFC 7643 §5, `filter.maxResults`; RFC 9865 §4, `maxPageSize`).
pub const MAX_COUNT: usize = 1000;
/// Different names in `attributes` or `excludedAttributes` (RFC 7644 §3.9). The schemas have fewer attributes.
pub const PROJECTION_NAMES: usize = 1000;
/// Bytes in a filter (RFC 7644 §3.4.2.2) or in the path of a PATCH operation.
pub const FILTER_BYTES: usize = 4096;
/// Levels of nested `(` and `[` in a filter (RFC 7644 §3.4.2.2).
pub const FILTER_DEPTH: usize = 16;
/// Resources that a query without a key, or with a sort order, may read (RFC 7644 §3.4.2, `tooMany` in §3.12).
pub const SCANNED_RESOURCES: usize = 50_000;
/// Bytes of the resources that a query without a key, or with a sort order, may read, as JSON (RFC 7644 §3.12,
/// `tooMany`).
pub const SCANNED_BYTES: usize = 100 * 1024 * 1024;
/// JSON values of the resources that a query without a key, or with a sort order, may read; each object, array and
/// scalar counts (RFC 7644 §3.12, `tooMany`). They take about a second.
pub const SCANNED_VALUES: usize = 3_000_000;
/// Members that a query reads in order to filter groups by them. The groups of a user count as 20 (RFC 7644 §3.12,
/// `tooMany`).
pub const SCANNED_MEMBERS: usize = 100_000;
/// Comparisons that the filter of a query makes with values of the resources (RFC 7644 §3.12, `tooMany`). The
/// benchmark `worst` allows three seconds of CPU for them.
pub const QUERY_COMPARISONS: usize = 3_000_000;
/// Bytes of the texts by which a query sorts its matches, all of which are in memory at a time (RFC 7644 §3.12,
/// `tooMany`).
pub const SORTED_TEXT_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of memory for the resources of a page (RFC 7644 §3.4.2.4, RFC 9865 §4). A JSON value takes about 300, and
/// text its length.
pub const PAGE_MEMORY: usize = 48 * 1024 * 1024;
/// Seconds for which a query without a key, or with a sort order, may read (RFC 7644 §3.12, `tooMany`).
pub const LIST_SECONDS: u64 = 18;
/// Seconds for which a cursor is valid (RFC 9865 §4, `cursorTimeout`).
pub const CURSOR_SECONDS: u64 = 3600;
/// Bytes in a cursor (RFC 9865 §2). This service never issues a longer one.
pub const CURSOR_BYTES: usize = 8192;
/// Seconds for which the position of a page by `startIndex` is remembered (RFC 7644 §3.4.2.4).
pub const BOOKMARK_SECONDS: u64 = 3600;

/// Operations in a PATCH request (RFC 7644 §3.5.2).
pub const PATCH_OPERATIONS: usize = 1000;
/// Values of an attribute after a PATCH has added to it (RFC 7644 §3.5.2.1).
pub const PATCH_VALUES: usize = 1000;
/// Comparisons that the operations of a PATCH make with values of the resource or with members: the filters' terms
/// times the values that they select from (RFC 7644 §3.5.2). The benchmark `worst` allows
/// three seconds of CPU for them.
pub const PATCH_COMPARISONS: usize = 3_000_000;
/// Members that one request names, adds, removes or changes (RFC 7643 §4.2). Looking them up takes 20,000 read units,
/// of which a partition of DynamoDB gives 3,000 a second, and storing them as chunks 6,000 write units, of which it
/// takes 1,000 a second: together less than [`RESPONSE_SECONDS`] less [`COMMIT_SECONDS`].
pub const MEMBER_CHANGES: usize = 40_000;
/// Members of a group from which a filter can select some to remove (RFC 7644 §3.5.2.2). All of them are read.
pub const FILTERED_MEMBERS: u64 = 100_000;
/// Members up to which a PATCH without `attributes` returns the group; a larger group gets 204 (RFC 7644 §3.5.2).
pub const MEMBERS_IN_PATCH_RESPONSE: u64 = 1000;
/// Members of groups in a response (RFC 7643 §4.2). They take 100 MB of a function's memory, and, with
/// different names of people, some 4 MB of [`RESPONSE_BYTES`] when compressed.
pub const MEMBERS_IN_RESPONSE: u64 = 100_000;
/// Groups of users in a response (RFC 7643 §4.1.2), each of which takes more memory than a member of a group.
pub const GROUPS_IN_RESPONSE: u64 = 75_000;

/// Operations in a bulk request (RFC 7644 §3.7.4; RFC 7643 §5, `bulk.maxOperations`).
pub const BULK_OPERATIONS: usize = 1000;
/// Bytes in the body of a bulk request (RFC 7644 §3.7.4; RFC 7643 §5, `bulk.maxPayloadSize`).
pub const BULK_BYTES: usize = 2 * 1024 * 1024;
/// Seconds reserved for one commit, including its retries (DynamoDB usually responds within milliseconds).
pub const COMMIT_SECONDS: u64 = 8;
/// Seconds after which a bulk request starts no further operation (RFC 7644 §3.7), so that a commit fits before the
/// response.
pub const BULK_SECONDS: u64 = RESPONSE_SECONDS - COMMIT_SECONDS;

/// Bytes of a resource as JSON without its members. Amazon DynamoDB accepts items of 400 KB (DynamoDB quotas, "Item
/// size"); the rest is for the other attributes of the item.
pub const RESOURCE_BYTES: usize = 400 * 1024 - 1024;
/// E-mail addresses and external ids of a resource. Each has an item, and a delete must fit into one transaction of
/// 100 items (DynamoDB quotas, "Transactions").
pub const LOOKUPS_PER_RESOURCE: usize = 90;
/// Bytes of the key of a `userName` or of a group's `displayName`. Amazon DynamoDB accepts sort keys of 1,024 bytes
/// (DynamoDB quotas, "Sort key length").
pub const NAME_BYTES: usize = 900;

/// Days for which a token is valid at most (RFC 6750 §5.3 advises limits).
pub const TOKEN_DAYS: u64 = 3650;
/// Days for which a token is valid if the operator does not specify it (RFC 6750 §5.3).
pub const DEFAULT_TOKEN_DAYS: u64 = 365;
/// Hours for which the old token stays valid after a rotation, at most.
pub const OVERLAP_HOURS: u64 = 30 * 24;
/// Hours for which the old token stays valid after a rotation if the operator does not specify it.
pub const DEFAULT_OVERLAP_HOURS: u64 = 24;
/// Characters in the label of a token.
pub const LABEL_CHARACTERS: usize = 128;
/// Bytes in the name of a tenant, which consists of ASCII characters.
pub const TENANT_NAME_BYTES: usize = 64;

/// Ids of members in one event, which then has about 40 KB (RFC 9967 §2.4). A larger change has several events.
pub const MEMBER_IDS_PER_EVENT: usize = 1000;
/// Bytes of an event as JSON. Amazon EventBridge accepts 256 KB with the envelope (EventBridge quotas, "PutEvents
/// entry size").
pub const EVENT_BYTES: usize = 250_000;

/// Change records that one audit query reads.
pub const AUDIT_RECORDS: usize = 10_000;
/// Changes in the response to an audit query without a limit.
pub const DEFAULT_AUDIT_CHANGES: usize = 100;
/// Changes in the response to an audit query.
pub const AUDIT_CHANGES: usize = 1000;
/// Members in the response to an audit query.
pub const AUDIT_MEMBERS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = include_str!("../../guide/src/reference/limits.md");

    /// A number with a comma between thousands.
    fn grouped(number: impl TryInto<u64>) -> String {
        let number = number.try_into().unwrap_or_default();
        if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
    }

    /// The `value` of a limit in the tables of the guide.
    fn guide_value(limit: &str) -> &'static str {
        let rows = GUIDE.lines().filter(|line| line.starts_with("| "));
        let mut cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim));
        let value = cells.find_map(|mut row| if row.next() == Some(limit) { row.next() } else { None });
        value.unwrap_or_else(|| panic!("the guide has no limit `{limit}`"))
    }

    #[test]
    fn guide_table_equals_the_limits() {
        let mb = 1024 * 1024;
        let hour = 3600;
        assert_eq!([CURSOR_SECONDS, BOOKMARK_SECONDS], [hour; 2]);
        for (limit, value) in [
            ("Request body", format!("{} MB, and {} JSON values", BODY_BYTES / mb, grouped(JSON_VALUES))),
            (
                "Response",
                format!(
                    "{} MB as Lambda sends it; with gzip, a group of 100,000 members fits",
                    RESPONSE_BYTES.div_ceil(mb)
                ),
            ),
            (
                "Time for a response",
                format!(
                    "{GATEWAY_SECONDS} seconds, after which API Gateway gives up; the functions plan to answer within \
                     {RESPONSE_SECONDS}"
                ),
            ),
            ("`count`", format!("{DEFAULT_COUNT} by default, {} at most", grouped(MAX_COUNT))),
            ("PATCH operations in one request", grouped(PATCH_OPERATIONS)),
            ("Values of one attribute after a PATCH that adds to it", grouped(PATCH_VALUES)),
            ("Comparisons in one PATCH", format!("{} million", PATCH_COMPARISONS / 1_000_000)),
            ("Names in `attributes` or `excludedAttributes`", grouped(PROJECTION_NAMES)),
            ("Members named, added, removed or changed by one request", grouped(MEMBER_CHANGES)),
            ("Members of a group from which a filter selects some to remove", grouped(FILTERED_MEMBERS)),
            ("Members in the answer to a PATCH that does not name attributes", grouped(MEMBERS_IN_PATCH_RESPONSE)),
            ("Operations in a bulk request; its body", format!("{}; {} MB", grouped(BULK_OPERATIONS), BULK_BYTES / mb)),
            ("Time of a bulk request", format!("no operation begins after {BULK_SECONDS} seconds")),
            ("Resource without its members", format!("{} KB as JSON", RESOURCE_BYTES / 1024)),
            ("E-mail addresses and external ids of one resource", format!("{LOOKUPS_PER_RESOURCE} together")),
            ("`userName`, and a group's `displayName`", format!("{NAME_BYTES} bytes")),
            ("Filter", format!("{} bytes, nested {FILTER_DEPTH} deep", grouped(FILTER_BYTES))),
            ("Resources read for a filter without a key, or for sorting", grouped(SCANNED_RESOURCES)),
            (
                "Size of these resources",
                format!("{} MB as JSON, and {} million JSON values", SCANNED_BYTES / mb, SCANNED_VALUES / 1_000_000),
            ),
            ("Members read for a filter of groups by members", grouped(SCANNED_MEMBERS)),
            ("Users whose groups are read for a filter of users by groups", grouped(SCANNED_MEMBERS / 20)),
            ("Comparisons of a filter with values", format!("{} million", QUERY_COMPARISONS / 1_000_000)),
            ("Text by which a query sorts", format!("{} MB together", SORTED_TEXT_BYTES / mb)),
            ("Resources on a page", format!("{} MB in memory, or `count`", PAGE_MEMORY / mb)),
            ("Time of a query without a key, or for sorting", format!("{LIST_SECONDS} seconds")),
            ("Validity of a cursor", "one hour".to_owned()),
            ("Length of a cursor", format!("{} bytes; the service issues none that is longer", grouped(CURSOR_BYTES))),
            ("Validity of a bookmark for `startIndex`", "one hour".to_owned()),
            ("Lifetime", format!("{} days; {DEFAULT_TOKEN_DAYS} by default", grouped(TOKEN_DAYS))),
            ("Overlap of a rotation", format!("{OVERLAP_HOURS} hours; {DEFAULT_OVERLAP_HOURS} by default")),
            ("Label", format!("{LABEL_CHARACTERS} characters")),
            ("Tenant name", format!("{TENANT_NAME_BYTES} of the characters `a-z`, `0-9` and `-`")),
            ("Member ids in one event", grouped(MEMBER_IDS_PER_EVENT)),
            ("Event", format!("{} bytes", grouped(EVENT_BYTES))),
            ("Records that one `AuditList` call reads", grouped(AUDIT_RECORDS)),
            (
                "Changes in one `AuditList` answer",
                format!("{DEFAULT_AUDIT_CHANGES} by default, {} at most", grouped(AUDIT_CHANGES)),
            ),
            ("Members in one `AuditList` answer", grouped(AUDIT_MEMBERS)),
        ] {
            assert_eq!(guide_value(limit), value, "{limit}");
        }
    }
}
