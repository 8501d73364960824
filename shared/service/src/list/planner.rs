//! Chooses the index from which the candidates of a filter are read. The index yields a superset of the matches;
//! the whole filter is then evaluated on each candidate.

use protocol::{Comparison, Filter, Operand, Operator, comparison_key, former_comparison_key, former_name_key};
use schema::{Kind, ResourceId};
use store::Index;

use crate::keys::external_id_index;

/// A way to read the resources that can match; the order is by cost, cheapest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AccessPath {
    /// No resource can match, for example because the literal is not an id.
    Nothing,
    Id(ResourceId),
    /// The unique name, as a comparison key, and as that of version 0.1.0 if it is another one.
    Name(Vec<String>),
    /// A value of a lookup, in the same forms.
    Lookup(Index, Vec<String>),
    /// The groups that have this member.
    GroupsOf(ResourceId),
    /// A prefix of the unique name, in the same forms; never empty.
    NamePrefix(Vec<String>),
    /// The users that are members of this group.
    MembersOf(ResourceId),
}

/// Chooses the cheapest access path; `None` if the filter has to be tried on all resources.
pub(super) fn choose_access_path(kind: Kind, filter: &Filter) -> Option<AccessPath> {
    match filter {
        Filter::And(terms) => terms.iter().filter_map(|term| choose_access_path(kind, term)).min(),
        Filter::Or(terms) => {
            let nothing = |term| choose_access_path(kind, term) == Some(AccessPath::Nothing);
            terms.iter().all(nothing).then_some(AccessPath::Nothing)
        }
        _ if matches_none(kind, filter) => Some(AccessPath::Nothing),
        Filter::Compare(comparison) => {
            let path = &comparison.path;
            let sub = path.sub.map(|sub| sub.name.as_str());
            path.extension.is_none().then(|| by_key(kind, &path.attribute.name, sub, comparison)).flatten()
        }
        Filter::Element { path, filter } if path.extension.is_none() => element(kind, &path.attribute.name, filter),
        Filter::Not(_) | Filter::Present(_) | Filter::Element { .. } => None,
    }
}

/// Whether no resource of this kind matches a term: in a query of all kinds, the term may name an attribute that
/// only other kinds have, or another `meta.resourceType` (RFC 7644 §3.4.2.1).
fn matches_none(kind: Kind, filter: &Filter) -> bool {
    match filter {
        Filter::Compare(Comparison { operator: Operator::Ne, .. }) => false,
        Filter::Compare(Comparison {
            path,
            operator: Operator::Eq,
            operand: Operand::Text { comparison_key: key, .. },
        }) if path.extension.is_none() && path.to_string() == "meta.resourceType" => {
            *key != comparison_key(path.leaf(), kind.name())
        }
        Filter::Compare(Comparison { path, .. }) | Filter::Present(path) | Filter::Element { path, .. } => {
            path.is_of_other_type
        }
        Filter::Or(_) | Filter::And(_) | Filter::Not(_) => false,
    }
}

/// `emails[type eq "work" and value eq "x"]`.
fn element(kind: Kind, attribute: &str, filter: &Filter) -> Option<AccessPath> {
    match filter {
        Filter::And(terms) => terms.iter().filter_map(|term| element(kind, attribute, term)).min(),
        Filter::Compare(comparison) => by_key(kind, attribute, Some(&comparison.path.attribute.name), comparison),
        _ => None,
    }
}

