//! The table: its keys, and creating it on a laptop and in tests, where no template does.

use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription, TableStatus,
    TimeToLiveSpecification, TimeToLiveStatus,
};

use crate::error::{build_error, classify};
use crate::key::{PK, SK};
use crate::{Directory, Error};

/// The attributes that the table's definition names: its string keys, and the time at which an item expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableKeys {
    pub partition: &'static str,
    pub sort: &'static str,
    pub expiry: &'static str,
}

/// The attributes that `template.yaml` has to declare.
pub const KEYS: TableKeys = TableKeys { partition: PK, sort: SK, expiry: "expires" };

const POLL_INTERVAL: Duration = Duration::from_millis(50);
const MAX_POLLS: usize = 1200;

impl Directory {
    /// Creates the table, with on-demand capacity, expiry and no stream, and waits until it is active. It accepts an
    /// existing table that has the right keys. It serves laptops and tests: on AWS, the template creates the table.
    ///
    /// # Errors
    /// `Refused` if the table has other keys or the call is not allowed, `Unavailable`, `Throttled`.
    pub async fn create_table(&self) -> Result<(), Error> {
        let created = self
            .client
            .create_table()
            .table_name(&self.table)
            .billing_mode(BillingMode::PayPerRequest)
            .set_key_schema(Some(key_schema()?))
            .set_attribute_definitions(Some(key_types()?))
            .send()
            .await;
        match created {
            Ok(_) => {}
            Err(error) if error.code() == Some("ResourceInUseException") => {}
            Err(error) => return Err(classify("CreateTable", &error)),
        }
        self.wait_until_active().await?;
        self.enable_expiry().await
    }

    async fn wait_until_active(&self) -> Result<(), Error> {
        for _ in 0..MAX_POLLS {
            let response = self.client.describe_table().table_name(&self.table).send().await;
            let response = response.map_err(|error| classify("DescribeTable", &error))?;
            if let Some(table) = response.table().filter(|table| table.table_status() == Some(&TableStatus::Active)) {
                return self.check_keys(table);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Err(Error::Unavailable(format!("the table {} did not become active", self.table)))
    }

    fn check_keys(&self, table: &TableDescription) -> Result<(), Error> {
        let is_right = table.key_schema() == key_schema()?
            && key_types()?.iter().all(|wanted| table.attribute_definitions().contains(wanted));
        if is_right { Ok(()) } else { Err(Error::Refused(format!("the table {} has other keys", self.table))) }
    }

    /// The function checks first, because DynamoDB rejects a call that enables expiry a second time. Another
    /// process that creates the table at the same time may enable it in between, so an error is ignored if expiry
    /// is enabled afterwards.
    async fn enable_expiry(&self) -> Result<(), Error> {
        if self.is_expiry_enabled().await? {
            return Ok(());
        }
        let expiry = TimeToLiveSpecification::builder().attribute_name(KEYS.expiry).enabled(true).build();
        let request = self.client.update_time_to_live().table_name(&self.table);
        match request.time_to_live_specification(expiry.map_err(build_error)?).send().await {
            Ok(_) => Ok(()),
            Err(_) if self.is_expiry_enabled().await? => Ok(()),
            Err(error) => Err(classify("UpdateTimeToLive", &error)),
        }
    }

    async fn is_expiry_enabled(&self) -> Result<bool, Error> {
        let response = self.client.describe_time_to_live().table_name(&self.table).send().await;
        let response = response.map_err(|error| classify("DescribeTimeToLive", &error))?;
        let status = response.time_to_live_description().and_then(|it| it.time_to_live_status());
        Ok(matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)))
    }
}

fn key_schema() -> Result<Vec<KeySchemaElement>, Error> {
    [(KEYS.partition, KeyType::Hash), (KEYS.sort, KeyType::Range)]
        .map(|(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build())
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(build_error)
}

fn key_types() -> Result<Vec<AttributeDefinition>, Error> {
    [KEYS.partition, KEYS.sort]
        .map(|name| AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build())
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(build_error)
}
