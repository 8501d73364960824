//! Many new users at once, for benchmarks: the items that their commits would write, without conditions. Nobody else may write meanwhile.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use protocol::Caller;

use crate::action::{self, Meaning, number};
use crate::commit::Failure;
use crate::item::Item;
use crate::key::Key;
use crate::plan::planned;
use crate::retry::Backoff;
use crate::table::unbuilt;
use crate::{Commit, Directory, Error};

impl Directory {
    /// Creates users, each by a commit that creates one and whose name is free.
    pub async fn load(&self, caller: &Caller, creates: &[Commit]) -> Result<(), Error> {
        let (mut puts, mut counts) = (Vec::new(), BTreeMap::<Key, usize>::new());
        for create in creates {
            let planned = planned(&self.table, caller, create, self.kept_until())?;
            for put in planned.actions.into_iter().filter_map(|action| action.request.put) {
                let put = PutRequest::builder().set_item(Some(put.item)).build().map_err(unbuilt)?;
                puts.push(WriteRequest::builder().put_request(put).build());
            }
            *counts.entry(Key::count(&caller.tenant, create.kind, &create.id)).or_default() += 1;
        }
        self.write_batch(puts).await?;
        let counted = counts.iter().map(|(key, count)| {
            let by = Item::from([("by".to_owned(), number(count))]);
            action::update(&self.table, key, "ADD #total :by", None, by, Meaning::Invariant)
        });
        let counted = counted.collect::<Result<Vec<_>, _>>()?;
        self.transact(&counted, &mut Backoff::new()).await.or_else(|failure| match failure {
            Failure::Done => Ok(()),
            Failure::Passing(error) | Failure::Final(error) => Err(error),
        })
    }
}
