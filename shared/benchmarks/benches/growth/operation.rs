//! The operations, as events of API Gateway.

use serde_json::{Value, json};
use store::load::{user, user_name};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserOperation {
    FindNobody,
    Find,
    FindByEmail,
    Get,
    Create,
    Replace,
    Patch,
    Delete,
    FirstPage,
    CursorPage,
}

impl UserOperation {
    /// Each created user is deleted afterwards.
    pub(crate) const ALL: [Self; 10] = [
        Self::FindNobody,
        Self::Find,
        Self::FindByEmail,
        Self::Get,
        Self::Replace,
        Self::Patch,
        Self::FirstPage,
        Self::CursorPage,
        Self::Create,
        Self::Delete,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FindNobody => "`userName eq`, none",
            Self::Find => "`userName eq`",
            Self::FindByEmail => "`emails.value eq`",
            Self::Get => "GET",
            Self::Create => "POST",
            Self::Replace => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::FirstPage => "first 100 users",
            Self::CursorPage => "100 users by cursor",
        }
    }

    pub(crate) fn function(self) -> &'static str {
        match self {
            Self::Get => "UsersGet",
            Self::Create => "UsersCreate",
            Self::Replace => "UsersReplace",
            Self::Patch => "UsersPatch",
            Self::Delete => "UsersDelete",
            _ => "UsersList",
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Create => "POST",
            Self::Replace => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            _ => "GET",
        }
    }

    pub(crate) fn status(self) -> u64 {
        match self {
            Self::Create => 201,
            Self::Delete => 204,
            _ => 200,
        }
    }

    /// The event for the user of this number and id. `any` differs for each event.
    pub(crate) fn event(self, tenant: &str, number: usize, id: &str, any: u64) -> Value {
        let filter = |path: &str, name: &str| json!({ "filter": [format!("{path} eq \"{name}\"")] });
        let query = match self {
            Self::FindNobody => filter("userName", &format!("nobody{any}@example.com")),
            Self::Find => filter("userName", &user_name(number)),
            Self::FindByEmail => filter("emails.value", &user_name(number)),
            Self::FirstPage => json!({ "startIndex": ["1"], "count": ["100"] }),
            Self::CursorPage => json!({ "cursor": [""], "count": ["100"] }),
            _ => Value::Null,
        };
        let body = match self {
            Self::Create => Some(json!(user(&format!("new{any:016x}@example.com")))),
            Self::Replace => {
                let mut user = user(&user_name(number));
                user.insert("title".to_owned(), json!(format!("Title {any}")));
                Some(json!(user))
            }
            Self::Patch => {
                let change = json!({ "op": "replace", "path": "title", "value": format!("Title {any}") });
                Some(json!({ "Operations": [change] }))
            }
            _ => None,
        };
        let is_one = matches!(self, Self::Get | Self::Replace | Self::Patch | Self::Delete);
        testkit::event(tenant, self.method(), "Users", is_one.then_some(id), query, body)
    }
}
