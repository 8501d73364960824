//! The base URL that the client used (RFC 7644 §1.3), computed from API Gateway's event rather than configured.
//!
//! A stage, the base path of a custom domain and the local gateway each add a different prefix to the paths of the
//! template. The prefix is the part of the request's path before the route's path.

use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequestContext;
use lambda_http::http::HeaderMap;
use lambda_http::http::header::HOST;
use lambda_http::http::uri::Authority;
use url::Url;

/// The first segment of every SCIM path (RFC 7644 §3.13).
const VERSION: &str = "/v2";

/// `https://{domain}{prefix}/v2`.
pub(crate) fn base_url(context: &ApiGatewayProxyRequestContext, headers: &HeaderMap, path: &str) -> String {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = match header("x-forwarded-proto") {
        Some(proto) if proto.eq_ignore_ascii_case("http") => "http",
        _ => "https",
    };
    let host = context.domain_name.as_deref().or_else(|| header(HOST.as_str()).filter(|host| is_host(host)));
    let host = host.unwrap_or("localhost");
    format!("{scheme}://{host}{}{VERSION}", prefix(context, path))
}

/// Whether a text is a valid URL host, with or without a port. Port numbers and IP addresses are checked, too.
pub fn is_host(text: &str) -> bool {
    let is_authority = text.parse::<Authority>().is_ok_and(|authority| !authority.as_str().contains('@'));
    is_authority && Url::parse(&format!("http://{text}/")).is_ok()
}

/// The prefix before the template's paths: `/scim` for the stage of that name, empty for a domain that is mapped to
/// the stage.
fn prefix(context: &ApiGatewayProxyRequestContext, path: &str) -> String {
    let stage = context.stage.as_deref().map(|stage| format!("/{stage}"));
    let Some(full) = context.path.as_deref() else { return stage.unwrap_or_default() };
    let below = path.split('/').filter(|segment| !segment.is_empty()).count();
    let segments: Vec<&str> = full.split('/').filter(|segment| !segment.is_empty()).collect();
    let above = segments.get(..segments.len().saturating_sub(below)).unwrap_or_default();
    above.iter().map(|segment| format!("/{segment}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stage: &str, full: Option<&str>, path: &str, expect: &str) {
        let mut context = ApiGatewayProxyRequestContext::default();
        context.stage = Some(stage.to_owned());
        context.path = full.map(str::to_owned);
        context.domain_name = Some("d.example".to_owned());
        assert_eq!(base_url(&context, &HeaderMap::new(), path), expect, "{full:?} {path}");
    }

    #[test]
    fn prefix_before_the_version_is_kept() {
        check("scim", Some("/scim/v2/Users"), "/v2/Users", "https://d.example/scim/v2");
        check("scim", Some("/scim/v2/Users/1"), "/v2/Users/1", "https://d.example/scim/v2");
        check("scim", Some("/scim/v2/Users/1/"), "/v2/Users/1", "https://d.example/scim/v2");
        check("scim", Some("/v2/Users/1"), "/v2/Users/1", "https://d.example/v2");
        check("scim", Some("/a/b/v2/Users/v2"), "/v2/Users/v2", "https://d.example/a/b/v2");
        check("scim", Some("/scim/x/y"), "/x/y", "https://d.example/scim/v2");
        check("scim", Some("/scim"), "/", "https://d.example/scim/v2");
        check("scim", None, "/v2/Users", "https://d.example/scim/v2");
        check("scim", Some("/short"), "/v2/Users/1", "https://d.example/v2");
    }

    #[test]
    fn host_is_checked_as_part_of_a_url() {
        for (text, expect) in [
            ("localhost:3000", true),
            ("[::1]:3000", true),
            ("scim.example", true),
            ("a/b", false),
            ("a@b", false),
            ("a:x", false),
            ("a:99999", false),
            ("1.2.3.400", false),
            ("[x]", false),
            (":80", false),
            ("", false),
            ("a b", false),
            ("xn--", false),
        ] {
            assert_eq!(is_host(text), expect, "{text}");
        }
    }

    #[test]
    fn scheme_is_the_one_that_the_client_used() {
        let context = ApiGatewayProxyRequestContext::default();
        let headers = HeaderMap::from_iter([
            (HOST, "127.0.0.1:3000".parse().unwrap()),
            ("x-forwarded-proto".parse().unwrap(), "http".parse().unwrap()),
        ]);
        assert_eq!(base_url(&context, &headers, "/"), "http://127.0.0.1:3000/v2");
    }
}
