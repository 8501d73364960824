//! Loading many users for benchmarks: it writes the items that their commits would write, without conditions. No
//! other writer may be active meanwhile.

use std::collections::BTreeMap;
use std::ops::Range;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use protocol::Caller;
use schema::{Kind, Object, ResourceId};
use serde_json::json;
use uuid::Uuid;

use crate::commit::plan::plan_commit;
use crate::error::build_error;
use crate::key::Key;
use crate::transaction::action;
use crate::transaction::transact::TransactError;
use crate::{ChangeRecord, Commit, Directory, Error, Index, KeyedResource, Keys, ResourceWrite};

/// The number of users that are loaded at a time.
const USERS_PER_ROUND: usize = 1000;

/// The `userName` of generated user `number`.
pub fn user_name(number: usize) -> String {
    format!("user{number:08}@example.com")
}

/// A user as Okta sends it.
pub fn user(name: &str) -> Object {
    let user = json!({
        "userName": name, "active": true, "displayName": "Test User", "locale": "en-US",
        "name": { "givenName": "Test", "familyName": "User" },
        "emails": [{ "value": name, "type": "work", "primary": true }],
    });
    user.as_object().cloned().unwrap_or_default()
}

impl Directory {
    /// Creates the users of these numbers, whose names have to be free, and returns their ids.
    ///
    /// # Errors
    /// The errors of [`Directory::commit`].
    pub async fn load(&self, caller: &Caller, numbers: Range<usize>) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        for first in numbers.clone().step_by(USERS_PER_ROUND) {
            let creates: Vec<Commit> = (first..numbers.end.min(first + USERS_PER_ROUND)).filter_map(create).collect();
            self.load_round(caller, &creates).await?;
            ids.extend(creates.iter().map(|create| create.id.to_string()));
        }
        Ok(ids)
    }

    async fn load_round(&self, caller: &Caller, creates: &[Commit]) -> Result<(), Error> {
        let mut puts = Vec::new();
        let mut counts = BTreeMap::<Key, usize>::new();
        for create in creates {
            let plan = plan_commit(&self.table, caller, create, self.change_expiry(), false)?;
            for put in plan.actions.into_iter().filter_map(|action| action.request.put) {
                let put = PutRequest::builder().set_item(Some(put.item)).build().map_err(build_error)?;
                puts.push(WriteRequest::builder().put_request(put).build());
            }
            *counts.entry(Key::count(&caller.tenant, create.kind, &create.id)).or_default() += 1;
        }
        self.write_batch(puts).await?;
        let counted = counts.iter().map(|(key, count)| action::count(&self.table, key, count));
        let counted = counted.collect::<Result<Vec<_>, _>>()?;
        self.transact(&counted).await.or_else(|failure| match failure {
            TransactError::AlreadyApplied => Ok(()),
            TransactError::Retryable(error) | TransactError::Permanent(error) => Err(error),
        })
    }
}

fn create(number: usize) -> Option<Commit> {
    let name = user_name(number);
    let id = || ResourceId::parse(&Uuid::now_v7().to_string());
    let lookups = vec![(Index::UserEmail, name.clone())];
    let keys = Keys { name: name.clone(), lookups, ..Keys::default() };
    let after = KeyedResource { resource: user(&name), keys };
    let at = "2026-01-02T03:04:05.678Z".to_owned();
    let attributes = vec!["userName".to_owned()];
    Some(Commit {
        kind: Kind::User,
        id: id()?,
        write: ResourceWrite::Create { after },
        add: Vec::new(),
        remove: Vec::new(),
        group_exits: Vec::new(),
        change: ChangeRecord { id: id()?, at, attributes, active: None, previous_at: None },
    })
}
