//! What people are told of sessions by mail: once, whatever happens. What is to be told follows from the changes of
//! sessions and is noted before it is sent; one daemon claims it, sends it, and says how that ended. Where it dies
//! between, the mail may have been sent, and is not sent again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use core_connector::TRACES;
use core_model::session::{Session, SessionState};
use core_store::{
    Claim, NewNotification, NotificationEnd, NotificationKey, NotificationKind, NotificationRow,
    NotificationState, SessionQuery, Store,
};
use core_sync::{Hub, Result};
use tokio::sync::watch;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::Metrics;
use crate::inbox::Desk;

/// Under which name it has read the changes of sessions.
pub const NOTIFICATIONS: &str = "notification:/";
/// How often it is looked.
const LOOK: Duration = Duration::from_secs(2);
/// Changes that are looked at, and mails that are sent, at once.
const BATCH: usize = 200;
/// How long one who sends a mail has it, microseconds: far longer than a server may take.
const LEASE_US: i64 = 600 * 1_000_000;
/// Seconds before what was not sent is tried again, time after time; the last one stays.
const WAITS: [i64; 5] = [60, 300, 900, 1800, 3600];
/// How long after a session what was done is still told, microseconds.
const NEWS_US: i64 = 24 * 3_600 * 1_000_000;
/// For how long it is known what was told, microseconds.
const KEPT_US: i64 = 90 * 86_400 * 1_000_000;
/// How often what is older is forgotten.
const FORGET: Duration = Duration::from_secs(3600);

/// How handing a mail over ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// A server took it, for these addresses.
    Sent(Vec<String>),
    /// There is nobody to be told, or nothing; why.
    Nobody(String),
    /// No server took it; it is tried again. In words.
    Refused(String),
    /// It may have been sent, and may not. In words.
    Unsure(String),
}

/// What the program around it does for it.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Whether anybody is told anything of sessions now.
    fn is_on(&self) -> bool;

    /// Whether something is told of a session.
    ///
    /// # Errors
    /// In words, where that cannot be told just now.
    async fn tells(
        &self,
        session: &Session,
        kind: NotificationKind,
    ) -> std::result::Result<bool, String>;

    /// Whether a server would take mail now. It is asked before anything is claimed.
    ///
    /// # Errors
    /// In words.
    async fn is_reached(&self) -> std::result::Result<(), String>;

    /// Writes the mail and hands it over.
    async fn send(
        &self,
        session: &Session,
        kind: NotificationKind,
        key: &NotificationKey,
    ) -> Handed;
}

/// Tells people of sessions.
pub struct Notifier {
    desk: watch::Receiver<Desk>,
    courier: Arc<dyn Courier>,
    metrics: Arc<Metrics>,
    /// Under which name it claims what it sends.
    name: String,
}

impl Notifier {
    /// One of this name, which no other process has.
    #[must_use]
    pub fn new(
        desk: watch::Receiver<Desk>,
        courier: Arc<dyn Courier>,
        metrics: Arc<Metrics>,
        name: &str,
    ) -> Self {
        Self { desk, courier, metrics, name: name.to_owned() }
    }

    /// Works until it is dropped. What fails is logged.
    pub async fn run(self) {
        let mut forget = tokio::time::interval(FORGET);
        loop {
            let hub = Arc::clone(&self.desk.borrow().hub);
            if let Err(error) = self.look(&hub).await {
                tracing::warn!(%error, remedy = %error.remedy(), "nobody was told of sessions");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = forget.tick() => self.forget().await,
            }
        }
    }

    async fn forget(&self) {
        let hub = Arc::clone(&self.desk.borrow().hub);
        let before = hub.clock.now_us().saturating_sub(KEPT_US);
        if let Err(error) = hub.store.forget_notifications(before, 10_000).await {
            tracing::warn!(%error, "old notifications were not forgotten");
        }
    }

