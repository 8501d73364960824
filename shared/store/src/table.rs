//! The table: its keys, and making it where no template does, on a laptop and in tests.

use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription, TableStatus,
    TimeToLiveSpecification, TimeToLiveStatus,
};

use crate::error::failure;
use crate::key::{PK, SK};
use crate::{Directory, Error};

/// How the table has to be: the names of its string keys, and of the attribute by which items expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableKeys {
    pub partition: &'static str,
    pub sort: &'static str,
    pub expiry: &'static str,
}

/// What template.yaml has to declare.
pub const KEYS: TableKeys = TableKeys { partition: PK, sort: SK, expiry: "expires" };

const POLL: Duration = Duration::from_millis(50);
const POLLS: usize = 1200;

impl Directory {
    /// Makes the table, on demand, with expiry and without a stream, and waits until it can be used; a table that is
    /// there already is taken if it has the right keys. For a laptop and for tests: on AWS the template makes it.
    pub async fn create_table(&self) -> Result<(), Error> {
        let made = self
            .client
            .create_table()
            .table_name(&self.table)
            .billing_mode(BillingMode::PayPerRequest)
            .set_key_schema(Some(key_schema()?))
            .set_attribute_definitions(Some(key_types()?))
            .send()
            .await;
        match made {
            Ok(_) => {}
            Err(error) if error.code() == Some("ResourceInUseException") => {}
            Err(error) => return Err(failure("CreateTable", &error)),
        }
        self.wait_until_active().await?;
        self.enable_expiry().await
    }

    async fn wait_until_active(&self) -> Result<(), Error> {
        for _ in 0..POLLS {
            let answer = self.client.describe_table().table_name(&self.table).send().await;
            let answer = answer.map_err(|error| failure("DescribeTable", &error))?;
            if let Some(table) = answer.table().filter(|table| table.table_status() == Some(&TableStatus::Active)) {
                return self.check_keys(table);
            }
            tokio::time::sleep(POLL).await;
        }
        Err(Error::Unavailable(format!("the table {} does not become active", self.table)))
    }

    fn check_keys(&self, table: &TableDescription) -> Result<(), Error> {
        let right = table.key_schema() == key_schema()?
            && key_types()?.iter().all(|wanted| table.attribute_definitions().contains(wanted));
        if right { Ok(()) } else { Err(Error::Refused(format!("the table {} has other keys", self.table))) }
    }

    /// Asks first: DynamoDB refuses to enable what is enabled. Whoever makes the table at the same time may come between, so
    /// a refusal is taken where expiry is on now.
    async fn enable_expiry(&self) -> Result<(), Error> {
        if self.expires().await? {
            return Ok(());
        }
        let expiry = TimeToLiveSpecification::builder().attribute_name(KEYS.expiry).enabled(true).build();
        let request = self.client.update_time_to_live().table_name(&self.table);
        match request.time_to_live_specification(expiry.map_err(unbuilt)?).send().await {
            Ok(_) => Ok(()),
            Err(_) if self.expires().await? => Ok(()),
            Err(error) => Err(failure("UpdateTimeToLive", &error)),
        }
    }

    async fn expires(&self) -> Result<bool, Error> {
        let answer = self.client.describe_time_to_live().table_name(&self.table).send().await;
        let answer = answer.map_err(|error| failure("DescribeTimeToLive", &error))?;
        let status = answer.time_to_live_description().and_then(|it| it.time_to_live_status());
        Ok(matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)))
    }
}

fn key_schema() -> Result<Vec<KeySchemaElement>, Error> {
    [(KEYS.partition, KeyType::Hash), (KEYS.sort, KeyType::Range)]
        .map(|(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build())
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(unbuilt)
}

fn key_types() -> Result<Vec<AttributeDefinition>, Error> {
    [KEYS.partition, KEYS.sort]
        .map(|name| AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build())
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(unbuilt)
}

/// A request that lacks a part: a mistake of ours.
pub(crate) fn unbuilt(error: aws_sdk_dynamodb::error::BuildError) -> Error {
    Error::Refused(error.to_string())
}
