//! The hub tells others of what happens: signed requests as the Standard Webhooks specification has them,
//! one after the other for each endpoint, tried again, and given up after days. How far an endpoint has come
//! is a cursor in the store, so that nothing is lost and little is told twice by a kill.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use core_connector::TRACES;
use core_model::event::Event;
use core_model::session::Session;
use core_store::{SessionQuery, Store, WebhookState};
use core_sync::{Hub, Result};
use serde_json::{Value, json};
use tokio::sync::watch;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::MAIL;

mod signature;

pub use self::signature::SigningKey;

/// How often it is looked for what is to be told.
const LOOK: Duration = Duration::from_secs(1);
/// How often the needs of the hub are looked at, in looks.
const NEEDS: u32 = 60;
/// Events that are read at once.
const PAGE: usize = 200;
/// Seconds before what did not arrive is tried again, time after time; the last one stays.
const WAITS: [i64; 8] = [5, 30, 120, 600, 1800, 3600, 7200, 14_400];
/// After how long without any success an endpoint is given up: three days.
const GIVEN_UP_US: i64 = 3 * 86_400 * 1_000_000;

/// What an endpoint is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// What changes in the model.
    Changes,
    /// Sessions.
    Sessions,
    /// What waits for a human.
    Needs,
}

/// Where something is told.
#[derive(Clone)]
pub struct Endpoint {
    /// What it is called.
    pub name: String,
    /// Its address.
    pub url: String,
    /// What its requests are signed with.
    pub key: SigningKey,
    /// What it is told of.
    pub topics: Vec<Topic>,
    /// Ids of the tenants whose things it is told of; none is all, and what is of none.
    pub tenants: Option<Vec<String>>,
}

impl Endpoint {
    fn spec(&self) -> String {
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(self.url.as_bytes()))
    }

    fn wants(&self, topic: Topic, tenant: Option<&str>) -> bool {
        let sees = match (&self.tenants, tenant) {
            (None, _) => true,
            (Some(tenants), Some(tenant)) => tenants.iter().any(|one| one == tenant),
            (Some(_), None) => false,
        };
        sees && self.topics.contains(&topic)
    }
}

/// Something that waits for a human, as far as others are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The same as long as it is the same need.
    pub key: String,
    /// Everything about it.
    pub data: Value,
    /// In words: told again where these are others.
    pub what: String,
}

/// What the program around it does for it.
#[async_trait]
pub trait Outside: Send + Sync {
    /// Posts a body with these headers, and gives the status that was answered.
    ///
    /// # Errors
    /// In words, where nobody answers.
    async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> std::result::Result<u16, String>;

    /// What waits for a human.
    ///
    /// # Errors
    /// In words.
    async fn needs(&self) -> std::result::Result<Vec<Told>, String>;
}

/// Tells.
pub struct Outbound {
    hub: watch::Receiver<crate::Desk>,
    endpoints: watch::Receiver<Vec<Endpoint>>,
    outside: Arc<dyn Outside>,
}

/// One thing to be told.
struct Message {
    id: String,
    body: Value,
}

impl Outbound {
    /// Tells these endpoints, as they are set at any time.
    #[must_use]
    pub fn new(
        hub: watch::Receiver<crate::Desk>,
        endpoints: watch::Receiver<Vec<Endpoint>>,
        outside: Arc<dyn Outside>,
    ) -> Self {
        Self { hub, endpoints, outside }
    }

    /// Works until it is dropped. What fails is logged.
    pub async fn run(self) {
        let mut looks: u32 = 0;
        loop {
            tokio::time::sleep(LOOK).await;
            let endpoints = self.endpoints.borrow().clone();
            let hub = Arc::clone(&self.hub.borrow().hub);
            for endpoint in &endpoints {
                if let Err(error) = self.tell(&hub, endpoint, looks.is_multiple_of(NEEDS)).await {
                    let endpoint = &endpoint.name;
                    tracing::warn!(endpoint, %error, remedy = %error.remedy(), "nothing was told");
                }
            }
            looks = looks.wrapping_add(1);
        }
    }

