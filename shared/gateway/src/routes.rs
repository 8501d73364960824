//! Which function a request goes to, by API Gateway's rules: the path first, a fixed part before a parameter before
//! `{proxy+}`; then the method among those of that path alone.

use std::collections::BTreeMap;

use crate::template::Route;

/// All routes, by path.
#[derive(Debug)]
pub(crate) struct Routes {
    resources: matchit::Router<Resource>,
}

#[derive(Debug)]
struct Resource {
    path: String,
    /// Functions by method, and whether they are called without a token.
    methods: BTreeMap<Option<String>, (String, bool)>,
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Destination<'a> {
    /// The logical id.
    pub(crate) function: &'a str,
    /// The path as the template writes it, `/v2/Users/{id}`.
    pub(crate) resource: &'a str,
    /// The parts of the path that stand for its parameters, as they were sent.
    pub(crate) parameters: Vec<(String, String)>,
    /// Whether nobody is asked who calls.
    pub(crate) open: bool,
}

impl Routes {
    /// # Errors
    /// With a sentence, if two paths cannot be told apart.
    pub(crate) fn new(routes: &[Route]) -> Result<Self, String> {
        let mut by_path: BTreeMap<String, Resource> = BTreeMap::new();
        for Route { path, method, function, open } in routes {
            let resource = Resource { path: path.clone(), methods: BTreeMap::new() };
            by_path.entry(path.clone()).or_insert(resource).methods.insert(method.clone(), (function.clone(), *open));
        }
        let mut resources = matchit::Router::new();
        for (path, resource) in by_path {
            let pattern = path.replace("{proxy+}", "{*proxy}");
            resources
                .insert(pattern, resource)
                .map_err(|error| format!("the route {path} in template.yaml: {error}"))?;
        }
        Ok(Routes { resources })
    }

    /// Finds the function for a method and a path below the stage. A slash at its end is passed over.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Destination<'_>> {
        let path = match path.trim_end_matches('/') {
            "" => "/",
            path => path,
        };
        let found = self.resources.at(path).ok()?;
        let methods = &found.value.methods;
        let (function, open) = methods.get(&Some(method.to_owned())).or_else(|| methods.get(&None))?;
        let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Destination { function, resource: &found.value.path, parameters, open: *open })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str, method: Option<&str>, function: &str) -> Route {
        Route { path: path.to_owned(), method: method.map(str::to_owned), function: function.to_owned(), open: false }
    }

    #[test]
    fn the_path_decides_before_the_method() {
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
                open: false,
            });
            assert_eq!(found, expect, "{method} {path}");
        }
    }
}
