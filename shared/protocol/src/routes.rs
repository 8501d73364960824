//! The endpoints and their methods (RFC 7644 §3.2). `Allow`, the OpenAPI document and the check of template.yaml
//! use this table.

/// A path below the root of the API, and its methods.
#[derive(Debug)]
pub struct Route {
    /// The path as template.yaml writes it.
    pub path: &'static str,
    /// Without HEAD, which every path with GET supports (RFC 9110 §9.3.2).
    pub methods: &'static [&'static str],
}

const COLLECTION: &[&str] = &["GET", "POST"];
const RESOURCE: &[&str] = &["GET", "PUT", "PATCH", "DELETE"];
const READ: &[&str] = &["GET"];
const SUBMIT: &[&str] = &["POST"];
const ALL: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Every route.
pub const ROUTES: &[Route] = &[
    Route { path: "/v2", methods: READ },
    Route { path: "/v2/.search", methods: SUBMIT },
    Route { path: "/v2/Users", methods: COLLECTION },
    Route { path: "/v2/Users/.search", methods: SUBMIT },
    Route { path: "/v2/Users/{id}", methods: RESOURCE },
    Route { path: "/v2/Groups", methods: COLLECTION },
    Route { path: "/v2/Groups/.search", methods: SUBMIT },
    Route { path: "/v2/Groups/{id}", methods: RESOURCE },
    Route { path: "/v2/Bulk", methods: SUBMIT },
    Route { path: "/v2/Me", methods: ALL },
    Route { path: "/v2/ServiceProviderConfig", methods: READ },
    Route { path: "/v2/ResourceTypes", methods: READ },
    Route { path: "/v2/ResourceTypes/{name}", methods: READ },
    Route { path: "/v2/Schemas", methods: READ },
    Route { path: "/v2/Schemas/{urn}", methods: READ },
    Route { path: "/v2/openapi.json", methods: READ },
];

/// The value of `Allow` for a path (RFC 9110 §10.2.1); `None` for an unknown path. A trailing slash is ignored.
pub fn allowed(path: &str) -> Option<String> {
    let route = ROUTES.iter().find(|route| matches_route(path.trim_end_matches('/'), route.path))?;
    let head = route.methods.contains(&"GET").then_some("HEAD");
    let methods: Vec<&str> = route.methods.iter().copied().chain(head).chain(["OPTIONS"]).collect();
    Some(methods.join(", "))
}

/// Compares segment by segment; a parameter such as `{id}` matches any segment.
fn matches_route(path: &str, known: &str) -> bool {
    let (path, known): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), known.split('/').collect());
    path.len() == known.len() && path.iter().zip(&known).all(|(sent, known)| sent == known || known.starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_lists_methods_of_known_paths() {
        for (path, expect) in [
            ("/v2/Users", Some("GET, POST, HEAD, OPTIONS")),
            ("/v2/Users/", Some("GET, POST, HEAD, OPTIONS")),
            ("/v2/Users/1", Some("GET, PUT, PATCH, DELETE, HEAD, OPTIONS")),
            ("/v2/Schemas/urn:x", Some("GET, HEAD, OPTIONS")),
            ("/v2/Users/1/2", None),
            ("/v2/users", None),
            ("/v2/", Some("GET, HEAD, OPTIONS")),
            ("/v2/.search", Some("POST, OPTIONS")),
            ("/v2/Users/.search", Some("POST, OPTIONS")),
            ("/", None),
        ] {
            assert_eq!(allowed(path).as_deref(), expect, "{path}");
        }
    }
}
