//! Many new users at once, for benchmarks: the items that their commits would write, without conditions. Nobody else may write meanwhile.

use std::collections::BTreeMap;
use std::ops::Range;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use protocol::Caller;
use schema::{Kind, Object, ResourceId};
use serde_json::json;
use uuid::Uuid;

use crate::commit::Failure;
use crate::commit::action::{self, Meaning, number};
use crate::commit::plan::planned;
use crate::item::Item;
use crate::key::Key;
use crate::table::unbuilt;
use crate::{ChangeRecord, Commit, Directory, Error, Index, Keys, Snapshot, Write};

/// So many users are loaded at a time.
const CHUNK: usize = 1000;

/// Of the user of a number.
pub fn user_name(number: usize) -> String {
    format!("user{number:08}@example.com")
}

/// One as Okta sends it.
pub fn user(name: &str) -> Object {
    let user = json!({
        "userName": name, "active": true, "displayName": "Test User", "locale": "en-US",
        "name": { "givenName": "Test", "familyName": "User" },
        "emails": [{ "value": name, "type": "work", "primary": true }],
    });
    user.as_object().cloned().unwrap_or_default()
}

impl Directory {
    /// Creates the users of these numbers, whose names are free; their ids.
    pub async fn load(&self, caller: &Caller, numbers: Range<usize>) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        for first in numbers.clone().step_by(CHUNK) {
            let creates: Vec<Commit> = (first..numbers.end.min(first + CHUNK)).filter_map(create).collect();
            self.load_chunk(caller, &creates).await?;
            ids.extend(creates.iter().map(|create| create.id.to_string()));
        }
        Ok(ids)
    }

    async fn load_chunk(&self, caller: &Caller, creates: &[Commit]) -> Result<(), Error> {
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
        self.transact(&counted).await.or_else(|failure| match failure {
            Failure::Done => Ok(()),
            Failure::Passing(error) | Failure::Final(error) => Err(error),
        })
    }
}

fn create(number: usize) -> Option<Commit> {
    let name = user_name(number);
    let id = || ResourceId::parse(&Uuid::now_v7().to_string());
    let keys = Keys { name: name.clone(), lookups: vec![(Index::UserEmail, name.clone())] };
    let after = Snapshot { resource: user(&name), keys };
    let (at, attributes) = ("2026-01-02T03:04:05.678Z".to_owned(), vec!["userName".to_owned()]);
    Some(Commit {
        kind: Kind::User,
        id: id()?,
        write: Write::Create { after },
        add: Vec::new(),
        remove: Vec::new(),
        leave: Vec::new(),
        change: ChangeRecord { id: id()?, at, attributes, active: None },
    })
}
