//! Change-notification subscriptions of Graph: per directory one for users and one for groups. Graph asks
//! the address back before it makes one, lets it live for 29 days at most, and forgets it then. The
//! secret that it repeats is told once, and never shown again.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat};
use core_connector::{
    Error, ErrorKind, NewSubscription, Result, Scope, Secret, Subscribe, Subscription,
};
use core_http::{Answer, Request, decode};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::client::Graph;
use crate::directories::Directories;
use crate::listing;

/// Seven days, in microseconds: short enough that what nobody ends ends soon, and long enough for a hub
/// that is down over a weekend. Graph allows 41,760 minutes for users and groups
/// (`subscription` resource type, "Subscription lifetime").
const LIFE_US: i64 = 7 * 86_400 * 1_000_000;
/// What is listened to. Other streams are told of by nobody.
const TOPICS: &[&str] = &["users", "groups"];
/// Raised whenever other properties are sent with a new subscription, so that old ones are replaced.
const FORM: u8 = 1;

/// Subscribes to Graph.
pub(crate) struct Subscriptions {
    graph: Arc<Graph>,
    directories: Arc<Directories>,
    /// What Graph is to repeat, where anything is wanted.
    secret: Option<Secret>,
}

/// A subscription under Graph's names.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    notification_url: Option<String>,
    #[serde(default)]
    expiration_date_time: Option<String>,
}

impl Subscriptions {
    /// Subscribes with this secret, and not at all without one.
    pub(crate) fn new(
        graph: Arc<Graph>,
        directories: Arc<Directories>,
        secret: Option<Secret>,
    ) -> Self {
        Self { graph, directories, secret }
    }
}

#[async_trait]
impl Subscribe for Subscriptions {
    fn wanted(&self) -> bool {
        self.secret.is_some()
    }

    fn topics(&self) -> &'static [&'static str] {
        TOPICS
    }

    fn life_us(&self) -> i64 {
        LIFE_US
    }

    fn mark(&self) -> String {
        // Sixteen bits show that a secret was changed, and are too few to find it by.
        let secret = self.secret.as_ref().map(Secret::expose).unwrap_or_default();
        let digest = Sha256::digest(secret.as_bytes());
        format!("{FORM}-{:02x}{:02x}", digest[0], digest[1])
    }

    async fn scopes(&self) -> Result<Vec<Scope>> {
        self.directories.scopes().await
    }

    async fn list(&self, scope: &str) -> Result<Vec<Subscription>> {
        const OPERATION: &str = "GET /subscriptions";
        let rows = listing::whole::<Row>(&self.graph, scope, "subscriptions", OPERATION).await?;
        // What has no end that can be read is none of ours.
        Ok(rows.into_iter().filter_map(|(row, _)| subscription(row)).collect())
    }

    async fn make(&self, scope: &str, wanted: NewSubscription<'_>) -> Result<Subscription> {
        let NewSubscription { topic, url, until_us } = wanted;
        let body = json!({
            // Whatever comes into being, or into the bin, is "updated" to Graph.
            "changeType": "updated,deleted",
            "notificationUrl": url,
            // It cannot be added later.
            "lifecycleNotificationUrl": url,
            "resource": topic,
            "expirationDateTime": instant(until_us)?,
            "clientState": self.secret.as_ref().map(Secret::expose),
            "latestSupportedTlsVersion": "v1_2",
        });
        let operation = format!("POST /subscriptions for {topic}");
        let request = Request::post("subscriptions").named(operation).json(&body);
        let made = self.graph.send(scope, request, one).await;
        made.map_err(|error| not_reached(error, url))
    }

    async fn renew(&self, scope: &str, id: &str, until_us: i64) -> Result<Subscription> {
        // It also counts as the answer to `reauthorizationRequired`.
        let body = json!({ "expirationDateTime": instant(until_us)? });
        let request = Request::patch(path(id)?).named("PATCH /subscriptions/{id}").json(&body);
        self.graph.send(scope, request, one).await
    }

    async fn remove(&self, scope: &str, id: &str) -> Result<()> {
        let request = Request::delete(path(id)?).named("DELETE /subscriptions/{id}");
        self.graph.send(scope, request, |_| Ok(())).await
    }
}

fn one(answer: &Answer) -> Result<Subscription> {
    let row: Row = decode::json(answer)?;
    subscription(row).ok_or_else(|| {
        let detail = "the subscription has no resource, address or end";
        Error::new(ErrorKind::Protocol, &answer.operation, detail)
    })
}

fn subscription(row: Row) -> Option<Subscription> {
    let ends = DateTime::parse_from_rfc3339(&row.expiration_date_time?).ok()?;
    Some(Subscription {
        id: row.id,
        topic: row.resource?.trim_start_matches('/').to_ascii_lowercase(),
        url: row.notification_url?,
        ends_us: ends.timestamp_micros(),
    })
}

/// Where one is. Its id is Graph's own, and stands in a path.
fn path(id: &str) -> Result<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if id.is_empty() || id.starts_with('.') || !id.chars().all(fits) {
        let detail = format!("`{id}` is no id of a subscription");
        return Err(Error::new(ErrorKind::NotFound, "/subscriptions", detail));
    }
    Ok(format!("subscriptions/{id}"))
}

fn instant(us: i64) -> Result<String> {
    let at = DateTime::from_timestamp_micros(us).ok_or_else(|| {
        Error::new(ErrorKind::Config, "/subscriptions", format!("{us} is no instant"))
    })?;
    Ok(at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Graph asks the address for a text before it makes a subscription. If that fails, it does so for
/// every directory.
fn not_reached(error: Error, url: &str) -> Error {
    let detail = error.detail().to_ascii_lowercase();
    let is_address = ["validation", "notificationurl", "notification url", "https"]
        .iter()
        .any(|word| detail.contains(word));
    if error.kind() != ErrorKind::Rejected || !is_address {
        return error;
    }
    error.into_kind(ErrorKind::Config).with_remedy(format!(
        "Microsoft must get an answer at {url} within ten seconds: over https, with a certificate that \
         everybody trusts, from the internet. Check `public_url` in [server], the proxy and the firewall \
         (a path like /webhooks/ may be let through alone); or set `subscribe = false`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_leads_elsewhere_is_none() {
        for id in ["", "../users/1", "a/b", "a?b", "..", "a b"] {
            assert_eq!(path(id).unwrap_err().kind(), ErrorKind::NotFound, "{id}");
        }
        assert_eq!(path("7f1-a").unwrap(), "subscriptions/7f1-a");
    }

    #[test]
    fn an_address_that_is_not_reached_is_a_setting_and_other_refusals_are_none() {
        let refused = |detail: &str| {
            let error = Error::new(ErrorKind::Rejected, "POST /subscriptions for users", detail);
            not_reached(error, "https://hub.example/webhooks/entra")
        };
        let error = refused("HTTP 400: InvalidRequest: Subscription validation request failed.");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(
            error.remedy().contains("https://hub.example/webhooks/entra"),
            "{}",
            error.remedy()
        );
        assert_eq!(refused("HTTP 400: too many").kind(), ErrorKind::Rejected);
    }
}