    /// Notes what is to be told by now, and sends what is due; gives how many mails were sent. Several daemons
    /// may do so at once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look(&self, hub: &Hub) -> Result<usize> {
        let store = &hub.store;
        if !self.courier.is_on() {
            // What happens meanwhile is told nobody later: it begins anew then.
            if store.cursor(NOTIFICATIONS).await? != 0 {
                store.set_cursor(NOTIFICATIONS, 0).await?;
            }
            return Ok(0);
        }
        for lost in store.settle_notifications(hub.clock.now_us()).await? {
            let (session, kind) = (lost.session.to_string(), lost.kind.as_str());
            tracing::warn!(
                session,
                kind,
                "whether a mail was sent is not known; it is not sent again"
            );
        }
        self.follow(hub).await?;
        self.send(hub).await
    }

    /// Notes what is to be told of sessions that changed.
    async fn follow(&self, hub: &Hub) -> Result<()> {
        let store = &hub.store;
        // The cursor is one more than what was read: 0 is that nobody has read anything.
        let mut after = store.cursor(NOTIFICATIONS).await? - 1;
        if after < 0 {
            // What was before anybody was to be told is no news.
            after = store.last_session_change().await?;
            store.set_cursor(NOTIFICATIONS, after + 1).await?;
        }
        while store.last_session_change().await? > after {
            let query = SessionQuery { after, most: Some(BATCH), ..SessionQuery::default() };
            let changed = store.sessions(query).await?;
            let Some((to, _)) = changed.last() else { break };
            let to = *to;
            let mut new = Vec::new();
            for (_, session) in &changed {
                let now_us = hub.clock.now_us();
                let Some(kind) = due(store, session, now_us).await? else { continue };
                match self.courier.tells(session, kind).await {
                    Ok(true) => {
                        let (session, tenant) = (session.id, session.tenant);
                        new.push(NewNotification { session, kind, tenant });
                    }
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(error, session = %session.id, "whether somebody is told is not known");
                        return Ok(());
                    }
                }
            }
            store.note_notifications((NOTIFICATIONS, to + 1), &new, hub.clock.now_us()).await?;
            after = to;
        }
        Ok(())
    }

    /// Sends what is due.
    async fn send(&self, hub: &Hub) -> Result<usize> {
        let store = &hub.store;
        let due = store.due_notifications(hub.clock.now_us(), BATCH).await?;
        if due.is_empty() {
            return Ok(0);
        }
        // What nobody would take is not claimed: only so it is certain that it was not sent.
        if let Err(why) = self.courier.is_reached().await {
            for row in &due {
                self.put_off(hub, row, &why).await?;
            }
            tracing::warn!(error = why, waiting = due.len(), "people were not told of sessions");
            return Ok(0);
        }
        let mut sent = 0;
        for row in &due {
            sent += usize::from(self.one(hub, row).await?);
        }
        Ok(sent)
    }

    /// What could not be sent is tried again; too late it is not.
    async fn put_off(&self, hub: &Hub, row: &NotificationRow, why: &str) -> Result<()> {
        let key = NotificationKey::from_random(rand::random());
        let now_us = hub.clock.now_us();
        let claim = self.claim(row);
        if hub.store.claim_notification(claim, &key, (now_us, now_us + LEASE_US)).await? {
            let session = hub.store.session(row.session).await?;
            self.end(hub, (&session, row), &Handed::Refused(why.to_owned())).await?;
        }
        Ok(())
    }

    fn claim(&self, row: &NotificationRow) -> Claim<'_> {
        Claim { session: row.session, kind: row.kind, holder: &self.name }
    }

    /// Sends one, if nobody else does; whether it was sent.
    async fn one(&self, hub: &Hub, row: &NotificationRow) -> Result<bool> {
        let (store, now_us) = (&hub.store, hub.clock.now_us());
        let key = NotificationKey::from_random(rand::random());
        if !store.claim_notification(self.claim(row), &key, (now_us, now_us + LEASE_US)).await? {
            return Ok(false);
        }
        // It may have gone on since it was noted.
        let session = store.session(row.session).await?;
        let handed = match is_late(&session, row.kind, now_us) {
            Some(why) => Handed::Nobody(why.to_owned()),
            None => {
                let span = tracing::info_span!(
                    target: TRACES, "notification", otel.kind = "client",
                    kind = row.kind.as_str(), attempts = row.attempts, otel.status_code = Empty,
                );
                let handed = self.courier.send(&session, row.kind, &key).instrument(span.clone());
                let handed = handed.await;
                if matches!(handed, Handed::Refused(_) | Handed::Unsure(_)) {
                    span.record("otel.status_code", "ERROR");
                }
                handed
            }
        };
        self.end(hub, (&session, row), &handed).await?;
        Ok(matches!(handed, Handed::Sent(_)))
    }

    /// Says how it ended.
    async fn end(
        &self,
        hub: &Hub,
        (session, row): (&Session, &NotificationRow),
        handed: &Handed,
    ) -> Result<()> {
        let now_us = hub.clock.now_us();
        let (id, kind) = (session.id.to_string(), row.kind.as_str());
        let attempts = row.attempts + 1;
        let wait = WAITS[usize::try_from(row.attempts).unwrap_or_default().min(WAITS.len() - 1)];
        let next_us = now_us.saturating_add(wait * 1_000_000);
        let late = is_late(session, row.kind, next_us).is_some();
        let (state, word) = match handed {
            Handed::Sent(_) => (NotificationState::Sent, "sent"),
            Handed::Nobody(_) if is_late(session, row.kind, now_us).is_some() => {
                (NotificationState::Late, "")
            }
            Handed::Nobody(_) => (NotificationState::Nobody, ""),
            Handed::Unsure(_) => (NotificationState::Unsure, "failed"),
            Handed::Refused(_) if late && row.kind == NotificationKind::Before => {
                (NotificationState::Late, "failed")
            }
            Handed::Refused(_) if late => (NotificationState::Failed, "failed"),
            Handed::Refused(_) => (NotificationState::Due, "failed"),
        };
        let (told, error): (&[String], Option<&str>) = match handed {
            Handed::Sent(told) => (told, None),
            Handed::Nobody(why) | Handed::Refused(why) | Handed::Unsure(why) => (&[], Some(why)),
        };
        if !word.is_empty() {
            self.metrics.mail(word);
        }
        match handed {
            Handed::Sent(told) => {
                tracing::info!(
                    session = id,
                    kind,
                    told = told.len(),
                    "people were told of a session"
                );
            }
            Handed::Nobody(why) => {
                tracing::debug!(session = id, kind, why, "nobody is told of a session");
            }
            Handed::Refused(error) | Handed::Unsure(error) => {
                let state = state.as_str();
                tracing::warn!(session = id, kind, attempts, error, state, "a mail was not sent");
            }
        }
        let end = NotificationEnd { state, due_us: next_us, told, error };
        hub.store.end_notification(self.claim(row), end, now_us).await?;
        Ok(())
    }
}

/// What is to be told of a session as it is now; nothing where it was told, or there is no plan of it.
async fn due(store: &Store, session: &Session, now_us: i64) -> Result<Option<NotificationKind>> {
    let kind = match session.state {
        SessionState::Waiting => NotificationKind::Before,
        SessionState::Succeeded | SessionState::Failed => NotificationKind::After,
        _ => return Ok(None),
    };
    if session.run.detect_only || is_late(session, kind, now_us).is_some() {
        return Ok(None);
    }
    let told = store.notifications(session.id).await?;
    if told.iter().any(|one| one.kind == kind) {
        return Ok(None);
    }
    // What another engine did, it tells itself.
    Ok(store.session_plan(session.id).await?.map(|_| kind))
}

/// Why something is not told of a session any more.
fn is_late(session: &Session, kind: NotificationKind, now_us: i64) -> Option<&'static str> {
    match kind {
        NotificationKind::Before if session.state != SessionState::Waiting => {
            Some("it waits no more")
        }
        NotificationKind::Before if session.act_us.is_none_or(|at| at <= now_us) => {
            Some("its time has come")
        }
        NotificationKind::After if now_us - session.changed_us > NEWS_US => {
            Some("it is over for too long")
        }
        _ => None,
    }
}
