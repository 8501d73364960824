//! Walking a collection in the order of its keys; for resources that is the order in which they were created.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use protocol::Tenant;
use schema::{Kind, ResourceId};

use crate::commit::action::{names, placeholders};
use crate::error::failure;
use crate::item::{self, Item};
use crate::key;
use crate::{Directory, Error, Stored};

/// The most items of one call. DynamoDB ends a call at 1 MB anyway; other engines read on if nothing tells them to stop.
const PER_CALL: usize = 5000;

/// A part of a collection of resources.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub items: Vec<Stored>,
    /// Whether the collection goes on after the last of `items`.
    pub more: bool,
}

/// Where counting off a number of resources ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// At this one, which is the last of them. There may be none after it.
    Reached(ResourceId),
    /// At the end of the collection, with so many of the number left.
    Exhausted { left: usize },
}

/// What to fetch of each resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fields {
    All,
    /// All but the resource itself, whose object is empty.
    KeysOnly,
}

/// A query of one collection. Every condition that is given has to hold; a sort key can have one of them.
pub(crate) struct CollectionQuery<'a> {
    pub(crate) pk: String,
    /// Sort keys that begin so; not empty.
    pub(crate) prefix: Option<&'a str>,
    /// Sort keys greater than this.
    pub(crate) after: Option<&'a str>,
    /// Sort keys from the one to the other.
    pub(crate) between: Option<(&'a str, &'a str)>,
    /// The attributes to fetch, as placeholders.
    pub(crate) attributes: Option<&'a str>,
}

impl CollectionQuery<'_> {
    pub(crate) fn all(pk: String) -> Self {
        Self { pk, prefix: None, after: None, between: None, attributes: None }
    }
}

impl Directory {
    /// At most `limit` resources that were created after the one called `after`, which need not exist any longer.
    pub async fn page(
        &self,
        tenant: &Tenant,
        kind: Kind,
        after: Option<&ResourceId>,
        limit: usize,
        fields: Fields,
    ) -> Result<Page, Error> {
        let attributes = match fields {
            Fields::All => None,
            Fields::KeysOnly => Some("sk, #version, #created, #lastModified, #memberCount"),
        };
        let after = after.map(ResourceId::as_str);
        let query = CollectionQuery { after, attributes, ..CollectionQuery::all(key::resources(tenant, kind)) };
        let mut items = self.query(query, Some(limit.saturating_add(1))).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let items = items.into_iter().map(|item| item::stored(kind, item)).collect::<Result<_, _>>()?;
        Ok(Page { items, more })
    }

    /// Counts off the first `n` resources. It costs as much as reading them.
    pub async fn skip(&self, tenant: &Tenant, kind: Kind, n: NonZeroUsize) -> Result<Skip, Error> {
        let query = CollectionQuery::all(key::resources(tenant, kind));
        let query = self.start(&query).select(Select::Count);
        let (mut left, mut from) = (n.get(), None);
        loop {
            let call = query.clone().limit(per_call(left)).set_exclusive_start_key(from);
            let answer = call.send().await.map_err(|error| failure("Query", &error))?;
            left = left.saturating_sub(usize::try_from(answer.count()).unwrap_or(0));
            let Some(last) = answer.last_evaluated_key else { return Ok(Skip::Exhausted { left }) };
            if left == 0 {
                return item::id(item::text(&last, key::SK)?).map(Skip::Reached);
            }
            from = Some(last);
        }
    }

    /// The items of a collection, at most `limit` of them.
    pub(crate) async fn query(&self, query: CollectionQuery<'_>, limit: Option<usize>) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        let query = self.start(&query);
        let mut from: Option<Item> = None;
        loop {
            let left = limit.map_or(PER_CALL, |limit| limit.saturating_sub(items.len()));
            if left == 0 {
                return Ok(items);
            }
            let call = query.clone().limit(per_call(left)).set_exclusive_start_key(from);
            let answer = call.send().await.map_err(|error| failure("Query", &error))?;
            items.extend(answer.items.unwrap_or_default());
            match answer.last_evaluated_key {
                Some(last) => from = Some(last),
                None => return Ok(items),
            }
        }
    }

    /// The last item of a collection whose sort key is not greater than `until`.
    pub(crate) async fn last_until(&self, pk: String, until: &str) -> Result<Option<Item>, Error> {
        let query = CollectionQuery { between: Some((" ", until)), ..CollectionQuery::all(pk) };
        let call = self.start(&query).limit(1).scan_index_forward(false);
        let answer = call.send().await.map_err(|error| failure("Query", &error))?;
        Ok(answer.items.unwrap_or_default().into_iter().next())
    }

    fn start(&self, query: &CollectionQuery<'_>) -> QueryFluentBuilder {
        let mut condition = "pk = :pk".to_owned();
        let mut values = HashMap::from([("pk".to_owned(), AttributeValue::S(query.pk.clone()))]);
        if let Some(prefix) = query.prefix {
            condition.push_str(" AND begins_with(sk, :prefix)");
            values.insert("prefix".to_owned(), AttributeValue::S(prefix.to_owned()));
        }
        if let Some(after) = query.after {
            condition.push_str(" AND sk > :after");
            values.insert("after".to_owned(), AttributeValue::S(after.to_owned()));
        }
        if let Some((from, to)) = query.between {
            condition.push_str(" AND sk BETWEEN :from AND :to");
            values.insert("from".to_owned(), AttributeValue::S(from.to_owned()));
            values.insert("to".to_owned(), AttributeValue::S(to.to_owned()));
        }
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression(condition)
            .set_projection_expression(query.attributes.map(str::to_owned))
            .set_expression_attribute_names(query.attributes.and_then(names))
            .set_expression_attribute_values(placeholders(values))
    }
}

fn per_call(left: usize) -> i32 {
    i32::try_from(left.min(PER_CALL)).unwrap_or(i32::MAX)
}
