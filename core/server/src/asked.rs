//! What somebody asks, as every route gets it.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Extensions, HeaderMap, Method, Uri};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use crate::Api;
use crate::access::Caller;
use crate::problem::Problem;

/// The name of the hidden field that a form sends its session's token in.
pub(crate) const CSRF_FIELD: &str = "csrf";
/// The header that a script sends it in.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// The parts of an address in a path, by their names.
pub(crate) type Ids = Result<Path<Vec<(String, String)>>, PathRejection>;

/// A request, read.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    /// What was sent; nothing where the method sends nothing.
    pub(crate) body: Bytes,
    /// Who asks, if it is known.
    pub(crate) caller: Option<Caller>,
    /// From where, as far as it is known.
    pub(crate) address: String,
    ids: Vec<(String, String)>,
}

impl Asked {
    /// Reads a request, with at most so many bytes of a body.
    pub(crate) async fn read(
        api: &Api,
        ids: Ids,
        request: Request,
        largest: u64,
    ) -> Result<Self, Problem> {
        let Ok(Path(ids)) = ids else { return Err(Problem::no_path()) };
        let (parts, body) = request.into_parts();
        let most = usize::try_from(largest).unwrap_or(usize::MAX);
        let body = match is_unsafe(&parts.method) {
            // A body that breaks off is cut short by whoever sends it, who hears nothing any more.
            true => {
                axum::body::to_bytes(body, most).await.map_err(|_| Problem::too_large(largest))?
            }
            false => Bytes::new(),
        };
        Ok(Self {
            address: address(&parts.headers, &parts.extensions, api.answers.sign_in().behind_proxy),
            caller: parts.extensions.get::<Caller>().cloned(),
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
            ids,
        })
    }

    /// A part of the path; empty where there is none of that name.
    pub(crate) fn id(&self, name: &str) -> &str {
        let found = self.ids.iter().find(|(known, _)| known == name);
        found.map(|(_, id)| id.as_str()).unwrap_or_default()
    }

    /// Who asks.
    pub(crate) fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(Problem::unknown_caller)
    }

    /// The body as JSON; an empty one is an empty object.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body = if self.body.is_empty() { &b"{}"[..] } else { &self.body };
        serde_json::from_slice(body).map_err(|error| {
            // The words of the error quote what was sent, which may be a secret.
            let place = format!("line {}, column {}", error.line(), error.column());
            let what = match error.classify() {
                serde_json::error::Category::Data => {
                    format!("the body is not what this path takes: {}", plain(&error.to_string()))
                }
                _ => format!("the body is no JSON, at {place}"),
            };
            Problem::wrong(what, "see /v1/openapi.json for what this path takes")
        })
    }

    /// A field of a form.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let mut fields = url::form_urlencoded::parse(&self.body);
        fields.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// Refuses what a browser sends on behalf of another site.
    pub(crate) fn must_be_same_origin(&self, api: &Api) -> Result<(), Problem> {
        let text = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let own = api.answers.sign_in().public_url.clone();
        let is_own = match (text("sec-fetch-site"), text("origin")) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => {
                let host = text("host").or_else(|| self.uri.authority().map(|host| host.as_str()));
                let said = origin.split_once("://").map(|(_, host)| host);
                (said.is_some() && said == host) || own.is_some_and(|own| own == origin)
            }
            (None, None) => false,
        };
        if is_own { Ok(()) } else { Err(Problem::other_site()) }
    }

    /// A session's cookie comes with whatever a browser sends, also for somebody else's page: who
    /// changes something by it shows that the page is ours. Tokens come only from who has them.
    pub(crate) fn must_be_meant(&self, api: &Api) -> Result<(), Problem> {
        let Some(csrf) = self.caller.as_ref().and_then(Caller::csrf) else { return Ok(()) };
        if !is_unsafe(&self.method) {
            return Ok(());
        }
        self.must_be_same_origin(api)?;
        let header = self.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
        let sent = match header {
            Some(header) => Some(header.to_owned()),
            None if self.is_form() => self.field(CSRF_FIELD),
            None => None,
        };
        let is_right = sent.is_some_and(|sent| sent.as_bytes().ct_eq(csrf.as_bytes()).into());
        if is_right { Ok(()) } else { Err(Problem::other_site()) }
    }

    fn is_form(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    }
}

/// Whether a method changes something.
pub(crate) fn is_unsafe(method: &Method) -> bool {
    !(method == Method::GET || method == Method::HEAD || method == Method::OPTIONS)
}

/// From where a request comes. What a proxy says counts only where there is one: the last entry is
/// its own.
fn address(headers: &HeaderMap, extensions: &Extensions, behind_proxy: bool) -> String {
    let said = headers.get_all("x-forwarded-for").iter().next_back();
    let said = said.and_then(|list| list.to_str().ok()).and_then(|list| list.rsplit(',').next());
    let said = said.map(str::trim).and_then(|one| one.parse::<std::net::IpAddr>().ok());
    match (behind_proxy, said) {
        (true, Some(address)) => address.to_string(),
        _ => {
            let peer = extensions.get::<ConnectInfo<SocketAddr>>();
            peer.map(|ConnectInfo(peer)| peer.ip().to_string()).unwrap_or_default()
        }
    }
}

/// The words of an error without the values in it.
fn plain(error: &str) -> String {
    let words = error.split(" at line ").next().unwrap_or_default();
    match words.split_once("invalid ") {
        Some((_, rest)) => {
            let expected = rest.rsplit_once("expected ").map(|(_, expected)| expected);
            format!("a value is wrong, expected {}", expected.unwrap_or("another"))
        }
        None => words.chars().filter(|c| !c.is_control()).take(160).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_about_a_body_repeats_no_value_of_it() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Body {
            #[expect(dead_code, reason = "it is never made")]
            number: u8,
        }
        for body in ["{\"number\":\"hunter2\"}", "{\"number\":777777}", "[\"hunter2\"]"] {
            let error = serde_json::from_str::<Body>(body).unwrap_err();
            let said = plain(&error.to_string());
            assert!(!said.contains("hunter2") && !said.contains("777777"), "{said}");
        }
        let error = serde_json::from_str::<Body>("{}").unwrap_err();
        assert_eq!(plain(&error.to_string()), "missing field `number`");
    }

    #[test]
    fn what_a_proxy_says_counts_only_behind_one() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 10.0.0.1".parse().unwrap());
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))));
        assert_eq!(address(&headers, &extensions, false), "127.0.0.1");
        assert_eq!(address(&headers, &extensions, true), "10.0.0.1");
    }
}
