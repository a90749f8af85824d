//! What waits for a human, told by mail: each need once, and once more when it is over. What was told is in
//! the store, so that of several daemons one tells it and none tells it twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use core_connector::TRACES;
use core_schedule::Schedule;
use core_store::{Store, WebhookState};
use core_sync::{Hub, Result};
use tokio::sync::watch;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::{Metrics, Told};

/// Under which name it is among those that are told of needs; no webhook may have it.
pub const MAIL: &str = "mail:/";
/// The key of the need that mail cannot be sent: it is told by everything but mail.
pub const UNSENT: &str = "mail";
/// How often the needs are looked at.
const LOOK: Duration = Duration::from_secs(60);
/// How long after its start a daemon looks first.
const FIRST: Duration = Duration::from_secs(1);
/// Seconds that what is over waits for a mail with new needs before it is one by itself: what comes back until
/// then was never away.
const OVER: u32 = 3600;
/// Seconds before what was not sent is tried again, time after time; the last one stays. Who greylists wants
/// to be asked again after some minutes.
const WAITS: [i64; 6] = [60, 300, 900, 1800, 3600, 14_400];

/// When mail is sent.
#[derive(Clone, Debug)]
pub struct Mailing {
    /// A digest of where it goes: elsewhere, failures do not count.
    pub spec: String,
    /// At once, as soon as new needs have waited so many seconds for others, and what is over an hour or as
    /// long; never where it is none.
    pub at_once: Option<u32>,
    /// What changed since the last mail, at these times.
    pub digest: Option<Schedule>,
}

/// What a mail tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The same for the same news: a receiver who got it twice can tell.
    pub id: String,
    /// What is new.
    pub raised: Vec<Told>,
    /// What is over, in the words in which it was told: by key.
    pub settled: Vec<(String, String)>,
    /// What was told before and waits still.
    pub open: Vec<Told>,
}

/// What the program around it does for it.
#[async_trait]
pub trait Post: Send + Sync {
    /// What waits for a human.
    ///
    /// # Errors
    /// In words.
    async fn needs(&self) -> std::result::Result<Vec<Told>, String>;

    /// Sends a mail.
    ///
    /// # Errors
    /// In words, where no server took it.
    async fn send(&self, news: &News) -> std::result::Result<(), String>;
}

/// Tells by mail.
pub struct Mailer {
    hub: watch::Receiver<crate::Desk>,
    mailing: watch::Receiver<Option<Mailing>>,
    post: Arc<dyn Post>,
    metrics: Arc<Metrics>,
    /// Since when what is new, or over, waits for more: by key.
    gathering: Mutex<HashMap<String, i64>>,
}

impl Mailer {
    /// Tells as it is set at any time.
    #[must_use]
    pub fn new(
        hub: watch::Receiver<crate::Desk>,
        mailing: watch::Receiver<Option<Mailing>>,
        post: Arc<dyn Post>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { hub, mailing, post, metrics, gathering: Mutex::default() }
    }

