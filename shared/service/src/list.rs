//! Listing resources (RFC 7644 §3.4.2), oldest first: a page of all, or of those that match a filter.

use std::num::NonZeroUsize;

use futures_util::future::try_join;
use protocol::{Error, Filter, Query, list_response};
use schema::{Kind, Object, ResourceId, resource_type};
use store::{Fields, Stored};

use crate::failure::failed;
use crate::plan::{Source, source};
use crate::{Context, Reply, represent};

/// The most resources that a filter without a key is tried on, for one request.
const MAX_READ: usize = 50_000;
/// How many are read at a time.
const CHUNK: usize = 1000;

/// Lists the resources of a kind.
///
/// # Errors
/// [`Error::TooMany`] where the filter would have to be tried on more than 50,000 resources.
pub async fn list(context: &Context<'_>, kind: Kind, query: &Query) -> Result<Reply, Error> {
    let (total, resources) = match &query.filter {
        None => page(context, kind, query).await?,
        Some(filter) => matching(context, kind, query, filter).await?,
    };
    let definition = resource_type(kind);
    let resources = resources.into_iter().map(|resource| query.projection.apply(definition, resource)).collect();
    let body = list_response(total, query.start_index, resources);
    Ok(Reply { status: 200, location: None, version: None, body: Some(body) })
}

/// A page of all resources.
async fn page(context: &Context<'_>, kind: Kind, query: &Query) -> Result<(usize, Vec<Object>), Error> {
    let tenant = &context.caller.tenant;
    let count = async { context.directory.count(tenant, kind).await.map_err(failed) };
    let (total, stored) = try_join(count, stored_page(context, kind, query)).await?;
    let resources = represent_for(context, kind, query, &stored).await?;
    Ok((usize::try_from(total).unwrap_or(usize::MAX), resources))
}

async fn stored_page(context: &Context<'_>, kind: Kind, query: &Query) -> Result<Vec<Stored>, Error> {
    let tenant = &context.caller.tenant;
    if query.count == 0 {
        return Ok(Vec::new());
    }
    let after = match NonZeroUsize::new(query.start_index - 1) {
        None => None,
        Some(before) => match context.directory.skip(tenant, kind, before).await.map_err(failed)? {
            Some(last) => Some(last),
            None => return Ok(Vec::new()),
        },
    };
    let page = context.directory.page(tenant, kind, after.as_ref(), query.count, Fields::All).await;
    page.map(|page| page.items).map_err(failed)
}

/// Edges are read where the answer shows them.
async fn represent_for(
    context: &Context<'_>,
    kind: Kind,
    query: &Query,
    stored: &[Stored],
) -> Result<Vec<Object>, Error> {
    if query.projection.wants(resource_type(kind), represent::edges_attribute(kind)) {
        represent::whole(context, kind, stored).await
    } else {
        Ok(stored.iter().map(|stored| represent::bare(context, stored)).collect())
    }
}

/// The resources that match a filter: their true number, and those of the page.
async fn matching(
    context: &Context<'_>,
    kind: Kind,
    query: &Query,
    filter: &Filter,
) -> Result<(usize, Vec<Object>), Error> {
    let mut matches = Matches { context, kind, query, filter, total: 0, page: Vec::new() };
    match source(kind, filter) {
        Some(source) => {
            let mut ids = candidates(context, kind, source).await?;
            ids.sort();
            ids.dedup();
            for ids in ids.chunks(CHUNK) {
                let stored = context.directory.get_many(&context.caller.tenant, kind, ids).await.map_err(failed)?;
                matches.take(stored).await?;
            }
        }
        None => walk(context, kind, &mut matches).await?,
    }
    let Matches { total, page, .. } = matches;
    let resources = represent_for(context, kind, query, &page).await?;
    Ok((total, resources))
}

async fn candidates(context: &Context<'_>, kind: Kind, source: Source) -> Result<Vec<ResourceId>, Error> {
    let (directory, tenant) = (context.directory, &context.caller.tenant);
    let ids = match source {
        Source::Nothing => Ok(Vec::new()),
        Source::Id(id) => Ok(vec![id]),
        Source::Name(name) => directory.name_owner(tenant, kind, &name).await.map(|owner| owner.into_iter().collect()),
        Source::Lookup(index, value) => directory.lookup(tenant, index, &value).await,
        Source::GroupsOf(member) => directory.groups_of(tenant, &member).await,
        Source::NamePrefix(prefix) => directory.name_owners_by_prefix(tenant, kind, &prefix, MAX_READ + 1).await,
        Source::MembersOf(group) => {
            let members = directory.members(tenant, &group, Some(MAX_READ + 1)).await;
            members.map(|members| members.into_iter().map(|member| member.id).collect())
        }
    };
    let ids = ids.map_err(failed)?;
    if ids.len() > MAX_READ { Err(too_many()) } else { Ok(ids) }
}

async fn walk(context: &Context<'_>, kind: Kind, matches: &mut Matches<'_>) -> Result<(), Error> {
    let tenant = &context.caller.tenant;
    let (mut after, mut read) = (None, 0);
    loop {
        let page = context.directory.page(tenant, kind, after.as_ref(), CHUNK, Fields::All).await.map_err(failed)?;
        read += page.items.len();
        after = page.items.last().map(|last| last.id.clone());
        matches.take(page.items).await?;
        if !page.more {
            return Ok(());
        }
        if read >= MAX_READ {
            return Err(too_many());
        }
    }
}

fn too_many() -> Error {
    Error::TooMany(format!(
        "The filter would have to be tried on more than {MAX_READ} resources. Add a condition that narrows it down: \
         `id eq`, `externalId eq`, `userName eq` or `sw`, `emails.value eq`, for groups `displayName eq` or `sw`, `members.value eq`."
    ))
}

/// Counts what matches and keeps what stands on the page.
struct Matches<'a> {
    context: &'a Context<'a>,
    kind: Kind,
    query: &'a Query,
    filter: &'a Filter,
    total: usize,
    page: Vec<Stored>,
}

impl Matches<'_> {
    async fn take(&mut self, stored: Vec<Stored>) -> Result<(), Error> {
        let seen = if self.filter.reads(represent::edges_attribute(self.kind)) {
            represent::whole(self.context, self.kind, &stored).await?
        } else {
            stored.iter().map(|stored| represent::bare(self.context, stored)).collect()
        };
        for (stored, seen) in stored.into_iter().zip(seen) {
            if self.filter.matches(&seen) {
                self.total += 1;
                if self.total >= self.query.start_index && self.page.len() < self.query.count {
                    self.page.push(stored);
                }
            }
        }
        Ok(())
    }
}
