//! Where traces are sent: the table `[traces]` of the settings.

use core_connector::Secret;
use core_toml::Node;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::problem::Problem;
use super::secret::{self, Missing};
use crate::output::printable;

/// Traces of what the program does, sent to an OpenTelemetry collector.
#[derive(Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TracesTable {
    /// Where the collector takes OTLP over HTTP: `http://127.0.0.1:4318`. Left out, nothing is traced.
    pub(crate) endpoint: Option<String>,
    /// What this hub is called among what is traced.
    pub(crate) service_name: String,
    /// How many of a hundred traces are sent. One that a known caller began is sent where theirs is.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) sample_percent: u8,
    /// What is sent in the head of each request to the collector, one table each.
    pub(crate) header: Vec<HeaderTable>,
}

impl Default for TracesTable {
    fn default() -> Self {
        Self {
            endpoint: None,
            service_name: "linchpin".to_owned(),
            sample_percent: 100,
            header: Vec::new(),
        }
    }
}

/// A header.
#[derive(Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeaderTable {
    /// Its name: `Authorization`.
    pub(crate) name: String,
    /// Its whole value: `Bearer …`.
    #[schemars(extend("x-linchpin-secret" = true))]
    pub(crate) secret: String,
}

/// Where traces are sent, with secrets looked up.
pub(crate) struct TracesPlan {
    /// The address of the collector's traces.
    pub(crate) url: String,
    /// What this hub is called.
    pub(crate) service_name: String,
    /// How many of a hundred.
    pub(crate) sample_percent: u8,
    /// Headers of each request.
    pub(crate) headers: Vec<(String, Secret)>,
}

/// How a collector is told who sends.
const BY_HEADER: &str =
    "an address is no secret: send what opens the collector by `[[traces.header]]`";

/// Texts of this table that have a form.
pub(super) fn wrong_values(root: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let Some(table) = root.get("traces") else { return problems };
    let headers = table.get("header").map(Node::items).unwrap_or_default();
    if let Some((node, text)) = table.get("endpoint").and_then(|node| Some((node, node.text()?))) {
        let wrong = wrong_endpoint(text, !headers.is_empty());
        problems.extend(wrong.map(|(what, help)| {
            Problem::new(node.span.clone(), what).label("no address").help(help)
        }));
    }
    for (node, name) in headers.iter().filter_map(|one| {
        let node = one.get("name")?;
        Some((node, node.text()?))
    }) {
        if http::HeaderName::try_from(name).is_err() {
            let what = format!("`{}` is no name of a header", printable(name));
            let help = "write it like \"Authorization\"";
            problems.push(Problem::new(node.span.clone(), what).label("no name").help(help));
        }
    }
    problems
}

/// What is wrong with the collector's address, and what to do about it. A secret in it is not said.
fn wrong_endpoint(text: &str, has_headers: bool) -> Option<(String, &'static str)> {
    let url = Url::parse(text.trim()).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        let shown = if text.contains(['@', '?', '#']) { "endpoint" } else { text };
        return Some((
            format!("`{}` is no address of a collector", printable(shown)),
            "write it like \"http://127.0.0.1:4318\"; its path ends with /v1/traces by itself",
        ));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Some(("the address of a collector has no name or password".to_owned(), BY_HEADER));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some(("the address of a collector has no query or fragment".to_owned(), BY_HEADER));
    }
    if url.scheme() == "http" && has_headers && !is_here(&url) {
        return Some((
            "the headers would travel readable to another machine".to_owned(),
            "write https://, or send no headers",
        ));
    }
    None
}

fn is_here(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Where traces are sent, if they are.
pub(super) fn plan(
    table: &TracesTable,
    (folder, kept): (&std::path::Path, &secret::Kept),
) -> Result<Option<TracesPlan>, Missing> {
    let Some(endpoint) = &table.endpoint else { return Ok(None) };
    let endpoint = endpoint.trim().trim_end_matches('/');
    let url = match endpoint.ends_with("/v1/traces") {
        true => endpoint.to_owned(),
        false => format!("{endpoint}/v1/traces"),
    };
    let mut headers = Vec::new();
    for header in &table.header {
        let value = secret::look_up_with(&header.secret, folder, kept)?;
        if http::HeaderValue::try_from(&value).is_err() {
            return Err(Missing {
                what: format!("the secret of header `{}` cannot stand in one", header.name),
                remedy: "check it: it holds a line break or a control character".to_owned(),
            });
        }
        headers.push((header.name.clone(), Secret::new(value)));
    }
    let (service_name, sample_percent) = (table.service_name.clone(), table.sample_percent);
    Ok(Some(TracesPlan { url, service_name, sample_percent, headers }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_asked_at_the_path_of_traces_whatever_is_written() {
        for endpoint in ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces"] {
            let table =
                TracesTable { endpoint: Some(endpoint.to_owned()), ..TracesTable::default() };
            let kept = secret::Kept::new();
            let plan = plan(&table, (std::path::Path::new(""), &kept)).unwrap().unwrap();
            assert_eq!(plan.url, "http://c:4318/v1/traces");
        }
    }

    #[test]
    fn an_address_holds_nothing_that_opens_the_collector() {
        for (endpoint, part) in [
            ("https://eve:planted@c.example", "no name or password"),
            ("https://planted@c.example:4318/v1/traces", "no name or password"),
            ("https://:planted@c.example", "no name or password"),
            ("https://c.example/?key=planted", "no query or fragment"),
            ("https://c.example#planted", "no query or fragment"),
            ("ftp://eve:planted@c.example", "`endpoint` is no address"),
            ("https://eve:pla#nted@c.example", "`endpoint` is no address"),
        ] {
            let (what, help) = wrong_endpoint(endpoint, false).unwrap();
            assert!(what.contains(part) && !what.contains("pla"), "{endpoint}: {what}");
            assert_eq!(part.starts_with("no "), help.contains("[[traces.header]]"), "{endpoint}");
        }
        assert_eq!(wrong_endpoint("https://c.example:4318/otlp", true), None);
        assert_eq!(wrong_endpoint("http://127.0.0.1:4318", true), None);
    }
}