    /// Works until it is dropped. What fails is logged.
    pub async fn run(self) {
        tokio::time::sleep(FIRST).await;
        loop {
            let mailing = self.mailing.borrow().clone();
            let hub = Arc::clone(&self.hub.borrow().hub);
            if let Some(mailing) = mailing
                && let Err(error) = self.look(&hub, &mailing).await
            {
                tracing::warn!(%error, remedy = %error.remedy(), "no mail was sent");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Sends what is due, if there is anything and nobody else does.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look(&self, hub: &Hub, mailing: &Mailing) -> Result<()> {
        let (store, now_us) = (&hub.store, hub.clock.now_us());
        let state = state(store, mailing).await?;
        if state.next_try_us.is_some_and(|at| at > now_us) {
            return Ok(());
        }
        let digest = digest_is_due(store, mailing, now_us).await?;
        let Some(news) = self.news(store).await? else { return Ok(()) };
        // After a failure there is nothing to wait for.
        let at_once = self.has_gathered(&news, mailing, now_us);
        let is_news = !news.raised.is_empty() || !news.settled.is_empty();
        let again = state.attempts > 0 && mailing.at_once.is_some() && is_news;
        let at_once = at_once || again;
        if !digest && !at_once {
            return Ok(());
        }
        let Some(lease) = hub.hold(MAIL).await? else { return Ok(()) };
        let sent = self.send(hub, mailing).await;
        lease.give_back().await?;
        if sent? && digest {
            store.set_cursor(MAIL, now_us).await?;
        }
        Ok(())
    }

    /// What is to be told; none where what waits is not known.
    async fn news(&self, store: &Store) -> Result<Option<News>> {
        let needs = match self.post.needs().await {
            Ok(needs) => needs,
            Err(error) => {
                tracing::warn!(error, "what waits for a human is not known");
                return Ok(None);
            }
        };
        let told = store.announced(MAIL).await?;
        let needs = needs.into_iter().filter(|need| need.key != UNSENT);
        // Other words for the same need are no news.
        let (open, raised): (Vec<Told>, Vec<Told>) =
            needs.partition(|need| told.contains_key(&need.key));
        let waits = |key: &String| open.iter().any(|need| need.key == *key);
        let settled: Vec<(String, String)> =
            told.into_iter().filter(|(key, _)| !waits(key)).collect();
        let mut text = String::new();
        for key in raised.iter().map(|need| &need.key).chain(settled.iter().map(|(key, _)| key)) {
            text.push_str(key);
            text.push('\n');
        }
        let id = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()));
        Ok(Some(News { id, raised, settled, open }))
    }

    /// Whether anything has waited for more for long enough: what is new, or what is over.
    fn has_gathered(&self, news: &News, mailing: &Mailing, now_us: i64) -> bool {
        let mut gathering = self.gathering.lock().unwrap_or_else(PoisonError::into_inner);
        // What is no news any more begins anew when it is again.
        let before = std::mem::take(&mut *gathering);
        let Some(wait) = mailing.at_once else { return false };
        let raised = news.raised.iter().map(|need| (&need.key, wait));
        let settled = news.settled.iter().map(|(key, _)| (key, wait.max(OVER)));
        let mut has_gathered = false;
        for (key, wait) in raised.chain(settled) {
            let since = before.get(key).copied().unwrap_or(now_us);
            has_gathered |= now_us - since >= i64::from(wait) * 1_000_000;
            gathering.insert(key.clone(), since);
        }
        has_gathered
    }

    /// Sends what is to be told by now, while nobody else does; says whether nothing is left to tell.
    async fn send(&self, hub: &Hub, mailing: &Mailing) -> Result<bool> {
        let (store, now_us) = (&hub.store, hub.clock.now_us());
        // Another daemon may have sent it, or tried to, since we looked.
        let mut state = state(store, mailing).await?;
        let Some(mut news) = self.news(store).await? else { return Ok(false) };
        if state.next_try_us.is_some_and(|at| at > now_us) {
            return Ok(false);
        }
        if news.raised.is_empty() && news.settled.is_empty() {
            return Ok(true);
        }
        // The same news after another mail is another mail.
        news.id = format!("{}.{}", news.id, state.delivered_us.unwrap_or_default());
        let span = tracing::info_span!(
            target: TRACES,
            "mail",
            otel.kind = "client",
            raised = news.raised.len(),
            settled = news.settled.len(),
            attempts = state.attempts,
            otel.status_code = Empty,
        );
        let sent = self.post.send(&news).instrument(span.clone()).await;
        self.metrics.mail(if sent.is_ok() { "sent" } else { "failed" });
        if let Err(why) = sent {
            span.record("otel.status_code", "ERROR");
            failed(&mut state, why, now_us);
            let (attempts, error) = (state.attempts, state.error.as_deref());
            tracing::warn!(attempts, error, "a mail was not sent");
            store.put_webhook(MAIL, &state).await?;
            return Ok(false);
        }
        for need in &news.raised {
            store.note_announced(MAIL, &need.key, Some(&need.what), now_us).await?;
        }
        for (key, _) in &news.settled {
            store.note_announced(MAIL, key, None, now_us).await?;
        }
        let spec = mailing.spec.clone();
        let state = WebhookState { spec, delivered_us: Some(now_us), ..WebhookState::default() };
        store.put_webhook(MAIL, &state).await?;
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner).clear();
        tracing::info!(raised = news.raised.len(), settled = news.settled.len(), "a mail was sent");
        Ok(true)
    }
}

/// How mail fares; elsewhere, it fares well until it is tried.
async fn state(store: &Store, mailing: &Mailing) -> Result<WebhookState> {
    let known = store.webhooks().await?.remove(MAIL).unwrap_or_default();
    if known.spec == mailing.spec {
        return Ok(known);
    }
    let (spec, delivered_us) = (mailing.spec.clone(), known.delivered_us);
    Ok(WebhookState { spec, delivered_us, ..WebhookState::default() })
}

/// Whether a planned time of the digest has passed since it was last looked at. The first time it is now
/// that it begins.
async fn digest_is_due(store: &Store, mailing: &Mailing, now_us: i64) -> Result<bool> {
    let Some(digest) = &mailing.digest else { return Ok(false) };
    let handled = store.cursor(MAIL).await?;
    if handled == 0 {
        store.set_cursor(MAIL, now_us).await?;
        return Ok(false);
    }
    let at = |us| DateTime::from_timestamp_micros(us).unwrap_or_default();
    Ok(digest.next(at(handled)).is_some_and(|next| next <= at(now_us)))
}

fn failed(state: &mut WebhookState, why: String, now_us: i64) {
    let place = usize::try_from(state.attempts).unwrap_or(usize::MAX).min(WAITS.len() - 1);
    state.attempts = state.attempts.saturating_add(1);
    state.failing_us.get_or_insert(now_us);
    state.next_try_us = Some(now_us + WAITS[place] * 1_000_000);
    state.error = Some(why);
}

#[cfg(test)]
mod tests;
