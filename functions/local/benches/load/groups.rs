//! Jobs about groups. Members may be deleted while they are added: then they are left out.

use serde_json::{Value, json};

use crate::client::{Answer, ids};
use crate::log::Operation;
use crate::talk::Talk;
use crate::tenant::{GROUPS, Group, Tenant};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// About so many members each group has.
const MEMBERS: usize = 10;

impl Talk {
    pub(crate) async fn change_members(&mut self) -> Result<(), String> {
        let mut group = self.tenant.group().await;
        self.tenant.forget(&mut group);
        let comes = self.tenant.some(1);
        let goes = group.members.iter().find(|_| group.members.len() >= MEMBERS).cloned();
        // A rename accompanies each change of members, and has no path.
        let rename = json!({ "op": "replace", "value": { "id": group.id, "displayName": group.display_name } });
        let remove = goes.iter().map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }));
        let add = json!({ "op": "add", "path": "members", "value": listed(&comes) });
        let operations = remove.chain([add, rename]).collect();
        group.members.retain(|id| Some(id) != goes.as_ref());
        group.members.extend(comes);
        let path = format!("/Groups/{}", group.id);
        let answer = self.patch(Operation::ChangeMembers, path.clone(), operations).await?.expect(200)?;
        self.tenant.check(answer, &group)?;
        let bare =
            self.ask(Operation::GetGroupBare, format!("{path}?excludedAttributes=members")).await?.expect(200)?;
        let has_no_scheme = bare["members"].is_null();
        bare.holding(&group.shown())?.must(has_no_scheme, || "wanted no members".to_owned())?;
        self.tenant.groups.borrow_mut().push(group);
        Ok(())
    }

    pub(crate) async fn push(&mut self) -> Result<(), String> {
        let mut group = self.create_group().await?;
        self.tenant.groups_there.borrow_mut().insert(group.id.clone());
        group.members = self.tenant.some(MEMBERS);
        let path = format!("/Groups/{}", group.id);
        let add = json!([{ "op": "add", "path": "members", "value": listed(&group.members) }]);
        let answer = self.patch(Operation::ChangeMembers, path.clone(), add).await?.expect(200)?;
        self.tenant.check(answer, &group)?;
        self.tenant.forget(&mut group);
        let answer = self.ask(Operation::GetGroup, path).await?.expect(200)?;
        self.tenant.check(answer, &group)?;
        self.tenant.groups.borrow_mut().push(group);
        if self.tenant.groups_there.borrow().len() <= GROUPS {
            return Ok(());
        }
        let other = self.tenant.group().await;
        self.tenant.groups_there.borrow_mut().remove(&other.id);
        self.delete(Operation::DeleteGroup, format!("/Groups/{}", other.id)).await
    }

    async fn create_group(&mut self) -> Result<Group, String> {
        let display_name = format!("Group {}", self.tenant.new_name());
        let encoded = display_name.replace(' ', "%20");
        let found = self.look(Operation::FindGroup, &encoded).await?;
        found.holding(&json!({ "totalResults": 0, "itemsPerPage": 0, "Resources": [] }))?;
        let body = json!({ "schemas": [GROUP], "displayName": display_name, "members": [] });
        let mut answer = self.tell(Operation::CreateGroup, "/Groups".to_owned(), body).await?;
        if answer.repeated && answer.status == 409 {
            // It was done when it was put off.
            answer = self.look(Operation::FindGroup, &encoded).await?;
            answer.status = 201;
            answer.body = answer["Resources"][0].clone();
        }
        let group = Group { id: answer.text("id"), display_name, members: Default::default() };
        let has_id = !group.id.is_empty();
        answer.expect(201)?.holding(&group.shown())?.must(has_id, || "wanted an id".to_owned())?;
        Ok(group)
    }

    pub(crate) async fn list_groups(&mut self) -> Result<(), String> {
        let mut throughout = self.tenant.groups_there.borrow().clone();
        let list = self.ask(Operation::ListGroups, "/Groups?startIndex=1&count=100".to_owned()).await?.expect(200)?;
        throughout.retain(|id| self.tenant.groups_there.borrow().contains(id));
        let shown = list.ids();
        let is_whole = throughout.iter().all(|id| shown.contains(id)) && list.number("totalResults") < 100;
        list.must(is_whole, || format!("wanted {throughout:?}")).map(drop)
    }
}

impl Tenant {
    /// Whoever is gone is no member.
    fn forget(&self, group: &mut Group) {
        group.members.retain(|id| !self.gone.borrow().contains(id));
    }

    /// Nobody else is a member, and whoever is still there is one.
    fn check(&self, answer: Answer, group: &Group) -> Result<(), String> {
        let seen = ids(&answer["members"], "value");
        let there = self.there.borrow();
        let stay = group.members.iter().filter(|id| there.contains(*id));
        let holds = seen.iter().all(|id| group.members.contains(id)) && stay.into_iter().all(|id| seen.contains(id));
        answer.holding(&group.shown())?.must(holds, || format!("wanted members {:?}", group.members)).map(drop)
    }
}

impl Group {
    fn shown(&self) -> Value {
        json!({ "id": self.id, "displayName": self.display_name })
    }
}

fn listed<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<Value> {
    ids.into_iter().map(|id| json!({ "value": id, "display": "testa@okta.example" })).collect()
}
