//! Answers in JSON, with a tag that says whether anything is different from the last time.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::problem::Problem;

/// An answer with its tag, or 304 where the caller has it already.
pub(crate) fn tagged<T: Serialize>(asked: &HeaderMap, answer: &T) -> Result<Response, Problem> {
    let body = serde_json::to_vec(answer)?;
    let tag = format!("\"{:032x}\"", xxh3_128(&body));
    let mut headers = HeaderMap::new();
    // Whoever keeps it asks each time, and no cache gives it to somebody else.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("authorization, cookie"));
    let known = is_known(asked, &tag);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    if known {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok((headers, body).into_response())
}

/// Whether `If-None-Match` names the tag. It compares weakly, as RFC 9110 has it.
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let lists = asked.get_all(IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    let mut tags = lists.flat_map(|list| list.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_any_form_that_names_it() {
        let asked = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(text).unwrap());
            headers
        };
        for text in ["\"a\"", "*", "W/\"a\"", "\"b\", \"a\""] {
            assert!(is_known(&asked(text), "\"a\""), "{text}");
        }
        for text in ["\"b\"", "a", ""] {
            assert!(!is_known(&asked(text), "\"a\""), "{text}");
        }
    }
}
