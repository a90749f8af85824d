//! Change-notification subscriptions: made, listed, renewed and removed, per tenant and app.
//!
//! What the addresses are asked before one is made, and what they are told, is in `notify`. Plain HTTP is
//! taken for this machine, where the real service takes none: nobody has a certificate there.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ask::{Ask, Query};
use super::list::{self, Paging};
use super::wire::{Problem, tree};
use crate::vendor::{Outgoing, Reply};
use crate::world::{DirectoryNo, Version};

/// The longest life of a subscription to directory objects, in minutes.
const MOST_MINUTES: i64 = 41_760;
/// How many an app may have in a tenant.
const MOST: usize = 100;

/// The subscriptions of all tenants.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    pub(super) all: Mutex<Vec<Subscription>>,
    /// What was asked for by hand, and is told with the next look.
    pub(super) waiting: Mutex<Vec<Outgoing>>,
}

#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub(super) id: Uuid,
    pub(super) tenant: Uuid,
    pub(super) directory: DirectoryNo,
    app: Uuid,
    pub(super) expires: DateTime<Utc>,
    pub(super) body: Value,
    /// Up to which version of the world it was told what changed.
    pub(super) told: Version,
    /// Nothing of what changes is told, until it is said that something was missed.
    pub(super) deaf: bool,
}

fn invalid(message: &str) -> Problem {
    Problem::new(400, "InvalidRequest", message)
}

fn body(ask: &Ask<'_>) -> Result<Value, Problem> {
    serde_json::from_slice(&ask.call.body)
        .map_err(|_| Problem::new(400, "BadRequest", "Unable to read JSON request payload."))
}

fn expiry(ask: &Ask<'_>, body: &Value) -> Result<DateTime<Utc>, Problem> {
    let text = body["expirationDateTime"].as_str().unwrap_or_default();
    let at = DateTime::parse_from_rfc3339(text)
        .map_err(|_| invalid("The value of 'expirationDateTime' is missing or is no instant."))?
        .with_timezone(&Utc);
    if at <= ask.now {
        return Err(invalid("Subscription expiration date must be in the future."));
    }
    if at > ask.now + Duration::minutes(MOST_MINUTES) {
        return Err(invalid("Subscription expiration can only be 41760 minutes in the future."));
    }
    Ok(at)
}

/// Reading the resource needs the permission to read it.
fn check(ask: &Ask<'_>, body: &Value) -> Result<(), Problem> {
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    for name in ["changeType", "notificationUrl", "resource"] {
        if text(name).is_empty() {
            return Err(invalid(&format!("The property '{name}' is required.")));
        }
    }
    for name in ["notificationUrl", "lifecycleNotificationUrl"] {
        if !text(name).is_empty() && !is_good_address(text(name)) {
            return Err(invalid(&format!("'{name}' must be an https address.")));
        }
    }
    if text("clientState").len() > 128 {
        return Err(invalid("'clientState' must not be longer than 128 characters."));
    }
    if text("changeType").split(',').any(|t| !matches!(t.trim(), "updated" | "deleted")) {
        return Err(invalid(
            "'changeType' must be made of 'updated' and 'deleted' for this resource.",
        ));
    }
    let resource = text("resource").trim_start_matches('/').to_ascii_lowercase();
    match resource.split(['/', '?']).next() {
        Some("users") => ask.need(&["User.Read.All", "Directory.Read.All"]),
        Some("groups") => ask.need(&["Group.Read.All", "Directory.Read.All"]),
        _ => Err(invalid("The resource is not supported for change notifications.")),
    }
}

fn is_good_address(text: &str) -> bool {
    let here = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    text.starts_with("https://") || here.iter().any(|start| text.starts_with(start))
}

impl Subscriptions {
    /// `POST /subscriptions`.
    pub(super) fn create(&self, ask: &Ask<'_>) -> Result<Reply, Problem> {
        let wanted = body(ask)?;
        check(ask, &wanted)?;
        let expires = expiry(ask, &wanted)?;
        let mut all = self.live(ask);
        if all.iter().filter(|s| own(ask, s)).count() >= MOST {
            let message = "Maximum number of subscriptions for this app and tenant reached.";
            return Err(Problem::new(403, "ExtensionError", message));
        }
        let id = Uuid::new_v4();
        let text = |name: &str| wanted.get(name).filter(|v| v.is_string()).cloned();
        let kept = json!({
            "id": id,
            "resource": text("resource"),
            "applicationId": ask.grant.appid,
            "changeType": text("changeType"),
            "clientState": text("clientState"),
            "notificationUrl": text("notificationUrl"),
            "lifecycleNotificationUrl": text("lifecycleNotificationUrl"),
            "creatorId": ask.grant.appid,
            "latestSupportedTlsVersion": text("latestSupportedTlsVersion").unwrap_or(json!("v1_2")),
            "includeResourceData": null,
            "notificationQueryOptions": null,
            "encryptionCertificate": null,
            "encryptionCertificateId": null,
            "notificationUrlAppId": null,
        });
        let (tenant, app) = (ask.directory.id, ask.grant.appid);
        let made = Subscription {
            id,
            tenant,
            directory: ask.no,
            app,
            expires,
            body: kept,
            told: ask.world.version,
            deaf: false,
        };
        let answer = shown(ask, &made, true);
        all.push(made);
        Ok(tree(201, &answer))
    }

    /// `GET /subscriptions`; the client state is not shown again.
    pub(super) fn list(&self, ask: &Ask<'_>, query: &Query) -> Result<Reply, Problem> {
        let rows = self.live(ask).iter().filter(|s| own(ask, s)).map(|s| row(s, false)).collect();
        list::trees(ask, query, Paging::DIRECTORY, "subscriptions", rows)
    }

    /// `GET`, `PATCH` and `DELETE /subscriptions/{id}`, and `POST .../reauthorize`.
    pub(super) fn one(&self, ask: &Ask<'_>, id: &str, method: &str) -> Result<Reply, Problem> {
        let mut all = self.live(ask);
        let found =
            all.iter().position(|s| own(ask, s) && s.id.to_string().eq_ignore_ascii_case(id));
        let at = found
            .ok_or_else(|| Problem::new(404, "ResourceNotFound", "The object was not found."))?;
        match method {
            "GET" => Ok(tree(200, &shown(ask, &all[at], false))),
            "PATCH" => {
                all[at].expires = expiry(ask, &body(ask)?)?;
                Ok(tree(200, &shown(ask, &all[at], false)))
            }
            "DELETE" => {
                all.remove(at);
                Ok(Reply::empty(204))
            }
            "REAUTHORIZE" => Ok(Reply::empty(204)),
            _ => Err(Problem::method()),
        }
    }

    /// All that have not run out.
    fn live(&self, ask: &Ask<'_>) -> std::sync::MutexGuard<'_, Vec<Subscription>> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|s| s.expires > ask.now);
        all
    }
}

fn own(ask: &Ask<'_>, subscription: &Subscription) -> bool {
    subscription.tenant == ask.directory.id && subscription.app == ask.grant.appid
}

fn row(subscription: &Subscription, with_state: bool) -> Value {
    let mut row = subscription.body.clone();
    let expires = subscription.expires.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    row["expirationDateTime"] = json!(expires);
    if !with_state {
        row["clientState"] = Value::Null;
    }
    row
}

fn shown(ask: &Ask<'_>, subscription: &Subscription, with_state: bool) -> Value {
    let mut row = row(subscription, with_state);
    row["@odata.context"] = json!(ask.context("subscriptions/$entity"));
    row
}
