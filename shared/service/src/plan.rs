//! Which keys a filter can be answered from. What they lead to is a superset: the whole filter is evaluated on it.

use protocol::{Comparison, Filter, Operand, Operator, comparison_key, stable_prefix};
use schema::{Kind, ResourceId};
use store::Index;

use crate::keys::external_id_index;

/// A way to the resources that can match, cheapest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// Nothing can match: the literal is no id.
    Nothing,
    Id(ResourceId),
    /// The unique name, in its compared form.
    Name(String),
    Lookup(Index, String),
    /// Groups that this one is a member of.
    GroupsOf(ResourceId),
    /// The beginning of the unique name, in its compared form; not empty.
    NamePrefix(String),
    /// Users who are members of this group.
    MembersOf(ResourceId),
}

/// The cheapest way to what a filter can match; `None` if all resources have to be looked at.
pub(crate) fn source(kind: Kind, filter: &Filter) -> Option<Source> {
    match filter {
        Filter::And(terms) => terms.iter().filter_map(|term| source(kind, term)).min(),
        Filter::Or(terms) => {
            let nothing = |term| source(kind, term) == Some(Source::Nothing);
            terms.iter().all(nothing).then_some(Source::Nothing)
        }
        _ if matches_none(kind, filter) => Some(Source::Nothing),
        Filter::Compare(comparison) => {
            let path = &comparison.path;
            let sub = path.sub.map(|sub| sub.name.as_str());
            path.extension.is_none().then(|| by_key(kind, &path.attribute.name, sub, comparison)).flatten()
        }
        Filter::Element { path, filter } if path.extension.is_none() => element(kind, &path.attribute.name, filter),
        Filter::Not(_) | Filter::Present(_) | Filter::Element { .. } => None,
    }
}

/// In a query of all kinds: whether a term asks for an attribute that this one does not have, or for another kind (RFC 7644
/// §3.4.2.1).
fn matches_none(kind: Kind, filter: &Filter) -> bool {
    match filter {
        Filter::Compare(Comparison { operator: Operator::Ne, .. }) => false,
        Filter::Compare(Comparison {
            path,
            operator: Operator::Eq,
            operand: Operand::Text { comparison_key: prepared, .. },
        }) if path.extension.is_none() && path.to_string() == "meta.resourceType" => {
            *prepared != comparison_key(path.leaf(), kind.name())
        }
        Filter::Compare(Comparison { path, .. }) | Filter::Present(path) | Filter::Element { path, .. } => {
            path.is_of_other_type
        }
        Filter::Or(_) | Filter::And(_) | Filter::Not(_) => false,
    }
}

/// `emails[type eq "work" and value eq "x"]`.
fn element(kind: Kind, attribute: &str, filter: &Filter) -> Option<Source> {
    match filter {
        Filter::And(terms) => terms.iter().filter_map(|term| element(kind, attribute, term)).min(),
        Filter::Compare(comparison) => by_key(kind, attribute, Some(&comparison.path.attribute.name), comparison),
        _ => None,
    }
}

