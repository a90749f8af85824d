//! The page inside a ticket: who may frame it, and whether tickets get a note.

use core_toml::Node;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::problem::Problem;

/// The page that a PSA shows inside its tickets.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TechnicianTable {
    /// Write one private note on each ticket that a PSA tells of, with its computers, their state and
    /// the link to the page; it is updated rather than repeated. Needs `server.public_url`.
    pub(crate) note: bool,
    /// The origins whose pages may frame ours, like `https://acme.halopsa.com`. Left out, it is the
    /// address of each PSA.
    pub(crate) framed_by: Vec<String>,
}

/// Texts that are no origins, which a browser would ignore without a word.
pub(super) fn wrong_values(root: &Node) -> Vec<Problem> {
    let Some(table) = root.get("technician_tools") else { return Vec::new() };
    let mut problems = Vec::new();
    for node in table.get("framed_by").map(Node::items).unwrap_or_default() {
        let Some(text) = node.text() else { continue };
        if !is_origin(text) {
            let what = format!("`{}` is no origin", crate::output::printable(text));
            let help = "write scheme and host, and a port where there is one, like \
                        \"https://acme.halopsa.com\"; nothing behind it";
            problems.push(Problem::new(node.span.clone(), what).label("no origin").help(help));
        }
    }
    let wants_note = table.get("note").filter(|node| node.json().as_bool() == Some(true));
    let public = root.get("server").and_then(|server| server.get("public_url"));
    if let (Some(node), None) = (wants_note, public) {
        let what = "a note holds the link to its page, and the hub does not know its own address";
        let help = "set `public_url` in [server] to where browsers reach the hub";
        problems.push(Problem::new(node.span.clone(), what).label("needs it").help(help));
    }
    problems
}

fn is_origin(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    matches!(url.scheme(), "https" | "http") && url.origin().ascii_serialization() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_a_scheme_a_host_and_nothing_behind() {
        for good in ["https://acme.halopsa.com", "http://localhost:8080", "https://[::1]:9"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "acme.halopsa.com",
            "https://acme.halopsa.com/",
            "https://ACME.halopsa.com",
            "https://acme.halopsa.com; script-src *",
            "'self'",
            "*",
            "",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
