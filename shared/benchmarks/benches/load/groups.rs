//! Tasks about groups. Users who are deleted while they are added do not become members.

use serde_json::{Value, json};

use crate::client::{Answer, RequestError, ids};
use crate::log::RequestKind;
use crate::session::Session;
use crate::tenant::{GROUPS, Group, LoadTenant};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The approximate number of members of each group.
const MEMBERS: usize = 10;

impl Session {
    pub(crate) async fn change_members(&mut self) -> Result<(), RequestError> {
        let mut group = self.tenant.group().await;
        self.tenant.remove_deleted_members(&mut group);
        let comes = self.tenant.random_users(1);
        let goes = group.members.iter().find(|_| group.members.len() >= MEMBERS).cloned();
        // Okta sends a rename without a path along with each change of members.
        let rename = json!({ "op": "replace", "value": { "id": group.id, "displayName": group.display_name } });
        let remove = goes.iter().map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }));
        let add = json!({ "op": "add", "path": "members", "value": listed(&comes) });
        let operations = remove.chain([add, rename]).collect();
        group.members.retain(|id| Some(id) != goes.as_ref());
        group.members.extend(comes);
        let path = format!("/Groups/{}", group.id);
        let answer = self.patch(RequestKind::ChangeMembers, path.clone(), operations).await?.expect(200)?;
        self.tenant.check(answer, &group)?;
        let bare = self
            .get_path(RequestKind::GetGroupBare, format!("{path}?excludedAttributes=members"))
            .await?
            .expect(200)?;
        let is_bare = bare["members"].is_null();
        bare.holding(&group.expected())?.ensure(is_bare, || "expected no members".to_owned())?;
        self.tenant.groups.borrow_mut().push(group);
        Ok(())
    }

    pub(crate) async fn push(&mut self) -> Result<(), RequestError> {
        let mut group = self.create_group().await?;
        self.tenant.existing_groups.borrow_mut().insert(group.id.clone());
        group.members = self.tenant.random_users(MEMBERS);
        let path = format!("/Groups/{}", group.id);
        let add = json!([{ "op": "add", "path": "members", "value": listed(&group.members) }]);
        let answer = self.patch(RequestKind::ChangeMembers, path.clone(), add).await?.expect(200)?;
        self.tenant.check(answer, &group)?;
        self.tenant.remove_deleted_members(&mut group);
        let answer = self.get_path(RequestKind::GetGroup, path).await?.expect(200)?;
        self.tenant.check(answer, &group)?;
        self.tenant.groups.borrow_mut().push(group);
        if self.tenant.existing_groups.borrow().len() <= GROUPS {
            return Ok(());
        }
        let other = self.tenant.group().await;
        self.tenant.existing_groups.borrow_mut().remove(&other.id);
        self.delete(RequestKind::DeleteGroup, format!("/Groups/{}", other.id)).await
    }

    async fn create_group(&mut self) -> Result<Group, RequestError> {
        let display_name = format!("Group {}", self.tenant.new_name());
        let encoded = display_name.replace(' ', "%20");
        let found = self.find_by_name(RequestKind::FindGroup, &encoded).await?;
        found.holding(&json!({ "totalResults": 0, "itemsPerPage": 0, "Resources": [] }))?;
        let body = json!({ "schemas": [GROUP], "displayName": display_name, "members": [] });
        let mut answer = self.send_body(RequestKind::CreateGroup, "/Groups".to_owned(), body).await?;
        if answer.repeated && answer.status == 409 {
            // The server carried out the throttled attempt.
            answer = self.find_by_name(RequestKind::FindGroup, &encoded).await?;
            answer.status = 201;
            answer.body = answer["Resources"][0].clone();
        }
        let group = Group { id: answer.text("id"), display_name, members: Default::default() };
        let has_id = !group.id.is_empty();
        answer.expect(201)?.holding(&group.expected())?.ensure(has_id, || "expected an id".to_owned())?;
        Ok(group)
    }

    pub(crate) async fn list_groups(&mut self) -> Result<(), RequestError> {
        let mut throughout = self.tenant.existing_groups.borrow().clone();
        let list =
            self.get_path(RequestKind::ListGroups, "/Groups?startIndex=1&count=100".to_owned()).await?.expect(200)?;
        throughout.retain(|id| self.tenant.existing_groups.borrow().contains(id));
        let shown = list.ids();
        let is_whole = throughout.iter().all(|id| shown.contains(id)) && list.number("totalResults") < 100;
        list.ensure(is_whole, || format!("expected {throughout:?}")).map(drop)
    }
}

impl LoadTenant {
    /// Removes deleted users from the expected members.
    fn remove_deleted_members(&self, group: &mut Group) {
        group.members.retain(|id| !self.deleted_users.borrow().contains(id));
    }

    /// Checks that the members are the expected ones. Users who are deleted meanwhile may be missing.
    fn check(&self, answer: Answer, group: &Group) -> Result<(), RequestError> {
        let seen = ids(&answer["members"], "value");
        let there = self.existing_users.borrow();
        let stay = group.members.iter().filter(|id| there.contains(*id));
        let holds = seen.iter().all(|id| group.members.contains(id)) && stay.into_iter().all(|id| seen.contains(id));
        answer
            .holding(&group.expected())?
            .ensure(holds, || format!("expected the members {:?}", group.members))
            .map(drop)
    }
}

impl Group {
    fn expected(&self) -> Value {
        json!({ "id": self.id, "displayName": self.display_name })
    }
}

fn listed<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<Value> {
    ids.into_iter().map(|id| json!({ "value": id, "display": "testa@okta.example" })).collect()
}
