//! Emits one `tracing` event for each HTTP call to DynamoDB, retries included, with the capacity units that the
//! call consumed.
//!
//! The events have the target `dynamodb` and the fields `call` and `units`. A subscriber adds them up for each
//! request.

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::scan::{ScanInput, ScanOutput};
use aws_sdk_dynamodb::operation::transact_get_items::{TransactGetItemsInput, TransactGetItemsOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_smithy_runtime_api::client::interceptors::context::{Input, Output};
use aws_smithy_runtime_api::client::orchestrator::Metadata;

#[derive(Debug)]
pub(crate) struct CapacityMeter;

impl Intercept for CapacityMeter {
    fn name(&self) -> &'static str {
        "CapacityMeter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        request_capacity(context.input_mut());
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let call = config.load::<Metadata>().map_or("unknown", Metadata::name);
        let units = context.output_or_error().and_then(Result::ok).map_or(0.0, units);
        tracing::debug!(target: "dynamodb", call, units);
        Ok(())
    }
}

macro_rules! request_for_each {
    ($input:ident: $($operation:ty),*) => {
        $(if let Some(input) = $input.downcast_mut::<$operation>() {
            input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
        })*
    };
}

fn request_capacity(input: &mut Input) {
    request_for_each!(input: GetItemInput, QueryInput, ScanInput, BatchGetItemInput, PutItemInput, UpdateItemInput);
    request_for_each!(input: BatchWriteItemInput, TransactGetItemsInput, TransactWriteItemsInput);
}

macro_rules! sum_each {
    ($output:ident: $($operation:ty),*) => {
        0.0 $(+ $output.downcast_ref::<$operation>().map_or(0.0, |output| sum(&output.consumed_capacity)))*
    };
}

fn units(output: &Output) -> f64 {
    sum_each!(output: GetItemOutput, QueryOutput, ScanOutput, PutItemOutput, UpdateItemOutput)
        + sum_each!(output: BatchGetItemOutput, BatchWriteItemOutput, TransactGetItemsOutput, TransactWriteItemsOutput)
}

/// The response of a call has one consumed capacity, or one for each table.
trait Capacities {
    fn each(&self) -> &[ConsumedCapacity];
}

impl Capacities for ConsumedCapacity {
    fn each(&self) -> &[ConsumedCapacity] {
        std::slice::from_ref(self)
    }
}

impl Capacities for Vec<ConsumedCapacity> {
    fn each(&self) -> &[ConsumedCapacity] {
        self
    }
}

fn sum(capacity: &Option<impl Capacities>) -> f64 {
    capacity.iter().flat_map(Capacities::each).filter_map(ConsumedCapacity::capacity_units).sum()
}
