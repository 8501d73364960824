//! The region to which a table belongs, its home region.
//!
//! A global table has replicas in other regions. DynamoDB replicates item by item, and the last writer wins: names
//! would no longer be unique, and half of a transaction could win. So the first function that writes stores its region
//! in the table, and functions of another region refuse to write.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use serde::{Deserialize, Serialize};

use crate::attributes::Item;
use crate::error::classify;
use crate::expression::ABSENT;
use crate::item;
use crate::key::Key;
use crate::{Directory, Error};

#[derive(Serialize, Deserialize)]
struct HomeRegionItem {
    region: String,
}

impl Directory {
    /// Reads the region to which the table belongs, if a function has stored it.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn read_home_region(&self) -> Result<(), Error> {
        match self.read(&Key::home_region()).await? {
            Some(item) => self.set_home_region(item),
            None => Ok(()),
        }
    }

    fn set_home_region(&self, item: Item) -> Result<(), Error> {
        let HomeRegionItem { region } = item::body(item)?;
        // Another call may have set it already.
        let _ = self.region.of_table.set(region);
        Ok(())
    }

    /// Checks that the table belongs to the region of this process, and stores that region in a new table.
    ///
    /// # Errors
    /// [`Error::Refused`] if the table belongs to another region, and the errors of a write.
    pub(crate) async fn check_home_region(&self) -> Result<(), Error> {
        let Some(own) = &self.region.of_process else { return Ok(()) };
        if self.region.of_table.get().is_none() {
            // Boxed, because it happens once, and each caller's future would hold it.
            Box::pin(self.store_home_region(own)).await?;
        }
        self.check_not_foreign()
    }

    /// Checks that the table is not known to belong to another region.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub(crate) fn check_not_foreign(&self) -> Result<(), Error> {
        match self.foreign_region() {
            Some(region) => Err(Error::Refused(format!(
                "the table belongs to the region {region}, and this function runs in another one; writes in two \
                 regions would break the uniqueness of names"
            ))),
            None => Ok(()),
        }
    }

    async fn store_home_region(&self, own: &str) -> Result<(), Error> {
        let item = item::with_key(&Key::home_region(), &HomeRegionItem { region: own.to_owned() })?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item.clone()));
        let put = put.condition_expression(ABSENT).return_values_on_condition_check_failure(AllOld);
        let Err(error) = put.send().await else { return self.set_home_region(item) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(found)) => match found.item() {
                Some(found) => self.set_home_region(found.clone()),
                None => self.read_home_region().await,
            },
            _ => Err(classify("PutItem", &error)),
        }
    }
}