    /// Tells an endpoint what it was not told yet, as far as it takes it. Of several daemons one does.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tell(&self, hub: &Hub, endpoint: &Endpoint, with_needs: bool) -> Result<()> {
        let asks = with_needs && endpoint.wants(Topic::Needs, None);
        if !self.is_due(hub, endpoint, asks).await? {
            return Ok(());
        }
        let Some(lease) = hub.hold(&format!("webhook/{}", endpoint.name)).await? else {
            return Ok(());
        };
        // Under the lease: another daemon may have told meanwhile, or tried in vain.
        let mut state = self.state(&hub.store, endpoint).await?;
        let watch = lease.watch();
        let mut still = || watch.lost_to().is_none();
        if !waits(&state, hub.clock.now_us())
            && self.changes(hub, endpoint, &mut state, &mut still).await?
            && self.sessions(hub, endpoint, &mut state, &mut still).await?
            && asks
        {
            self.needs(hub, endpoint, &mut state).await?;
        }
        lease.give_back().await?;
        Ok(())
    }

    /// Whether something may be to be told. It is read before the lease is taken: that writes, and most
    /// looks end here.
    async fn is_due(&self, hub: &Hub, endpoint: &Endpoint, asks: bool) -> Result<bool> {
        let store = &hub.store;
        let known = store.webhook(&endpoint.name).await?;
        let Some(known) = known.filter(|known| known.spec == endpoint.spec()) else {
            return Ok(true);
        };
        if waits(&known, hub.clock.now_us()) {
            return Ok(false);
        }
        let [changes, sessions] = cursors(endpoint);
        Ok(asks
            || store.cursor(&changes).await? < store.last_event_seq().await?
            || store.cursor(&sessions).await? < store.last_session_change().await?)
    }

    /// How an endpoint fares; one that is new, or elsewhere now, begins with what happens from now on.
    async fn state(&self, store: &Store, endpoint: &Endpoint) -> Result<WebhookState> {
        let known = store.webhook(&endpoint.name).await?;
        let spec = endpoint.spec();
        if let Some(known) = known.filter(|known| known.spec == spec) {
            return Ok(known);
        }
        let [changes, sessions] = cursors(endpoint);
        store.set_cursor(&changes, store.last_event_seq().await?).await?;
        store.set_cursor(&sessions, store.last_session_change().await?).await?;
        let state = WebhookState { spec, ..WebhookState::default() };
        store.put_webhook(&endpoint.name, &state).await?;
        Ok(state)
    }

    /// Tells what changed; says whether it came to the end.
    async fn changes(
        &self,
        hub: &Hub,
        endpoint: &Endpoint,
        state: &mut WebhookState,
        still: &mut (dyn FnMut() -> bool + Send),
    ) -> Result<bool> {
        let [cursor, _] = cursors(endpoint);
        loop {
            let after = hub.store.cursor(&cursor).await?;
            let events = hub.store.events(after, PAGE).await?;
            let Some(last) = events.last().map(|event| event.sequence) else { return Ok(true) };
            for event in &events {
                if !still() {
                    return Ok(false);
                }
                if endpoint.wants(Topic::Changes, event.tenant.as_deref()) {
                    if !self.send(hub, endpoint, state, of_event(event)).await? {
                        return Ok(false);
                    }
                    hub.store.set_cursor(&cursor, event.sequence).await?;
                }
            }
            hub.store.set_cursor(&cursor, last).await?;
        }
    }

    /// Tells how sessions go; says whether it came to the end.
    async fn sessions(
        &self,
        hub: &Hub,
        endpoint: &Endpoint,
        state: &mut WebhookState,
        still: &mut (dyn FnMut() -> bool + Send),
    ) -> Result<bool> {
        let [_, cursor] = cursors(endpoint);
        let after = hub.store.cursor(&cursor).await?;
        let query = SessionQuery { after, most: Some(PAGE), ..SessionQuery::default() };
        for (seq, session) in hub.store.sessions(query).await? {
            if !still() {
                return Ok(false);
            }
            let tenant = session.tenant.to_string();
            if endpoint.wants(Topic::Sessions, Some(&tenant))
                && !self.send(hub, endpoint, state, of_session(seq, &session)).await?
            {
                return Ok(false);
            }
            hub.store.set_cursor(&cursor, seq).await?;
        }
        Ok(true)
    }

    /// Tells what waits for a human since the last time, and what does not wait any more.
    async fn needs(&self, hub: &Hub, endpoint: &Endpoint, state: &mut WebhookState) -> Result<()> {
        let needs = match self.outside.needs().await {
            Ok(needs) => needs,
            Err(error) => {
                tracing::warn!(error, "what waits for a human is not known");
                return Ok(());
            }
        };
        let (store, now_us) = (&hub.store, hub.clock.now_us());
        let told = store.announced(&endpoint.name).await?;
        for need in needs.iter().filter(|need| told.get(&need.key) != Some(&need.what)) {
            let message = of_need("need.raised", &need.key, &need.data, now_us);
            if !self.send(hub, endpoint, state, message).await? {
                return Ok(());
            }
            store.note_announced(&endpoint.name, &need.key, Some(&need.what), now_us).await?;
        }
        for (key, what) in told.iter().filter(|(key, _)| needs.iter().all(|one| one.key != **key)) {
            let data = json!({ "key": key, "what": what });
            if !self.send(hub, endpoint, state, of_need("need.settled", key, &data, now_us)).await?
            {
                return Ok(());
            }
            store.note_announced(&endpoint.name, key, None, now_us).await?;
        }
        Ok(())
    }

    /// Sends one, and notes how it went; says whether it arrived.
    async fn send(
        &self,
        hub: &Hub,
        endpoint: &Endpoint,
        state: &mut WebhookState,
        message: Message,
    ) -> Result<bool> {
        let now_us = hub.clock.now_us();
        let (body, seconds) = (message.body.to_string(), now_us / 1_000_000);
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("webhook-id", message.id.clone()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", endpoint.key.sign(&message.id, seconds, &body)),
        ];
        let kind = message.body["type"].as_str();
        let span = webhook(&endpoint.name, kind.unwrap_or_default(), state.attempts);
        let posted =
            self.outside.post(&endpoint.url, &headers, body).instrument(span.clone()).await;
        match &posted {
            Ok(status) => span.record("http.response.status_code", status),
            Err(_) => span.record("otel.status_code", "ERROR"),
        };
        let why = match posted {
            Ok(200..=299) => None,
            // Who is gone for good says so.
            Ok(410) => {
                state.disabled_us = Some(now_us);
                Some("it answered 410: it does not want to be told any more".to_owned())
            }
            Ok(status) => Some(format!("it answered {status}")),
            Err(why) => Some(why),
        };
        let arrived = why.is_none();
        let changed = fared(state, why, now_us);
        if changed {
            hub.store.put_webhook(&endpoint.name, state).await?;
        }
        if !arrived {
            let (name, error) = (&endpoint.name, state.error.as_deref());
            let (attempts, disabled) = (state.attempts, state.disabled_us.is_some());
            tracing::warn!(endpoint = name, id = message.id, attempts, disabled, error, "not told");
        }
        Ok(arrived)
    }
}

