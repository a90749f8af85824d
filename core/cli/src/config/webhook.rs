//! Where the hub itself tells of what happens: the tables `[[webhook]]` of the settings.

use core_connector::Secret;
use core_daemon::{Endpoint, SigningKey, Topic};
use core_toml::Node;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::problem::Problem;
use super::secret;

/// Somewhere that the hub tells of what happens, by signed requests (Standard Webhooks).
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookTable {
    /// What it is called; how far it has come is kept under it.
    pub(crate) name: String,
    /// Its address; `http://` for this machine only.
    pub(crate) url: String,
    /// What requests are signed with: `whsec_` and base64 of 24 to 64 random bytes.
    #[schemars(extend("x-linchpin-secret" = true))]
    pub(crate) secret: String,
    /// What it is told of: `changes` of the model, `sessions`, `needs` of the hub. Left out, all of it.
    #[serde(default = "everything")]
    pub(crate) topics: Vec<TopicWord>,
    /// Only what is of these tenants, by name or id; all, and what is of none, where it is left out.
    #[serde(default)]
    pub(crate) tenants: Vec<String>,
}

/// What an endpoint is told of.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TopicWord {
    /// What changes in the model.
    Changes,
    /// Sessions, as they go.
    Sessions,
    /// What waits for a human, and that it does no more.
    Needs,
}

fn everything() -> Vec<TopicWord> {
    vec![TopicWord::Changes, TopicWord::Sessions, TopicWord::Needs]
}

/// Texts of these tables that have a form.
pub(super) fn wrong_values(root: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for node in root.get("webhook").map(Node::items).unwrap_or_default() {
        if let Some((node, text)) = node.get("url").and_then(|node| Some((node, node.text()?)))
            && !is_address(text)
        {
            let what = format!("`{}` is no address", crate::output::printable(text));
            let help = "write it like \"https://hooks.example.com/linchpin\"; http:// for this \
                        machine only";
            problems.push(Problem::new(node.span.clone(), what).label("no address").help(help));
        }
        let Some((node, name)) = node.get("name").and_then(|node| Some((node, node.text()?)))
        else {
            continue;
        };
        if name == core_daemon::MAIL {
            let what = format!("a webhook cannot be named `{name}`");
            let help = "how far mail has come is kept under that name: choose another";
            problems.push(Problem::new(node.span.clone(), what).label("taken").help(help));
        }
        if seen.contains(&name) {
            let what = format!("there are two webhooks named `{}`", crate::output::printable(name));
            let help = "how far each has come is kept under its name: give each its own";
            problems.push(Problem::new(node.span.clone(), what).label("the second").help(help));
        }
        seen.push(name);
    }
    problems
}

fn is_address(text: &str) -> bool {
    let Ok(url) = Url::parse(text.trim()) else { return false };
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && local)
}

/// An endpoint, with its secret looked up; tenants are still as they are named.
pub(super) fn endpoint(
    table: &WebhookTable,
    (folder, kept): (&std::path::Path, &secret::Kept),
) -> Result<Endpoint, secret::Missing> {
    let text = secret::look_up_with(&table.secret, folder, kept)?;
    let key = SigningKey::of(&Secret::new(text)).map_err(|why| secret::Missing {
        what: format!("the secret of webhook `{}` cannot sign: {why}", table.name),
        remedy: "make one with `printf whsec_; openssl rand -base64 32`".to_owned(),
    })?;
    let topic = |word: &TopicWord| match word {
        TopicWord::Changes => Topic::Changes,
        TopicWord::Sessions => Topic::Sessions,
        TopicWord::Needs => Topic::Needs,
    };
    Ok(Endpoint {
        name: table.name.clone(),
        url: table.url.trim().to_owned(),
        key,
        topics: table.topics.iter().map(topic).collect(),
        tenants: (!table.tenants.is_empty()).then(|| table.tenants.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_of_this_machine() {
        for good in ["https://x.example/a?b=c", "http://localhost:9/x", "http://127.0.0.1"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["http://x.example", "x.example", "ftp://x.example", ""] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
