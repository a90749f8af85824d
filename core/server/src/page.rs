//! Pages for people: what is around their HTML.

use askama::Template;
use axum::http::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
    REFERRER_POLICY,
};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// Nobody may frame the page.
pub(crate) const NOBODY: &str = "'none'";

/// A page, which only these (`'none'`, or origins) may frame. What it needs comes from the hub itself;
/// nothing in the page's text is a script or a style.
pub(crate) fn html(
    status: StatusCode,
    page: &impl Template,
    framed_by: &str,
) -> Result<Response, Problem> {
    let more = More { framed_by, style: "", picture: "" };
    with_policy(status, page, &more)
}

/// A page in somebody's colours, which nobody may frame: its text has one style, known by a number that counts for
/// this answer alone, and a picture that may come from an origin.
pub(crate) fn branded(
    status: StatusCode,
    page: &impl Template,
    nonce: &str,
    origin: Option<&str>,
) -> Result<Response, Problem> {
    let style = format!(" 'nonce-{nonce}'");
    let picture = origin.map(|origin| format!(" {origin}")).unwrap_or_default();
    with_policy(status, page, &More { framed_by: NOBODY, style: &style, picture: &picture })
}

/// What a page may besides what comes from the hub.
struct More<'a> {
    framed_by: &'a str,
    style: &'a str,
    picture: &'a str,
}

fn with_policy(
    status: StatusCode,
    page: &impl Template,
    more: &More<'_>,
) -> Result<Response, Problem> {
    let text = page.render().map_err(|error| {
        tracing::error!(%error, "a page cannot be written");
        Problem::fault()
    })?;
    let More { framed_by, style, picture } = more;
    let policy = format!(
        "default-src 'none'; style-src 'self'{style}; script-src 'self'; img-src 'self' data:{picture}; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {framed_by}"
    );
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // Forms must say from where they are sent, to us.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let policy = HeaderValue::from_str(&policy).map_err(|_| Problem::fault())?;
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    Ok((status, headers, text).into_response())
}

/// Leads a browser to a path of ours.
pub(crate) fn see_other(path: &str) -> Response {
    let place = HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response()
}

/// Leads whoever is not known to the sign-in, and back.
pub(crate) fn to_sign_in(uri: &Uri) -> Response {
    let wanted = uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    let next: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    see_other(&format!("/sign-in?next={next}"))
}

/// A path of ours to go on to, and never another site: `//host` and `/\host` are such.
pub(crate) fn own_path(text: Option<&str>) -> &str {
    let is_own = |path: &&str| {
        let odd = |c: char| c.is_control() || c == '\\' || !c.is_ascii();
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains(odd)
            && path.len() <= 1024
    };
    text.filter(is_own).unwrap_or("/")
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    title: &'a str,
    detail: &'a str,
    remedy: &'a str,
}

/// A problem as whoever asks can read it: a page for a browser, JSON for a program.
pub(crate) fn refused(problem: Problem, asked: &HeaderMap) -> Response {
    let accepts = asked.get(ACCEPT).and_then(|accepts| accepts.to_str().ok());
    if !accepts.is_some_and(|accepts| accepts.contains("text/html")) {
        return problem.into_response();
    }
    let [title, detail, remedy] = problem.words();
    let page = html(problem.status(), &ProblemPage { title, detail, remedy }, NOBODY);
    page.unwrap_or_else(|_| problem.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_only_to_a_path_of_ours() {
        assert_eq!(
            own_path(Some("/technician/halo/ticket/1?x=1")),
            "/technician/halo/ticket/1?x=1"
        );
        for other in
            ["https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nb", "x", ""]
        {
            assert_eq!(own_path(Some(other)), "/", "{other}");
        }
        assert_eq!(own_path(None), "/");
    }
}
