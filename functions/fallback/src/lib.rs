//! Every request that no operation answers: 405 with `Allow` at a known path, 404 elsewhere (RFC 7231 §6.5).

use edge::{Request, Response};
use protocol::Error;

/// The paths of all operations and the methods that they take, as template.yaml has them.
pub const PATHS: [(&str, &str); 10] = [
    ("/v2/Users", "GET, POST"),
    ("/v2/Users/{id}", "GET, PUT, PATCH, DELETE"),
    ("/v2/Groups", "GET, POST"),
    ("/v2/Groups/{id}", "GET, PUT, PATCH, DELETE"),
    ("/v2/Bulk", "POST"),
    ("/v2/ServiceProviderConfig", "GET"),
    ("/v2/ResourceTypes", "GET"),
    ("/v2/ResourceTypes/{name}", "GET"),
    ("/v2/Schemas", "GET"),
    ("/v2/Schemas/{urn}", "GET"),
];

pub async fn handle((): &(), request: Request) -> Result<Response, Error> {
    Err(refusal(request.path()))
}

fn refusal(path: &str) -> Error {
    match PATHS.iter().find(|(known, _)| is_at(path, known)) {
        Some((_, methods)) => Error::MethodNotAllowed { allow: (*methods).to_owned() },
        None => Error::NotFound(
            "There is nothing at this URL. The base URL ends in /v2; behind it come /Users, /Groups and the like."
                .to_owned(),
        ),
    }
}

/// Segment by segment; `{id}` stands for any one.
fn is_at(path: &str, known: &str) -> bool {
    let path: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let known: Vec<&str> = known.split('/').collect();
    path.len() == known.len() && path.iter().zip(&known).all(|(sent, known)| sent == known || known.starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_path_says_what_it_takes() {
        for (path, expect) in [
            ("/v2/Users", Some("GET, POST")),
            ("/v2/Users/", Some("GET, POST")),
            ("/v2/Users/1", Some("GET, PUT, PATCH, DELETE")),
            ("/v2/Schemas/urn:x", Some("GET")),
            ("/v2/Users/1/2", None),
            ("/v2/users", None),
            ("/v2/Bulk", Some("POST")),
            ("/v2/Bulk/1", None),
            ("/v2", None),
            ("/", None),
        ] {
            let refusal = refusal(path);
            assert_eq!(refusal.allow(), expect, "{path}");
            assert_eq!(refusal.status(), if expect.is_some() { 405 } else { 404 });
        }
    }
}
