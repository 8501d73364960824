//! Removes personal data from the request lines on the terminal. Only segments of the template's routes, resource
//! ids and the names of SCIM's parameters are shown. Anything else may be a person's data: a user name instead of
//! an id, or the end of a filter after an `&` that the client failed to encode.

use std::collections::BTreeSet;

use axum::http::Uri;
use protocol::LIST_PARAMETERS;
use schema::ResourceId;

use crate::template::Api;

/// The text that is printed instead of a value.
const REDACTED: &str = "…";
/// Entra ID's feature flag is printed because it shows how a customer's connection is configured.
const ENTRA_FLAG: &str = "aadOptscim062020";

/// The path segments that are shown.
#[derive(Debug)]
pub(crate) struct Redactor(BTreeSet<String>);

impl Redactor {
    pub(crate) fn new(api: &Api) -> Self {
        let segments = api.routes.iter().flat_map(|route| route.path.split('/')).chain([api.stage.as_str()]);
        Self(segments.filter(|segment| !segment.starts_with('{')).map(str::to_owned).collect())
    }

    /// The path and the names of the query's parameters.
    pub(crate) fn redact(&self, uri: &Uri) -> String {
        let is_shown = |segment: &str| self.0.contains(segment) || ResourceId::parse(segment).is_some();
        let segments = uri.path().split('/').map(|segment| if is_shown(segment) { segment } else { REDACTED });
        let path = segments.collect::<Vec<_>>().join("/");
        format!("{path}{}", parameters(uri.query().unwrap_or_default()))
    }
}

/// The names of the query's parameters.
fn parameters(query: &str) -> String {
    let named =
        |name: &str| LIST_PARAMETERS.into_iter().chain([ENTRA_FLAG]).find(|known| *known == name).unwrap_or(REDACTED);
    let names: Vec<&str> = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| named(&name)).collect();
    if names.is_empty() { String::new() } else { format!("?{}", names.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_shows_only_routes_ids_and_parameter_names() {
        let redactor = Redactor::new(&Api::read().unwrap());
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
            assert_eq!(redactor.redact(&target.parse().unwrap()), expect, "{target}");
        }
    }
}