fn by_key(kind: Kind, attribute: &str, sub: Option<&str>, comparison: &Comparison) -> Option<AccessPath> {
    let Operand::Text { written, comparison_key } = &comparison.operand else { return None };
    let id = || ResourceId::parse(written);
    let with = |former: Option<String>| std::iter::once(comparison_key.clone()).chain(former).collect::<Vec<_>>();
    let name_keys = || with(former_name_key(kind, written));
    match (comparison.operator, kind, attribute, sub) {
        (Operator::Eq, _, "id", None) => Some(id().map_or(AccessPath::Nothing, AccessPath::Id)),
        (Operator::Eq, Kind::User, "userName", None) | (Operator::Eq, Kind::Group, "displayName", None) => {
            Some(AccessPath::Name(name_keys()))
        }
        (Operator::Sw, Kind::User, "userName", None) | (Operator::Sw, Kind::Group, "displayName", None) => {
            (!comparison_key.is_empty()).then(|| AccessPath::NamePrefix(name_keys()))
        }
        (Operator::Eq, _, "externalId", None) => {
            Some(AccessPath::Lookup(external_id_index(kind), vec![written.clone()]))
        }
        (Operator::Eq, Kind::User, "emails", Some("value")) => {
            Some(AccessPath::Lookup(Index::UserEmail, with(former_comparison_key(written))))
        }
        (Operator::Eq, Kind::Group, "members", Some("value")) => {
            Some(id().map_or(AccessPath::Nothing, AccessPath::GroupsOf))
        }
        (Operator::Eq, Kind::User, "groups", Some("value")) => {
            Some(id().map_or(AccessPath::Nothing, AccessPath::MembersOf))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use schema::{Dialect, resource_type};

    use super::*;

    #[test]
    fn access_path_of_filter_is_the_cheapest_index() {
        const ID: &str = "0191b1c8-7a60-7c3e-8a3e-0123456789ab";
        let id = || ResourceId::parse(ID).unwrap();
        for (kind, filter, expect) in [
            (Kind::User, r#"userName eq "A@x""#.to_owned(), Some(AccessPath::Name(vec!["a@x".into()]))),
            (Kind::User, r#"userName sw "A""#.to_owned(), Some(AccessPath::NamePrefix(vec!["a".into()]))),
            (Kind::User, r#"userName eq "ΑΒΣ""#.to_owned(), Some(AccessPath::Name(vec!["αβσ".into()]))),
            (
                Kind::User,
                r#"userName sw "αβς""#.to_owned(),
                Some(AccessPath::NamePrefix(vec!["αβσ".into(), "αβς".into()])),
            ),
            (
                Kind::Group,
                "displayName sw \"CAFE\u{301}\"".to_owned(),
                Some(AccessPath::NamePrefix(vec!["café".into(), "cafe\u{301}".into()])),
            ),
            (Kind::User, r#"userName sw """#.to_owned(), None),
            (Kind::User, r#"userName ne "a""#.to_owned(), None),
            (Kind::User, r#"displayName eq "a""#.to_owned(), None),
            (Kind::Group, r#"displayName eq "Team""#.to_owned(), Some(AccessPath::Name(vec!["team".into()]))),
            (
                Kind::User,
                r#"externalId eq "Ab""#.to_owned(),
                Some(AccessPath::Lookup(Index::UserExternalId, vec!["Ab".into()])),
            ),
            (
                Kind::Group,
                r#"externalId eq "Ab""#.to_owned(),
                Some(AccessPath::Lookup(Index::GroupExternalId, vec!["Ab".into()])),
            ),
            (
                Kind::User,
                r#"emails.value eq "A@x""#.to_owned(),
                Some(AccessPath::Lookup(Index::UserEmail, vec!["a@x".into()])),
            ),
            (
                Kind::User,
                r#"emails[type eq "work"].value eq "A@x""#.to_owned(),
                Some(AccessPath::Lookup(Index::UserEmail, vec!["a@x".into()])),
            ),
            (Kind::User, format!(r#"id eq "{ID}" and manager eq "m""#), Some(AccessPath::Id(id()))),
            (Kind::User, r#"id eq "garbage""#.to_owned(), Some(AccessPath::Nothing)),
            (Kind::Group, format!(r#"members eq "{ID}" and displayName pr"#), Some(AccessPath::GroupsOf(id()))),
            (Kind::Group, format!(r#"members[value eq "{ID}"]"#), Some(AccessPath::GroupsOf(id()))),
            (Kind::User, format!(r#"groups.value eq "{ID}""#), Some(AccessPath::MembersOf(id()))),
            (Kind::User, r#"userName eq "a" or title pr"#.to_owned(), None),
            (Kind::User, r#"not (userName eq "a")"#.to_owned(), None),
            (Kind::Group, r#"userName eq "a""#.to_owned(), Some(AccessPath::Nothing)),
            (Kind::Group, r#"userName pr or emails[type pr] or manager pr"#.to_owned(), Some(AccessPath::Nothing)),
            (Kind::Group, r#"userName ne "a""#.to_owned(), None),
            (Kind::Group, r#"not (userName eq "a")"#.to_owned(), None),
            (Kind::Group, r#"userName eq "a" or displayName pr"#.to_owned(), None),
            (Kind::User, r#"members pr and title pr"#.to_owned(), Some(AccessPath::Nothing)),
            (Kind::User, r#"meta.resourceType eq "Group""#.to_owned(), Some(AccessPath::Nothing)),
            (Kind::User, r#"meta.resourceType eq "User" or meta.created pr"#.to_owned(), None),
        ] {
            let parsed = Filter::parse_for_all_types(resource_type(kind), &filter, &Dialect::lenient()).unwrap();
            assert_eq!(choose_access_path(kind, &parsed), expect, "{filter}");
        }
    }
}
