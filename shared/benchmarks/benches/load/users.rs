//! Tasks about users.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::{Answer, RequestError};
use crate::log::RequestKind;
use crate::session::Session;
use crate::tenant::User;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The page size of Okta.
const PAGE: usize = 100;

impl Session {
    pub(crate) async fn find(&mut self) -> Result<(), RequestError> {
        let user = self.tenant.user().await;
        self.find_one(&user).await?;
        self.tenant.users.borrow_mut().push(user);
        Ok(())
    }

    async fn find_one(&mut self, user: &User) -> Result<(), RequestError> {
        let found = self.find_by_name(RequestKind::FindUser, &user.user_name).await?;
        found.holding(&json!({ "totalResults": 1, "itemsPerPage": 1, "Resources": [user.expected()] })).map(drop)
    }

    pub(crate) async fn join(&mut self) -> Result<(), RequestError> {
        let user_name = format!("{}@okta.example", self.tenant.new_name());
        let found = self.find_by_name(RequestKind::FindUser, &user_name).await?;
        found.holding(&json!({ "totalResults": 0, "itemsPerPage": 0, "Resources": [] }))?;
        let body = json!({
            "schemas": [USER], "userName": user_name, "name": { "givenName": "Testa", "familyName": "Userova" },
            "emails": [{ "primary": true, "value": user_name, "type": "work" }], "displayName": "Testa Userova",
            "title": "New", "locale": "en-US", "externalId": format!("00u{user_name}"), "groups": [],
            "password": "1mz050nq", "active": true,
        });
        self.tenant.requested_users.set(self.tenant.requested_users.get() + 1);
        let mut answer = self.send_body(RequestKind::CreateUser, "/Users".to_owned(), body).await?;
        if answer.repeated && answer.status == 409 {
            // The server carried out the throttled attempt.
            answer = self.find_by_name(RequestKind::FindUser, &user_name).await?;
            answer.status = 201;
            answer.body = answer["Resources"][0].clone();
        }
        let id = answer.text("id");
        let given_name = "Testa".to_owned();
        let title = "New".to_owned();
        let user = User { id: id.clone(), user_name, given_name, title, active: true };
        answer.expect(201)?.holding(&user.expected())?.ensure(!id.is_empty(), || "expected an id".to_owned())?;
        self.tenant.existing_users.borrow_mut().insert(id);
        self.tenant.users.borrow_mut().push(user);
        Ok(())
    }

    pub(crate) async fn leave(&mut self) -> Result<(), RequestError> {
        let user = self.tenant.user().await;
        self.tenant.existing_users.borrow_mut().remove(&user.id);
        self.delete(RequestKind::DeleteUser, format!("/Users/{}", user.id)).await?;
        self.tenant.deleted_users.borrow_mut().insert(user.id);
        Ok(())
    }

    pub(crate) async fn delete(&mut self, operation: RequestKind, path: String) -> Result<(), RequestError> {
        let answer = self.get_path(operation, path).await?;
        // The server may have carried out a throttled attempt.
        if answer.repeated && answer.status == 404 { Ok(()) } else { answer.expect(204).map(drop) }
    }

    async fn get(&mut self, user: &User) -> Result<Answer, RequestError> {
        let answer = self.get_path(RequestKind::GetUser, format!("/Users/{}", user.id)).await?;
        answer.expect(200)?.holding(&user.expected())
    }

    pub(crate) async fn update(&mut self) -> Result<(), RequestError> {
        let mut user = self.tenant.user().await;
        let mut body = self.get(&user).await?.body;
        user.title = format!("Title {}", self.tenant.new_name());
        body["title"] = user.title.as_str().into();
        let answer = self.send_body(RequestKind::ReplaceUser, format!("/Users/{}", user.id), body).await?;
        answer.expect(200)?.holding(&user.expected())?;
        self.tenant.users.borrow_mut().push(user);
        Ok(())
    }

    pub(crate) async fn suspend(&mut self) -> Result<(), RequestError> {
        let mut user = self.tenant.user().await;
        self.activate(&mut user, false).await?;
        self.find_one(&user).await?;
        self.activate(&mut user, true).await?;
        self.get(&user).await?;
        self.tenant.users.borrow_mut().push(user);
        Ok(())
    }

    async fn activate(&mut self, user: &mut User, active: bool) -> Result<(), RequestError> {
        user.active = active;
        self.patch_user(RequestKind::ActivateUser, user, json!({ "active": active })).await
    }

    pub(crate) async fn rename(&mut self) -> Result<(), RequestError> {
        let mut user = self.tenant.user().await;
        user.given_name = format!("Testa {}", self.tenant.new_name());
        let value = json!({ "name": { "givenName": user.given_name } });
        self.patch_user(RequestKind::RenameUser, &user, value).await?;
        self.tenant.users.borrow_mut().push(user);
        Ok(())
    }

    async fn patch_user(&mut self, operation: RequestKind, user: &User, value: Value) -> Result<(), RequestError> {
        let operations = json!([{ "op": "replace", "value": value }]);
        let answer = self.patch(operation, format!("/Users/{}", user.id), operations).await?;
        answer.expect(200)?.holding(&user.expected()).map(drop)
    }

    pub(crate) async fn test(&mut self) -> Result<(), RequestError> {
        let answer = self.get_path(RequestKind::TestConnection, "/Users?startIndex=1&count=2".to_owned()).await?;
        let shown = answer.ids().len();
        let total = answer.number("totalResults");
        let answer = answer.expect(200)?.holding(&json!({ "startIndex": 1, "itemsPerPage": 2 }))?;
        answer.ensure(shown == 2 && (2..u64::MAX).contains(&total), || "expected two users".to_owned()).map(drop)
    }

    pub(crate) async fn import(&mut self) -> Result<(), RequestError> {
        let tenant = self.tenant.clone();
        let _alone = tenant.importing.lock().await;
        self.list_users().await?;
        self.list_groups().await
    }

    /// Pages through all users. Every user who exists throughout appears, and no user appears twice.
    async fn list_users(&mut self) -> Result<(), RequestError> {
        let mut throughout = self.tenant.existing_users.borrow().clone();
        let deleted = self.tenant.deleted_users.borrow().len();
        let mut seen = Vec::new();
        for from in (1..).step_by(PAGE) {
            let page = self.get_path(RequestKind::ListUsers, format!("/Users?startIndex={from}&count={PAGE}")).await?;
            let ids = page.ids();
            let total = page.number("totalResults") as usize;
            let most = self.tenant.requested_users.get() - deleted;
            let is_last = from + PAGE > total;
            let page = page.expect(200)?.holding(&json!({ "startIndex": from, "itemsPerPage": ids.len() }))?;
            let is_whole = is_last || ids.len() == PAGE;
            page.ensure(total <= most && is_whole, || format!("expected a whole page, and a total of {most} at most"))?;
            seen.extend(ids);
            if is_last {
                break;
            }
        }
        throughout.retain(|id| self.tenant.existing_users.borrow().contains(id));
        let distinct: BTreeSet<String> = seen.iter().cloned().collect();
        let missed: Vec<&String> = throughout.difference(&distinct).collect();
        if missed.is_empty() && distinct.len() == seen.len() {
            return Ok(());
        }
        let problem = format!("{} users miss {missed:?}, or contain a user twice", seen.len());
        Err(RequestError::new("an import", problem))
    }
}
