//! What pages are made with: styles and scripts, compiled in. Pages name each with a tag of its
//! content behind `?`, so that a browser may keep it for ever.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use xxhash_rust::xxh3::xxh3_64;

use crate::asked::Asked;
use crate::problem::Problem;

/// Name, type and content.
const ALL: &[(&str, &str, &[u8])] = &[
    ("access.css", "text/css; charset=utf-8", include_bytes!("../assets/access.css")),
    ("technician.css", "text/css; charset=utf-8", include_bytes!("../assets/technician.css")),
    ("technician.js", "text/javascript; charset=utf-8", include_bytes!("../assets/technician.js")),
    ("notification.css", "text/css; charset=utf-8", include_bytes!("../assets/notification.css")),
    ("docs.css", "text/css; charset=utf-8", include_bytes!("../assets/docs.css")),
    ("handover.js", "text/javascript; charset=utf-8", include_bytes!("../assets/handover.js")),
];

/// One of them.
pub(crate) async fn one(asked: Asked) -> Result<Response, Problem> {
    let name = asked.id("name");
    let found = ALL.iter().find(|(known, ..)| *known == name);
    let (_, kind, content) = found.ok_or_else(Problem::no_path)?;
    let kept = match asked.uri.query() {
        Some(_) => "public, max-age=31536000, immutable",
        None => "public, max-age=300",
    };
    Ok(([(CONTENT_TYPE, *kind), (CACHE_CONTROL, kept)], *content).into_response())
}

/// The path of one, as a page names it.
pub(crate) fn path(name: &str) -> String {
    let found = ALL.iter().find(|(known, ..)| *known == name);
    let tag = found.map(|(.., content)| xxh3_64(content)).unwrap_or_default();
    format!("/assets/{name}?v={tag:016x}")
}
