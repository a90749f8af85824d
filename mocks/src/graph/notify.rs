//! What Graph asks of an address, and tells it: the validation handshake before a subscription is made,
//! notifications of users and groups that changed, lifecycle events where a test wants one.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::index::Index;
use super::subscriptions::{Subscription, Subscriptions};
use super::wire::Problem;
use crate::vendor::{Call, Handshake, Outgoing, Reply};
use crate::world::{Mark, Version, World};

/// Notifications in one request at most.
const MOST: usize = 100;

impl Subscriptions {
    /// Whether there is nobody to tell anything.
    pub(super) fn is_idle(&self) -> bool {
        let subscriptions = self.all.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        subscriptions && waiting
    }

    /// A subscription that was just made asks both of its addresses.
    pub(super) fn asks(&self, call: &Call, reply: &Reply) -> Vec<Handshake> {
        let makes =
            call.method == "POST" && call.path.trim_end_matches('/').ends_with("/subscriptions");
        if !makes || reply.status != 201 {
            return Vec::new();
        }
        let made: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let urls = ["notificationUrl", "lifecycleNotificationUrl"];
        urls.iter().filter_map(|name| handshake(made[*name].as_str()?)).collect()
    }

    /// Takes back the subscription whose address did not answer.
    pub(super) fn unanswered(&self, reply: &Reply) -> Problem {
        let made: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let id = made["id"].as_str().unwrap_or_default();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.id.to_string() != id);
        let message = "Subscription validation request failed. Notification endpoint must respond \
                       with 200 OK to validation request.";
        Problem::new(400, "ValidationError", message)
    }

    /// Everything that changed since it was told last, by address.
    pub(super) fn tells(&self, world: &World, index: &Index) -> Vec<Outgoing> {
        let now = world.now();
        let mut by_url: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.expires > now);
        for one in all.iter_mut().filter(|one| one.told < world.version) {
            let url = one.body["notificationUrl"].as_str().unwrap_or_default().to_owned();
            if !one.deaf {
                by_url.entry(url).or_default().extend(changes(one, world, index));
            }
            one.told = world.version;
        }
        drop(all);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = std::mem::take(&mut *waiting);
        for (url, told) in by_url {
            let flocks = told.chunks(MOST);
            out.extend(
                flocks.map(|some| Outgoing { url: url.clone(), body: json!({"value": some}) }),
            );
        }
        out
    }

    /// All that there are, for whoever looks from outside.
    pub(super) fn all(&self, world: &World) -> Value {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let live = all.iter().filter(|one| one.expires > world.now());
        let rows = live.map(|one| {
            let mut row = one.body.clone();
            row["expirationDateTime"] = json!(instant(one.expires));
            row["tenantId"] = json!(one.tenant);
            row
        });
        Value::Array(rows.collect())
    }

    /// `{"event": "reauthorizationRequired" | "subscriptionRemoved" | "missed" | "deaf" | "lost",
    /// "tenant": GUID, "resource": "users"}`: of all, where tenant and resource are left out. What is removed
    /// is gone, and what is lost is gone without a word. From `deaf` on nothing of what changes is told, until
    /// it is told that something was `missed`.
    pub(super) fn lifecycle(&self, fields: &Value, world: &World) -> Result<Value, String> {
        let event = fields["event"].as_str().unwrap_or_default();
        let known = ["reauthorizationRequired", "subscriptionRemoved", "missed", "deaf", "lost"];
        if !known.contains(&event) {
            return Err(format!("{event:?} is no event of a subscription"));
        }
        let is = |name: &str, value: &str| fields[name].as_str().is_none_or(|asked| asked == value);
        let is_meant = |one: &Subscription| {
            let resource = one.body["resource"].as_str().unwrap_or_default();
            is("tenant", &one.tenant.to_string()) && is("resource", resource)
        };
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut meant, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *all).into_iter().partition(is_meant);
        let gone = ["subscriptionRemoved", "lost"].contains(&event);
        let count = meant.len();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for one in &mut meant {
            if ["deaf", "missed"].contains(&event) {
                one.deaf = event == "deaf";
                one.told = one.told.max(world.version);
            }
            let silent = ["deaf", "lost"].contains(&event);
            let url = one.body["lifecycleNotificationUrl"].as_str().filter(|_| !silent);
            let Some(url) = url.map(str::to_owned) else { continue };
            let told = json!({
                "subscriptionId": one.id,
                "subscriptionExpirationDateTime": instant(one.expires),
                "tenantId": one.tenant,
                "clientState": one.body["clientState"],
                "lifecycleEvent": event,
            });
            waiting.push(Outgoing { url, body: json!({ "value": [told] }) });
        }
        *all = others;
        if !gone {
            all.extend(meant);
        }
        Ok(json!({ "event": event, "subscriptions": count, "at": instant(world.now()) }))
    }
}

/// The query that the address has is kept.
fn handshake(url: &str) -> Option<Handshake> {
    let expects = format!("Validation: Testing client application reachability {}", Uuid::new_v4());
    let mut url = Url::parse(url).ok()?;
    url.query_pairs_mut().append_pair("validationToken", &expects);
    Some(Handshake { url: url.into(), expects })
}

fn changes(one: &Subscription, world: &World, index: &Index) -> Vec<Value> {
    let resource = one.body["resource"].as_str().unwrap_or_default();
    let wanted = one.body["changeType"].as_str().unwrap_or_default();
    let mut told = Vec::new();
    let mut add = |kind: &str, id: Uuid, mark: &Mark, purged: bool| {
        // What comes into being, or into the bin, is "updated".
        let change = if purged { "deleted" } else { "updated" };
        if changed(mark) > one.told && wanted.contains(change) {
            told.push(notification(one, (kind, id), change, changed(mark)));
        }
    };
    match resource.trim_start_matches('/') {
        "users" => {
            for no in index.users.of(one.directory) {
                let Some(row) = world.persons.get(*no as usize) else { continue };
                add("User", row.id, &row.mark, row.purged && row.mark.gone.is_some());
            }
        }
        "groups" => {
            for no in index.groups.of(one.directory) {
                let Some(row) = world.groups.get(*no as usize) else { continue };
                add("Group", row.id, &row.mark, row.mark.gone.is_some());
            }
        }
        // Single objects are not told of.
        _ => {}
    }
    told
}

fn changed(mark: &Mark) -> Version {
    mark.changed.max(mark.gone.unwrap_or_default())
}

fn notification(
    one: &Subscription,
    (kind, id): (&str, Uuid),
    change: &str,
    version: Version,
) -> Value {
    let path = format!("{kind}s/{id}");
    json!({
        "subscriptionId": one.id,
        "subscriptionExpirationDateTime": instant(one.expires),
        "clientState": one.body["clientState"],
        "changeType": change,
        "resource": path,
        "tenantId": one.tenant,
        "resourceData": {
            "@odata.type": format!("#Microsoft.Graph.{kind}"),
            "@odata.id": path,
            "id": id,
            "organizationId": one.tenant,
            "eventTime": instant(Utc::now()),
            "sequenceNumber": version,
        },
    })
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
