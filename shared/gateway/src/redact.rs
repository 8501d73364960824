//! What of a request's address stands on a terminal: what the template's routes hold, ids, and the names of SCIM's parameters. All else
//! is the client's: a user name in the place of an id, or the end of a filter behind an `&` that should have been encoded.

use std::collections::BTreeSet;

use axum::http::Uri;
use schema::ResourceId;

use crate::template::Api;

/// In the place of what is not shown.
const HIDDEN: &str = "…";
/// Entra ID's flag is here for whoever has to find out how a customer's connection is set.
const PARAMETERS: [&str; 9] = [
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "attributes",
    "excludedAttributes",
    "aadOptscim062020",
];

/// The parts of paths that are shown.
#[derive(Debug)]
pub(crate) struct Shown(BTreeSet<String>);

impl Shown {
    pub(crate) fn new(api: &Api) -> Self {
        let parts = api.routes.iter().flat_map(|route| route.path.split('/')).chain([api.stage.as_str()]);
        Self(parts.filter(|part| !part.starts_with('{')).map(str::to_owned).collect())
    }

    /// Path and query.
    pub(crate) fn target(&self, uri: &Uri) -> String {
        let parts = uri.path().split('/');
        let parts = parts.map(|part| if self.0.contains(part) || is_id(part) { part } else { HIDDEN });
        format!("{}{}", parts.collect::<Vec<_>>().join("/"), parameters(uri.query().unwrap_or_default()))
    }
}

fn is_id(part: &str) -> bool {
    ResourceId::parse(part).is_some()
}

/// The names of the query's parameters.
fn parameters(query: &str) -> String {
    let named = |name: &str| PARAMETERS.into_iter().find(|known| *known == name).unwrap_or(HIDDEN);
    let names: Vec<&str> = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| named(&name)).collect();
    if names.is_empty() { String::new() } else { format!("?{}", names.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_ids_and_names_of_parameters_are_shown_and_nothing_else() {
        let shown = Shown::new(&Api::read().unwrap());
        let id = "01932c7e-8a4b-7c3d-9e5f-1a2b3c4d5e6f";
        for (target, expect) in [
            ("/scim/v2/Users/.search", "/scim/v2/Users/.search".to_owned()),
            (&format!("/scim/v2/Groups/{id}?attributes=userName"), format!("/scim/v2/Groups/{id}?attributes")),
            ("/scim/v2/Users/hush@example.com", "/scim/v2/Users/…".to_owned()),
            ("/scim/v2/Hush/Users//", "/scim/v2/…/Users//".to_owned()),
            ("/scim/v2/Users?filter=userName%20eq%20%22hush%22&count=2", "/scim/v2/Users?filter&count".to_owned()),
            ("/scim/v2/Users?filter=title%20eq%20%22R&hush%22", "/scim/v2/Users?filter&…".to_owned()),
            ("/scim/v2/%1b[2J?%1b[2J=1&FILTER=x", "/scim/v2/…?…&…".to_owned()),
            ("/scim/v2/{id}", "/scim/v2/…".to_owned()),
        ] {
            assert_eq!(shown.target(&target.parse().unwrap()), expect, "{target}");
        }
    }
}
