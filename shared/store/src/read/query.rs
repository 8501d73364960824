//! Queries of one collection, in the order of its sort keys.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use protocol::Tenant;

use crate::attributes::Item;
use crate::error::classify;
use crate::expression::{names, placeholders};
use crate::retry::RetryBudget;
use crate::{Directory, Error};

/// The largest number of items that one call requests. DynamoDB ends a call at 1 MB anyway; other engines need a
/// limit.
const ITEMS_PER_QUERY: usize = 5000;

/// A query of one collection. At most one of the conditions on the sort key may be given.
pub(crate) struct CollectionQuery<'a> {
    pub(crate) pk: String,
    /// The beginning of the sort keys; not empty.
    pub(crate) prefix: Option<&'a str>,
    /// The sort key after which the query starts.
    pub(crate) after: Option<&'a str>,
    /// The first and the last sort key.
    pub(crate) between: Option<(&'a str, &'a str)>,
    /// The attributes to read, as placeholders. Without it, whole items are read.
    pub(crate) attributes: Option<&'a str>,
}

impl CollectionQuery<'_> {
    pub(crate) fn all(pk: String) -> Self {
        Self { pk, prefix: None, after: None, between: None, attributes: None }
    }
}

impl Directory {
    /// The items that a query finds, at most `limit` of them.
    pub(crate) async fn query(&self, query: CollectionQuery<'_>, limit: Option<usize>) -> Result<Vec<Item>, Error> {
        self.query_as(query, limit, Ok).await
    }

    /// The items that a query finds, converted by `read`, at most `limit` of them. Only the items of one response at a
    /// time are in memory.
    pub(crate) async fn query_as<T>(
        &self,
        query: CollectionQuery<'_>,
        limit: Option<usize>,
        read: impl Fn(Item) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        let query = self.query_request(&query);
        let mut from: Option<Item> = None;
        loop {
            let remaining = limit.map_or(ITEMS_PER_QUERY, |limit| limit.saturating_sub(items.len()));
            if remaining == 0 {
                return Ok(items);
            }
            let limit = items_per_query(remaining);
            let response = send_query(|| query.clone().limit(limit).set_exclusive_start_key(from.clone())).await?;
            items.reserve(response.items().len());
            for item in response.items.unwrap_or_default() {
                items.push(read(item)?);
            }
            match response.last_evaluated_key {
                Some(last) => from = Some(last),
                None => return Ok(items),
            }
        }
    }

    /// The number of items of a collection.
    pub(crate) async fn count_items(&self, pk: String) -> Result<u64, Error> {
        let query = self.query_request(&CollectionQuery::all(pk)).select(Select::Count);
        let mut count = 0;
        let mut from: Option<Item> = None;
        loop {
            let limit = items_per_query(ITEMS_PER_QUERY);
            let response = send_query(|| query.clone().limit(limit).set_exclusive_start_key(from.clone())).await?;
            count += u64::try_from(response.count()).unwrap_or(0);
            match response.last_evaluated_key {
                Some(last) => from = Some(last),
                None => return Ok(count),
            }
        }
    }

    /// The items of one page of the table, in no order, and the key of the last one if others follow. The items of
    /// other tenants are left out if a tenant is given.
    pub(crate) async fn scan_page(
        &self,
        tenant: Option<&Tenant>,
        from: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), Error> {
        let prefix = tenant.map(|tenant| ("prefix".to_owned(), AttributeValue::S(format!("{}#", tenant.as_str()))));
        let mut retries = RetryBudget::of_bulk_call();
        loop {
            let scan = self.client.scan().table_name(&self.table).limit(items_per_query(ITEMS_PER_QUERY));
            let scan = scan
                .set_filter_expression(tenant.map(|_| "begins_with(pk, :prefix)".to_owned()))
                .set_expression_attribute_values(placeholders(prefix.clone().into_iter().collect()));
            match scan.set_exclusive_start_key(from.clone()).send().await.map_err(|error| classify("Scan", &error)) {
                Ok(page) => return Ok((page.items.unwrap_or_default(), page.last_evaluated_key)),
                Err(Error::Throttled) if retries.wait().await => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The last item of a collection whose sort key is not greater than `sk`.
    pub(crate) async fn last_at_or_before(&self, pk: String, sk: &str) -> Result<Option<Item>, Error> {
        let query = CollectionQuery { between: Some((" ", sk)), ..CollectionQuery::all(pk) };
        let response = send_query(|| self.query_request(&query).limit(1).scan_index_forward(false)).await?;
        Ok(response.items.unwrap_or_default().into_iter().next())
    }

    pub(crate) fn query_request(&self, query: &CollectionQuery<'_>) -> QueryFluentBuilder {
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

/// Sends a query, and repeats it while DynamoDB throttles it. A response of a megabyte takes the throughput of a
/// partition for a twelfth of a second, which is longer than the SDK's own retries last.
///
/// # Errors
/// `Throttled` if DynamoDB still throttles it after seconds; `Unavailable`, `Refused`.
pub(crate) async fn send_query(request: impl Fn() -> QueryFluentBuilder) -> Result<QueryOutput, Error> {
    let mut retries = RetryBudget::new();
    loop {
        match request().send().await.map_err(|error| classify("Query", &error)) {
            Err(Error::Throttled) if retries.wait().await => {}
            response => return response,
        }
    }
}

pub(crate) fn items_per_query(remaining: usize) -> i32 {
    i32::try_from(remaining.min(ITEMS_PER_QUERY)).unwrap_or(i32::MAX)
}
