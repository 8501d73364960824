//! `functions/directory-check`: every item of every kind of transaction is left out in turn. The check finds it, no
//! request fails because of it, and after the repair nothing is found any more.

mod answers;
mod operations;
mod table;

use std::time::Duration;

use gateway::iam::as_function;
use protocol::{Error, Precondition, Projection};
use serde_json::{Value, json};

use self::operations::TransactionKind;
use self::table::{Items, difference, some_of_each_collection};
use crate::fixture::Fixture;

/// No request takes longer in a table that lacks an item.
const REQUEST_TIME: Duration = Duration::from_secs(8);

impl Fixture {
    pub(crate) async fn check(&self, query: Value) -> Value {
        let mut findings = Vec::new();
        let mut query = query;
        loop {
            let work = edge::invoke_event(self.directory, directory_check::handle, query.clone(), None);
            let answer = as_function("DirectoryCheck", work).await.unwrap();
            findings.extend(answer["findings"].as_array().unwrap().clone());
            match answer.get("nextToken") {
                Some(token) => query["nextToken"] = token.clone(),
                None => return findings.into(),
            }
        }
    }

    /// Sends requests about every resource, and returns those with a 500 and those without a response.
    async fn failed_requests(&self, items: &Items) -> Vec<String> {
        let mut failed = Vec::new();
        let all = Projection::default();
        for (kind, id) in items.some_resources() {
            let any = Precondition::default();
            let id = id.as_str();
            let title = json!({"Operations": [{"op": "replace", "path": "displayName", "value": format!("new {id}")}]});
            let context = self.context();
            let get = service::get(&context, kind, id, &all, &any);
            note(&mut failed, "GET", tokio::time::timeout(REQUEST_TIME, get).await);
            let patch = service::patch(&context, kind, id, title.as_object().unwrap(), &all, &any);
            note(&mut failed, "PATCH", tokio::time::timeout(REQUEST_TIME, patch).await);
            let delete = service::delete(&context, kind, id, &any);
            note(&mut failed, "DELETE", tokio::time::timeout(REQUEST_TIME, delete).await);
        }
        failed
    }
}

fn note<T>(failed: &mut Vec<String>, request: &str, result: Result<Result<T, Error>, tokio::time::error::Elapsed>) {
    match result {
        Ok(Err(Error::Internal)) => failed.push(format!("{request}: 500")),
        Err(_) => failed.push(format!("{request}: no answer")),
        Ok(_) => {}
    }
}

/// Leaves each item out that the operation wrote or deleted, or of each collection as many as `LEFT_OUT_ITEMS` says.
async fn leave_out_each(operation: TransactionKind) {
    let fixture = Fixture::new().await;
    let resources = operation.prepare(&fixture).await;
    let before = Items::read(&fixture.engine);
    assert_eq!(fixture.check(json!({})).await, json!([]), "before {operation:?}");
    operation.carry_out(&fixture, &resources).await;
    let after = Items::read(&fixture.engine);
    assert_eq!(fixture.check(json!({})).await, json!([]), "after {operation:?}");
    let most = usize::try_from(testkit::variable("LEFT_OUT_ITEMS", 4)).unwrap();
    for key in some_of_each_collection(difference(&before, &after), most) {
        let torn = after.with(&key, before.get(&key));
        torn.write(&fixture.engine);
        let failed = fixture.failed_requests(&torn).await;
        assert!(failed.is_empty(), "{operation:?} without {key:?}: {failed:?}");

        torn.write(&fixture.engine);
        let found = fixture.check(json!({"tenant": "acme"})).await;
        let is_harmless = operations::is_harmless(&before, &after, &key);
        assert_eq!(found == json!([]), is_harmless, "{operation:?} without {key:?}: {found}");
        let repaired = fixture.check(json!({"repair": true})).await;
        for finding in repaired.as_array().unwrap() {
            assert_eq!(finding["outcome"], "repaired", "{operation:?} without {key:?}: {repaired}");
        }
        assert_eq!(fixture.check(json!({})).await, json!([]), "{operation:?} without {key:?}: after {repaired}");
    }
}

macro_rules! each_operation {
    ($($name:ident: $operation:ident,)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            leave_out_each(TransactionKind::$operation).await;
        })*
    };
}

each_operation! {
    item_of_a_create_of_a_user_is_found: CreateUser,
    item_of_a_rename_of_a_user_is_found: RenameUser,
    item_of_a_deactivation_is_found: Deactivate,
    item_of_a_delete_of_a_user_is_found: DeleteUser,
    item_of_a_delete_of_a_member_is_found: DeleteMember,
    item_of_a_create_of_a_group_is_found: CreateGroup,
    item_of_a_rename_of_a_group_is_found: RenameGroup,
    item_of_an_added_member_is_found: AddMember,
    item_of_a_removed_member_is_found: RemoveMember,
    item_of_a_delete_of_a_group_is_found: DeleteGroup,
    item_of_a_large_change_is_found_before_it_is_applied: CommitLargeChange,
    item_of_a_large_change_is_found_after_it_is_applied: ApplyLargeChange,
    item_of_a_large_delete_is_found_before_it_is_applied: CommitLargeDelete,
    item_of_a_large_delete_is_found_after_it_is_applied: ApplyLargeDelete,
}
