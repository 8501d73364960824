//! Content negotiation (RFC 9110 §12.5): the media type of the response (RFC 7644 §3.8) and its compression.
//! `Accept-Charset` is ignored, because JSON is UTF-8 (RFC 8259 §8.1).

use lambda_http::http::header::{ACCEPT, ACCEPT_ENCODING, AsHeaderName};
use lambda_http::http::{HeaderMap, Method};
use protocol::Error;

pub(crate) const SCIM: &str = "application/scim+json";
pub(crate) const JSON: &str = "application/json";

/// How a response is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResponseFormat {
    /// `None` if the client accepts neither media type; the error is then sent with the media type of SCIM.
    pub(crate) accepted_type: Option<&'static str>,
    pub(crate) gzip: bool,
    /// Whether the request changes nothing, so that its response may be replaced by an error.
    pub(crate) safe: bool,
}

impl ResponseFormat {
    /// The format that the request prefers. If both media types are equally acceptable, it is SCIM's.
    pub(crate) fn new(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        let is_search = path.trim_end_matches('/').ends_with("/.search");
        ResponseFormat {
            accepted_type: media_type(headers),
            gzip: accepts_gzip(headers),
            safe: is_search || method == Method::GET || method == Method::HEAD,
        }
    }

    pub(crate) fn media_type(&self) -> &'static str {
        self.accepted_type.unwrap_or(SCIM)
    }

    /// Rejects a request whose response the client would not accept, before anything is changed.
    ///
    /// # Errors
    /// [`Error::NotAcceptable`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let problem = "The Accept header allows neither application/scim+json nor application/json, the only media \
            types of this service. Accept one of them.";
        self.accepted_type.map(drop).ok_or_else(|| Error::NotAcceptable(problem.to_owned()))
    }
}

/// RFC 9110 §12.5.1: the most specific range that matches a media type determines its quality.
fn media_type(headers: &HeaderMap) -> Option<&'static str> {
    let ranges = items(headers, ACCEPT);
    if ranges.is_empty() {
        return Some(SCIM);
    }
    let quality = |media_type: &str| {
        let quality_of =
            |range: &str| ranges.iter().filter(|(name, _)| name == range).map(|(_, quality)| *quality).max();
        quality_of(media_type).or_else(|| quality_of("application/*")).or_else(|| quality_of("*/*")).unwrap_or(0)
    };
    match (quality(SCIM), quality(JSON)) {
        (0, 0) => None,
        (scim, json) if scim >= json => Some(SCIM),
        _ => Some(JSON),
    }
}

/// RFC 9110 §12.5.3. A response is compressed only on request: a client without the header may not support it.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let codings = items(headers, ACCEPT_ENCODING);
    let accepts = |coding: &str| codings.iter().find(|(name, _)| name == coding).map(|(_, quality)| *quality > 0);
    accepts("gzip").or_else(|| accepts("x-gzip")).or_else(|| accepts("*")).unwrap_or(false)
}

/// The items of a list, in lower case, each with its quality in thousandths (RFC 9110 §12.4.2). Other parameters
/// are ignored.
fn items(headers: &HeaderMap, name: impl AsHeaderName) -> Vec<(String, u16)> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    let items = lines.flat_map(|line| line.split(',')).filter_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let weight = parts.find_map(|parameter| parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q=")));
        let weight = weight.and_then(|weight| weight.trim().parse::<f64>().ok()).unwrap_or(1.0);
        Some((name.to_ascii_lowercase(), thousandths(weight)))
    });
    items.collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 1000")]
fn thousandths(weight: f64) -> u16 {
    (weight.clamp(0.0, 1.0) * 1000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn media_type_with_the_highest_quality_is_chosen() {
        for (accept, expect) in [
            (&[][..], Some(SCIM)),
            (&[""], Some(SCIM)),
            (&["*/*"], Some(SCIM)),
            (&["application/*"], Some(SCIM)),
            (&["application/json"], Some(JSON)),
            (&["Application/JSON; q=0.9, application/json;charset=utf-8"], Some(JSON)),
            (&["application/json, */*"], Some(SCIM)),
            (&["application/json, */*;q=0.1"], Some(JSON)),
            (&["application/scim+json, application/json"], Some(SCIM)),
            (&["application/scim+json;q=0.5", "application/json"], Some(JSON)),
            (&["application/json;q=0.5, application/scim+json;charset=utf-8;q=0.6"], Some(SCIM)),
            (&["application/scim+json;q=0, */*"], Some(JSON)),
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], Some(SCIM)),
            (&["text/html"], None),
            (&["*/*;q=0"], None),
            (&["application/xml, application/jsonp"], None),
        ] {
            assert_eq!(media_type(&headers("accept", accept)), expect, "{accept:?}");
        }
        let html = ResponseFormat::new(&Method::GET, "/scim/v2/Users", &headers("accept", &["text/html"]));
        assert_eq!((html.check().unwrap_err().status(), html.media_type()), (406, SCIM));
    }

    /// A search is a POST that changes nothing (RFC 7644 §3.4.3).
    #[test]
    fn search_is_safe_like_a_read() {
        for (method, path, safe) in [
            (Method::GET, "/scim/v2/Users", true),
            (Method::HEAD, "/scim/v2/Users", true),
            (Method::POST, "/scim/v2/Users/.search", true),
            (Method::POST, "/scim/v2/.search/", true),
            (Method::POST, "/scim/v2/Users", false),
            (Method::PUT, "/scim/v2/Users/1", false),
            (Method::PATCH, "/scim/v2/Users/1", false),
        ] {
            assert_eq!(ResponseFormat::new(&method, path, &HeaderMap::new()).safe, safe, "{method} {path}");
        }
    }

    #[test]
    fn gzip_is_used_only_if_the_client_accepts_it() {
        for (accept, expect) in [
            (&[][..], false),
            (&["gzip"], true),
            (&["gzip,deflate"], true),
            (&["br;q=1.0, GZIP;q=0.8, *;q=0.1"], true),
            (&["gzip;q=0"], false),
            (&["gzip;q=0, *"], false),
            (&["*"], true),
            (&["*;q=0"], false),
            (&["deflate", "x-gzip"], true),
            (&["identity"], false),
        ] {
            assert_eq!(accepts_gzip(&headers("accept-encoding", accept)), expect, "{accept:?}");
        }
    }
}
