//! What a client takes (RFC 9110 §12.5): which media type (RFC 7644 §3.8), and whether compressed. `Accept-Charset` is passed
//! over: JSON is UTF-8 (RFC 8259 §8.1).

use lambda_http::http::header::{ACCEPT, ACCEPT_ENCODING, AsHeaderName};
use lambda_http::http::{HeaderMap, Method};
use protocol::Error;

pub(crate) const SCIM: &str = "application/scim+json";
pub(crate) const JSON: &str = "application/json";

/// The form that an answer takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) media_type: &'static str,
    pub(crate) gzip: bool,
    /// Without its body (RFC 9110 §9.3.2).
    pub(crate) head: bool,
    /// Whether the request changes nothing, so that its answer may be refused.
    pub(crate) safe: bool,
}

impl Form {
    /// What the request asks for; of two media types that are as welcome, SCIM's.
    pub(crate) fn new(method: &Method, path: &str, headers: &HeaderMap) -> Form {
        let media_type = media_type(headers).unwrap_or(SCIM);
        let (head, search) = (method == Method::HEAD, path.trim_end_matches('/').ends_with("/.search"));
        Form { media_type, gzip: takes_gzip(headers), head, safe: head || search || method == Method::GET }
    }
}

/// Refuses a request whose answer the client would not take, before anything is done.
///
/// # Errors
/// [`Error::NotAcceptable`].
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Error> {
    match media_type(headers) {
        Some(_) => Ok(()),
        None => Err(Error::NotAcceptable(
            "The Accept header takes neither application/scim+json nor application/json, which is all that this service answers in."
                .to_owned(),
        )),
    }
}

/// RFC 9110 §12.5.1: the most specific range that fits a type says how welcome it is.
fn media_type(headers: &HeaderMap) -> Option<&'static str> {
    let ranges = items(headers, ACCEPT);
    if ranges.is_empty() {
        return Some(SCIM);
    }
    let quality = |media_type: &str| {
        let said = |range: &str| ranges.iter().filter(|(name, _)| name == range).map(|(_, quality)| *quality).max();
        said(media_type).or_else(|| said("application/*")).or_else(|| said("*/*")).unwrap_or(0)
    };
    match (quality(SCIM), quality(JSON)) {
        (0, 0) => None,
        (scim, json) if scim >= json => Some(SCIM),
        _ => Some(JSON),
    }
}

/// RFC 9110 §12.5.3. Compression has to be asked for: a client without the header may not understand it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let codings = items(headers, ACCEPT_ENCODING);
    let said = |coding: &str| codings.iter().find(|(name, _)| name == coding).map(|(_, quality)| *quality > 0);
    said("gzip").or_else(|| said("x-gzip")).or_else(|| said("*")).unwrap_or(false)
}

/// The items of a list, in lower case, each with its weight in thousandths (RFC 9110 §12.4.2). Other parameters are passed over.
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
    fn the_media_type_is_the_most_welcome_one() {
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
        assert_eq!(check(&headers("accept", &["text/html"])).unwrap_err().status(), 406);
    }

    /// What changes nothing may be refused once its answer is known; a search is a POST (RFC 7644 §3.4.3).
    #[test]
    fn a_search_is_as_safe_as_a_read() {
        for (method, path, head, safe) in [
            (Method::GET, "/scim/v2/Users", false, true),
            (Method::HEAD, "/scim/v2/Users", true, true),
            (Method::POST, "/scim/v2/Users/.search", false, true),
            (Method::POST, "/scim/v2/.search/", false, true),
            (Method::POST, "/scim/v2/Users", false, false),
            (Method::PUT, "/scim/v2/Users/1", false, false),
            (Method::PATCH, "/scim/v2/Users/1", false, false),
        ] {
            let form = Form::new(&method, path, &HeaderMap::new());
            assert_eq!((form.head, form.safe), (head, safe), "{method} {path}");
        }
    }

    #[test]
    fn gzip_is_used_when_asked_for() {
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
            assert_eq!(takes_gzip(&headers("accept-encoding", accept)), expect, "{accept:?}");
        }
    }
}
