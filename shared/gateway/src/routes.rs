//! Routing by API Gateway's rules. The path is matched first: a fixed segment wins over a parameter, and a
//! parameter over `{proxy+}`. The method is then looked up only among those of the matched path.

use std::collections::BTreeMap;

use crate::template::{ApiRoute, TemplateError};

/// All routes, by path.
#[derive(Debug)]
pub(crate) struct Routes {
    resources: matchit::Router<ApiResource>,
}

#[derive(Debug)]
struct ApiResource {
    path: String,
    /// The routes of the path by method; `None` stands for any other method.
    methods: BTreeMap<Option<String>, ApiRoute>,
}

/// The target of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Destination<'a> {
    /// The logical id of the function.
    pub(crate) function: &'a str,
    /// The path as the template writes it, such as `/v2/Users/{id}`.
    pub(crate) resource: &'a str,
    /// The path parameters and their values, still percent-encoded.
    pub(crate) parameters: Vec<(String, String)>,
    /// Whether the request needs no token.
    pub(crate) is_public: bool,
}

impl Routes {
    /// # Errors
    /// [`TemplateError::Route`] if a path is not valid or conflicts with another.
    pub(crate) fn new(routes: &[ApiRoute]) -> Result<Self, TemplateError> {
        let mut by_path: BTreeMap<String, ApiResource> = BTreeMap::new();
        for route in routes {
            let path = route.path.clone();
            let resource = by_path.entry(path.clone()).or_insert(ApiResource { path, methods: BTreeMap::new() });
            resource.methods.insert(route.method.clone(), route.clone());
        }
        let mut resources = matchit::Router::new();
        for (path, resource) in by_path {
            let pattern = path.replace("{proxy+}", "{*proxy}");
            resources.insert(pattern, resource).map_err(|source| TemplateError::Route { path, source })?;
        }
        Ok(Routes { resources })
    }

    /// Finds the function for a method and a path below the stage. Trailing slashes are ignored.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Destination<'_>> {
        let path = match path.trim_end_matches('/') {
            "" => "/",
            path => path,
        };
        let found = self.resources.at(path).ok()?;
        let methods = &found.value.methods;
        let route = methods.get(&Some(method.to_owned())).or_else(|| methods.get(&None))?;
        let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let resource = &found.value.path;
        Some(Destination { function: &route.function, resource, parameters, is_public: route.is_public })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str, method: Option<&str>, function: &str) -> ApiRoute {
        let path = path.to_owned();
        let function = function.to_owned();
        ApiRoute { path, method: method.map(str::to_owned), function, is_public: false }
    }

    #[test]
    fn path_is_matched_before_the_method() {
        let routes = Routes::new(&[
            route("/v2/Users", Some("GET"), "List"),
            route("/v2/Users", None, "Other"),
            route("/v2/Users/{id}", Some("GET"), "Get"),
            route("/v2/Users/.search", Some("POST"), "Search"),
            route("/", None, "Root"),
            route("/{proxy+}", None, "Elsewhere"),
        ]);
        let routes = routes.unwrap();
        for (method, path, expect) in [
            ("GET", "/v2/Users", Some(("List", "/v2/Users", None))),
            ("GET", "/v2/Users/", Some(("List", "/v2/Users", None))),
            ("PUT", "/v2/Users", Some(("Other", "/v2/Users", None))),
            ("GET", "/v2/Users/a%2Fb", Some(("Get", "/v2/Users/{id}", Some(("id", "a%2Fb"))))),
            ("POST", "/v2/Users/1", None),
            ("POST", "/v2/Users/.search", Some(("Search", "/v2/Users/.search", None))),
            ("GET", "/v2/Users/.search", None),
            ("GET", "/v2/Users/1/2", Some(("Elsewhere", "/{proxy+}", Some(("proxy", "v2/Users/1/2"))))),
            ("GET", "/", Some(("Root", "/", None))),
            ("GET", "", Some(("Root", "/", None))),
        ] {
            let found = routes.find(method, path);
            let expect = expect.map(|(function, resource, parameter): (_, _, Option<(&str, &str)>)| Destination {
                function,
                resource,
                parameters: parameter.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
                is_public: false,
            });
            assert_eq!(found, expect, "{method} {path}");
        }
    }
}
