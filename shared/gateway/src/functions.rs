//! The functions that have a route in template.yaml, by their logical ids.

use std::pin::Pin;

use serde_json::Value;
use store::Directory;

/// The response of a function, or an error if the event is not one of API Gateway's.
pub type ResponseFuture = Pin<Box<dyn Future<Output = Result<Value, serde_json::Error>> + Send>>;

macro_rules! functions {
    ($directory:ident: $($name:literal => $state:expr, $handle:path;)*) => {
        /// The logical ids of all functions.
        pub const NAMES: &[&str] = &[$($name),*];

        /// Invokes a function with an event of API Gateway's. Returns `None` if no function has this name.
        pub fn invoke(name: &str, $directory: &'static Directory, event: Value) -> Option<ResponseFuture> {
            match name {
                $($name => Some(Box::pin(edge::invoke($state, $handle, event))),)*
                _ => None,
            }
        }
    };
}

functions! { directory:
    "UsersCreate" => directory, users_create::handle;
    "UsersGet" => directory, users_get::handle;
    "UsersList" => directory, users_list::handle;
    "UsersSearch" => directory, users_search::handle;
    "UsersReplace" => directory, users_replace::handle;
    "UsersPatch" => directory, users_patch::handle;
    "UsersDelete" => directory, users_delete::handle;
    "GroupsCreate" => directory, groups_create::handle;
    "GroupsGet" => directory, groups_get::handle;
    "GroupsList" => directory, groups_list::handle;
    "GroupsSearch" => directory, groups_search::handle;
    "GroupsReplace" => directory, groups_replace::handle;
    "GroupsPatch" => directory, groups_patch::handle;
    "GroupsDelete" => directory, groups_delete::handle;
    "Me" => &(), me::handle;
    "Search" => directory, search::handle;
    "Bulk" => directory, bulk::handle;
    "ServiceProviderConfig" => &(), service_provider_config::handle;
    "ResourceTypes" => &(), resource_types::handle;
    "Schemas" => &(), schemas::handle;
    "Openapi" => &(), openapi::handle;
    "Fallback" => &(), fallback::handle;
}
