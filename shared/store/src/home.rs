//! The region to which a table belongs. A global table has replicas in other regions, which DynamoDB keeps alike item by
//! item, and the last writer wins: names would no longer be unique, and half of a transaction could win. So the first
//! function that writes notes its region in the table, and functions of another region refuse to write.

use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use serde::{Deserialize, Serialize};

use crate::attributes::Item;
use crate::error::classify;
use crate::expression::ABSENT;
use crate::item;
use crate::key::Key;
use crate::{Directory, Error};

/// The region of the process, if writes depend on it, and that of the table, once it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Home {
    own: Option<String>,
    of_table: Arc<OnceLock<String>>,
}

#[derive(Serialize, Deserialize)]
struct HomeItem {
    region: String,
}

impl Directory {
    /// Refuses to write to a table that belongs to another region than this one.
    #[must_use]
    pub fn in_region(self, region: &str) -> Self {
        Self { home: Home { own: Some(region.to_owned()), of_table: Arc::default() }, ..self }
    }

    /// The region to which the table belongs, if this process runs in another one.
    pub fn foreign_region(&self) -> Option<&str> {
        let of_table = self.home.of_table.get()?;
        (self.home.own.as_ref() != Some(of_table)).then_some(of_table)
    }

    /// Reads the region to which the table belongs, if somebody has noted it.
    ///
    /// # Errors
    /// The errors of [`Directory::get`].
    pub async fn read_home(&self) -> Result<(), Error> {
        match self.read(&Key::home()).await? {
            Some(item) => self.note_home(item),
            None => Ok(()),
        }
    }

    fn note_home(&self, item: Item) -> Result<(), Error> {
        let HomeItem { region } = item::body(item)?;
        // Another call may have noted it.
        let _ = self.home.of_table.set(region);
        Ok(())
    }

    /// Checks that the table belongs to the region of this process, and notes it for a new table.
    ///
    /// # Errors
    /// [`Error::Refused`] if the table belongs to another region, and the errors of a write.
    pub(crate) async fn check_home(&self) -> Result<(), Error> {
        let Some(own) = &self.home.own else { return Ok(()) };
        if self.home.of_table.get().is_none() {
            // Boxed, because it happens once, and each caller's future would hold it.
            Box::pin(self.claim_home(own)).await?;
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
                "the table belongs to the region {region}, and this function runs in another one; writes in two regions would break \
                 the uniqueness of names"
            ))),
            None => Ok(()),
        }
    }

    async fn claim_home(&self, own: &str) -> Result<(), Error> {
        let item = item::with_key(&Key::home(), &HomeItem { region: own.to_owned() })?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item.clone()));
        let put = put.condition_expression(ABSENT).return_values_on_condition_check_failure(AllOld);
        let Err(error) = put.send().await else { return self.note_home(item) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(found)) => match found.item() {
                Some(found) => self.note_home(found.clone()),
                None => self.read_home().await,
            },
            _ => Err(classify("PutItem", &error)),
        }
    }
}