fn by_key(kind: Kind, attribute: &str, sub: Option<&str>, comparison: &Comparison) -> Option<Source> {
    let Operand::Text { written, comparison_key: prepared } = &comparison.operand else { return None };
    let id = || ResourceId::parse(written);
    match (comparison.operator, kind, attribute, sub) {
        (Operator::Eq, _, "id", None) => Some(id().map_or(Source::Nothing, Source::Id)),
        (Operator::Eq, Kind::User, "userName", None) | (Operator::Eq, Kind::Group, "displayName", None) => {
            Some(Source::Name(prepared.clone()))
        }
        (Operator::Sw, Kind::User, "userName", None) | (Operator::Sw, Kind::Group, "displayName", None) => {
            let prefix = stable_prefix(prepared);
            (!prefix.is_empty()).then(|| Source::NamePrefix(prefix.to_owned()))
        }
        (Operator::Eq, _, "externalId", None) => Some(Source::Lookup(external_id_index(kind), written.clone())),
        (Operator::Eq, Kind::User, "emails", Some("value")) => Some(Source::Lookup(Index::UserEmail, prepared.clone())),
        (Operator::Eq, Kind::Group, "members", Some("value")) => Some(id().map_or(Source::Nothing, Source::GroupsOf)),
        (Operator::Eq, Kind::User, "groups", Some("value")) => Some(id().map_or(Source::Nothing, Source::MembersOf)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use schema::{Dialect, resource_type};

    use super::*;

    #[test]
    fn keys_are_used_where_a_filter_allows_it() {
        const ID: &str = "0191b1c8-7a60-7c3e-8a3e-0123456789ab";
        let id = || ResourceId::parse(ID).unwrap();
        for (kind, filter, expect) in [
            (Kind::User, r#"userName eq "A@x""#.to_owned(), Some(Source::Name("a@x".into()))),
            (Kind::User, r#"userName sw "A""#.to_owned(), Some(Source::NamePrefix("a".into()))),
            (Kind::User, r#"userName sw "ΑΒΣ""#.to_owned(), Some(Source::NamePrefix("αβ".into()))),
            (Kind::User, r#"userName sw "Σ""#.to_owned(), None),
            (Kind::User, r#"userName sw """#.to_owned(), None),
            (Kind::User, r#"userName ne "a""#.to_owned(), None),
            (Kind::User, r#"displayName eq "a""#.to_owned(), None),
            (Kind::Group, r#"displayName eq "Team""#.to_owned(), Some(Source::Name("team".into()))),
            (Kind::User, r#"externalId eq "Ab""#.to_owned(), Some(Source::Lookup(Index::UserExternalId, "Ab".into()))),
            (
                Kind::Group,
                r#"externalId eq "Ab""#.to_owned(),
                Some(Source::Lookup(Index::GroupExternalId, "Ab".into())),
            ),
            (Kind::User, r#"emails.value eq "A@x""#.to_owned(), Some(Source::Lookup(Index::UserEmail, "a@x".into()))),
            (
                Kind::User,
                r#"emails[type eq "work"].value eq "A@x""#.to_owned(),
                Some(Source::Lookup(Index::UserEmail, "a@x".into())),
            ),
            (Kind::User, format!(r#"id eq "{ID}" and manager eq "m""#), Some(Source::Id(id()))),
            (Kind::User, r#"id eq "garbage""#.to_owned(), Some(Source::Nothing)),
            (Kind::Group, format!(r#"members eq "{ID}" and displayName pr"#), Some(Source::GroupsOf(id()))),
            (Kind::Group, format!(r#"members[value eq "{ID}"]"#), Some(Source::GroupsOf(id()))),
            (Kind::User, format!(r#"groups.value eq "{ID}""#), Some(Source::MembersOf(id()))),
            (Kind::User, r#"userName eq "a" or title pr"#.to_owned(), None),
            (Kind::User, r#"not (userName eq "a")"#.to_owned(), None),
            (Kind::Group, r#"userName eq "a""#.to_owned(), Some(Source::Nothing)),
            (Kind::Group, r#"userName pr or emails[type pr] or manager pr"#.to_owned(), Some(Source::Nothing)),
            (Kind::Group, r#"userName ne "a""#.to_owned(), None),
            (Kind::Group, r#"not (userName eq "a")"#.to_owned(), None),
            (Kind::Group, r#"userName eq "a" or displayName pr"#.to_owned(), None),
            (Kind::User, r#"members pr and title pr"#.to_owned(), Some(Source::Nothing)),
            (Kind::User, r#"meta.resourceType eq "Group""#.to_owned(), Some(Source::Nothing)),
            (Kind::User, r#"meta.resourceType eq "User" or meta.created pr"#.to_owned(), None),
        ] {
            let parsed = Filter::parse_for_all_types(resource_type(kind), &filter, &Dialect::lenient()).unwrap();
            assert_eq!(source(kind, &parsed), expect, "{filter}");
        }
    }
}
