//! The functions that template.yaml gives a route, by their logical ids: a line for each.

use std::pin::Pin;

use serde_json::Value;
use store::Directory;

/// What a function gives back to the gateway; an error, if it was not given an event of the gateway's.
pub(crate) type Outcome = Pin<Box<dyn Future<Output = Result<Value, serde_json::Error>> + Send>>;

macro_rules! functions {
    ($directory:ident: $($name:literal => $state:expr, $handle:path;)*) => {
        #[cfg(test)]
        pub(crate) const NAMES: &[&str] = &[$($name),*];

        /// Hands an event of the gateway to a function; nothing, if there is none of this name.
        pub(crate) fn call(name: &str, $directory: &'static Directory, event: Value) -> Option<Outcome> {
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