/// Forgets how all fare who are told of what happens but these ([`MAIL`] is one of them where mail is sent):
/// one that comes back begins anew, and meets nothing that was told long ago.
///
/// # Errors
/// When the store fails.
pub async fn forget_endpoints_but(store: &Store, names: &[&str]) -> Result<()> {
    store.forget_webhooks_but(names).await?;
    // The cursors of a webhook are set when it begins; the digest's tells that it began.
    if !names.contains(&MAIL) && store.cursor(MAIL).await? != 0 {
        store.set_cursor(MAIL, 0).await?;
    }
    Ok(())
}

/// Whether an endpoint is given up, or is to be left alone for a while.
fn waits(state: &WebhookState, now_us: i64) -> bool {
    state.disabled_us.is_some() || state.next_try_us.is_some_and(|at| at > now_us)
}

/// A request that tells something. Its address may hold a secret.
fn webhook(endpoint: &str, kind: &str, attempts: u32) -> Span {
    tracing::info_span!(
        target: TRACES,
        "webhook.out",
        otel.kind = "client",
        endpoint,
        kind,
        attempts,
        http.response.status_code = Empty,
        otel.status_code = Empty,
    )
}

/// What an attempt makes of how an endpoint fares; says whether that is worth a note.
fn fared(state: &mut WebhookState, why: Option<String>, now_us: i64) -> bool {
    let Some(why) = why else {
        // When something arrived is noted to the minute.
        let known = state.delivered_us.is_some_and(|at| now_us - at < 60_000_000);
        let was = state.attempts > 0;
        state.attempts = 0;
        (state.failing_us, state.next_try_us, state.error) = (None, None, None);
        if !known {
            state.delivered_us = Some(now_us);
        }
        return was || !known;
    };
    let place = usize::try_from(state.attempts).unwrap_or(usize::MAX).min(WAITS.len() - 1);
    state.attempts = state.attempts.saturating_add(1);
    let since = *state.failing_us.get_or_insert(now_us);
    state.next_try_us = Some(now_us + WAITS[place] * 1_000_000);
    if now_us - since >= GIVEN_UP_US {
        state.disabled_us.get_or_insert(now_us);
    }
    state.error = Some(why);
    true
}

fn cursors(endpoint: &Endpoint) -> [String; 2] {
    [format!("webhook/{}", endpoint.name), format!("webhook/{}/sessions", endpoint.name)]
}

fn of_event(event: &Event) -> Message {
    let change = match (&event.before, &event.after) {
        (None, _) => "created",
        (Some(_), Some(_)) => "changed",
        (Some(_), None) => "removed",
    };
    let document = |text: &Option<String>| -> Value {
        text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    Message {
        id: format!("evt_{}", event.sequence),
        body: json!({
            "type": format!("{}.{change}", event.entity.as_str()),
            "timestamp": time(event.at_us),
            "data": {
                "sequence": event.sequence,
                "id": event.id,
                "tenant": event.tenant,
                "cause": event.cause,
                "before": document(&event.before),
                "after": document(&event.after),
            },
        }),
    }
}

fn of_session(seq: i64, session: &Session) -> Message {
    Message {
        id: format!("ses_{seq}"),
        body: json!({
            "type": format!("session.{}", session.state.as_str()),
            "timestamp": time(session.changed_us),
            "data": session,
        }),
    }
}

fn of_need(kind: &str, key: &str, data: &Value, now_us: i64) -> Message {
    let text = format!("{kind} {key} {data}");
    Message {
        id: format!("need_{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes())),
        body: json!({ "type": kind, "timestamp": time(now_us), "data": data }),
    }
}

fn time(at_us: i64) -> String {
    let at = chrono::DateTime::from_timestamp_micros(at_us).unwrap_or_default();
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests;
