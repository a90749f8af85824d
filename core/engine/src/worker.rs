//! The worker: takes what waits as far as it may, has each carried out, and says what came of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use core_connector::TRACES;
use core_maintenance::{Brief, Desk, Ended, Error, carry_out};
use core_model::id::SessionId;
use core_model::library::SubjectId;
use core_model::session::{Session, SessionKind, SessionState};
use core_store::{Holder, Ready, SessionQuery, SessionWord, Take};
use tokio::task::{Id, JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::desk::{SessionDesk, Switch, book};
use crate::foreman::{EngineSettings, Foreman, Unbriefed};
use crate::{drift, onboarding, report, skip, ways};

/// How often it is looked which computers are heard of again, and what is to be forgotten.
const TIDY: Duration = Duration::from_secs(15);
/// So many sessions that wait are looked through for that.
const AWAY: usize = 2_000;
/// How long the steps of a session are kept after it was asked for, microseconds: 90 days.
const KEPT_US: i64 = 90 * 86_400 * 1_000_000;
/// So many books are forgotten at once.
const FORGOTTEN: usize = 200;
/// How long a session waits that could not be briefed, microseconds.
const NOT_NOW_US: i64 = 60 * 1_000_000;

/// Tells a worker to stop.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// It takes nothing more, and puts back what it has.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The built-in engine.
pub struct Worker {
    foreman: Arc<dyn Foreman>,
    /// Under which name it has sessions.
    name: String,
    stop: Stop,
}

/// A session that is being worked on.
struct At {
    session: SessionId,
    lost: Arc<AtomicBool>,
}

impl Worker {
    /// One of this name, which no other process has.
    #[must_use]
    pub fn new(foreman: Arc<dyn Foreman>, name: &str, stop: Stop) -> Self {
        Self { foreman, name: name.to_owned(), stop }
    }

    /// Works until it is told to stop. What fails is logged.
    pub async fn run(self) {
        let mut tasks: JoinSet<()> = JoinSet::new();
        let mut at: HashMap<Id, At> = HashMap::new();
        let mut renew_at = Instant::now();
        let mut tidy_at = Instant::now();
        let mut tidying: Option<JoinHandle<()>> = None;
        while !self.stop.is_set() {
            let settings = self.foreman.settings();
            let look = settings.as_ref().map_or(Duration::from_secs(1), |one| one.look);
            if Instant::now() >= renew_at && !at.is_empty() {
                self.renew(&at).await;
                let lease = Duration::from_micros(self.foreman.rules().lease_us.unsigned_abs());
                renew_at = Instant::now() + lease / 3;
            }
            if let Some(settings) = settings {
                if Instant::now() >= tidy_at {
                    if let Err(error) = self.let_go(&at).await {
                        tracing::warn!(%error, "what nobody works on any more is still this engine's");
                    }
                    // RMMs are asked in it, which may take long, and leases are renewed here.
                    if tidying.as_ref().is_none_or(JoinHandle::is_finished) {
                        tidying = Some(tokio::spawn(tidy(Arc::clone(&self.foreman))));
                    }
                    tidy_at = Instant::now() + TIDY / settings.hurry.max(1);
                }
                for session in self.take(settings.parallel.saturating_sub(at.len())).await {
                    let (id, one) = self.begin(&mut tasks, &settings, session);
                    at.insert(id, one);
                }
            }
            tokio::select! {
                Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => forget(&mut at, ended),
                () = tokio::time::sleep(look) => {}
            }
            while let Some(ended) = tasks.try_join_next_with_id() {
                forget(&mut at, ended);
            }
        }
        if let Some(tidying) = tidying {
            tidying.abort();
        }
        while let Some(ended) = tasks.join_next_with_id().await {
            forget(&mut at, ended);
        }
    }

    fn begin(
        &self,
        tasks: &mut JoinSet<()>,
        settings: &EngineSettings,
        session: Session,
    ) -> (Id, At) {
        let lost = Arc::new(AtomicBool::new(false));
        let at = At { session: session.id, lost: Arc::clone(&lost) };
        let one = One {
            foreman: Arc::clone(&self.foreman),
            settings: settings.clone(),
            switch: Switch { stopping: Arc::clone(&self.stop.0), lost },
        };
        (tasks.spawn(async move { one.session(session).await }).id(), at)
    }

    async fn take(&self, room: usize) -> Vec<Session> {
        let hub = self.foreman.hub();
        let waits = hub.store.count_sessions(SessionState::Waiting).await;
        match waits {
            Ok(0) => return Vec::new(),
            Ok(_) if room == 0 => return Vec::new(),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the queue of sessions was not read");
                return Vec::new();
            }
        }
        let bars = match self.foreman.bars().await {
            Ok(bars) => bars,
            Err(error) => {
                tracing::warn!(error, "no session is begun: what bars one is not known");
                return Vec::new();
            }
        };
        let rules = self.foreman.rules();
        let take = Take {
            engine: &self.name,
            most: room,
            tenants: None,
            rules: &rules,
            bars: &*bars,
            now_us: hub.clock.now_us(),
        };
        match hub.store.take_sessions(take).await {
            Ok(took) => {
                tell_tickets(&hub, &took.barred).await;
                tell_tickets(&hub, &took.taken).await;
                took.taken
            }
            Err(error) => {
                tracing::warn!(%error, "no session was taken");
                Vec::new()
            }
        }
    }

    /// Lets go what this engine has and nobody in it works on: its task broke, or could not say so itself. It
    /// counts as lost, so that one that breaks whoever takes it comes to an end.
    async fn let_go(&self, at: &HashMap<Id, At>) -> core_store::Result<()> {
        let hub = self.foreman.hub();
        let (store, now_us) = (&hub.store, hub.clock.now_us());
        let running =
            SessionQuery { state: Some(SessionState::Running), ..SessionQuery::default() };
        let mut gone = false;
        for (_, session) in store.sessions(running).await? {
            let own = session.engine.as_deref() == Some(&self.name);
            let Some(holder) = Holder::of(&session).filter(|_| own) else { continue };
            if at.values().all(|one| one.session != session.id) {
                store.let_session_go(&holder, now_us).await?;
                gone = true;
            }
        }
        if gone {
            let changed = store.tidy_sessions(&self.foreman.rules(), now_us).await?;
            tell_tickets(&hub, &changed).await;
        }
        Ok(())
    }

    /// Holds what it has, and has what is another's put down.
    async fn renew(&self, at: &HashMap<Id, At>) {
        let hub = self.foreman.hub();
        let until = hub.clock.now_us().saturating_add(self.foreman.rules().lease_us);
        match hub.store.renew_sessions(&self.name, until).await {
            Ok(held) => {
                for one in at.values().filter(|one| !held.contains(&one.session)) {
                    one.lost.store(true, Ordering::Relaxed);
                }
            }
            Err(error) => tracing::warn!(%error, "the sessions were not held for longer"),
        }
    }
}

/// Looks whether rings open, has sessions go on whose computers are heard of again, ends maintenance modes that lost
/// sessions left, and forgets the books of what is long over.
async fn tidy(foreman: Arc<dyn Foreman>) {
    let hub = foreman.hub();
    if let Err(error) = foreman.look_after().await {
        tracing::warn!(error, "whether rings open was not looked at");
    }
    if let Err(error) = wake(&hub).await {
        tracing::warn!(error, "whether computers are heard of again was not looked at");
    }
    let before = hub.clock.now_us().saturating_sub(KEPT_US);
    match hub.store.forget_books(before, FORGOTTEN).await {
        Ok(0) => {}
        Ok(sessions) => tracing::info!(sessions, "the steps of old sessions were forgotten"),
        Err(error) => tracing::warn!(%error, "the steps of old sessions were not forgotten"),
    }
    if let Err(error) = crate::modes::release(&hub).await {
        tracing::warn!(%error, "what lost sessions have in maintenance mode was not looked at");
    }
}

async fn wake(hub: &Arc<core_sync::Hub>) -> Result<(), String> {
    let waiting = SessionQuery {
        state: Some(SessionState::Waiting),
        most: Some(AWAY),
        // What was put back stands behind what waits since it was asked for.
        newest: true,
        ..SessionQuery::default()
    };
    let waiting = hub.store.sessions(waiting).await.map_err(|error| error.to_string())?;
    let mut heard_of = Vec::new();
    for (_, session) in waiting.iter().filter(|(_, one)| one.away) {
        let SubjectId::Computer(computer) = session.subject else { continue };
        let ways = ways::ways(hub, computer, None).await.map_err(|error| error.to_string())?;
        if ways.iter().any(|way| way.online == Some(true)) {
            heard_of.push(session.subject.to_string());
        }
    }
    if !heard_of.is_empty() {
        let now_us = hub.clock.now_us();
        let woken = hub.store.ready_sessions(&heard_of, now_us).await;
        woken.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn forget(at: &mut HashMap<Id, At>, ended: Result<(Id, ()), tokio::task::JoinError>) {
    match ended {
        Ok((id, ())) => {
            at.remove(&id);
        }
        Err(error) => {
            let session = at.remove(&error.id()).map(|one| one.session.to_string());
            tracing::error!(%error, session, "a session's task broke");
        }
    }
}

/// The hub's notes on tickets say how their sessions go.
async fn tell_tickets(hub: &core_sync::Hub, sessions: &[Session]) {
    let told = core_daemon::tell_tickets(&hub.store, sessions, hub.clock.now_us()).await;
    if let Err(error) = told {
        tracing::warn!(%error, "a ticket was not told how its session goes");
    }
}

/// Carries one session out that an engine has; what came of it is in the store.
pub async fn carry(
    foreman: Arc<dyn Foreman>,
    settings: EngineSettings,
    session: Session,
    stop: &Stop,
) {
    let switch = Switch { stopping: Arc::clone(&stop.0), ..Switch::default() };
    One { foreman, settings, switch }.session(session).await;
}

/// One session at work.
struct One {
    foreman: Arc<dyn Foreman>,
    settings: EngineSettings,
    switch: Switch,
}

impl One {
    #[tracing::instrument(target = TRACES, name = "session", skip_all, fields(
        session = %session.id, subject = %session.subject, kind = session.kind.as_str(),
    ))]
    async fn session(&self, session: Session) {
        let Some(holder) = Holder::of(&session) else { return };
        if let Err(error) = self.work(&session, &holder).await {
            tracing::warn!(session = %session.id, %error, "a session was put down");
        }
    }

    async fn work(&self, session: &Session, holder: &Holder) -> core_maintenance::Result<()> {
        let hub = self.foreman.hub();
        if let Some(why) = skip::skipped(&hub, session).await? {
            return self.over(session, holder, (SessionState::Cancelled, &why), None).await;
        }
        if let Err(why) = onboarding::settle_form(&hub, session).await? {
            return self.over(session, holder, (SessionState::Failed, &why), None).await;
        }
        let mut brief = match self.foreman.brief(session).await {
            Ok(brief) => brief,
            Err(Unbriefed::Over(why)) => {
                return self.over(session, holder, (SessionState::Cancelled, &why), None).await;
            }
            Err(Unbriefed::NotNow(why)) => {
                let ready = Ready::At(hub.clock.now_us() + NOT_NOW_US);
                return self.put_back(session, holder, &why, ready).await;
            }
        };
        brief.settings.reboots_today = self.reboots_today(session).await?;
        let desk = SessionDesk {
            hub: Arc::clone(&hub),
            foreman: Arc::clone(&self.foreman),
            settings: self.settings.clone(),
            rules: self.foreman.rules(),
            session: session.clone(),
            holder: holder.clone(),
            switch: self.switch.clone(),
            word: std::sync::Mutex::default(),
            titles: std::sync::Mutex::default(),
        };
        let act = session.act_us.is_none_or(|act_us| act_us <= hub.clock.now_us());
        let stands = Desk {
            book: &desk,
            ways: &desk,
            keys: &desk,
            locks: &desk,
            clock: &desk,
            around: &desk,
            hubside: &self.settings.hubside,
        };
        let ended = Box::pin(carry_out(&brief, stands, act)).await;
        self.ended((session, &brief), holder, ended).await
    }

    /// Says what came of it, or puts the session back.
    async fn ended(
        &self,
        (session, brief): (&Session, &Brief),
        holder: &Holder,
        ended: core_maintenance::Result<Ended>,
    ) -> core_maintenance::Result<()> {
        let hub = self.foreman.hub();
        match ended {
            Ok(Ended::Over { plan, report, changed }) => {
                let now_us = hub.clock.now_us();
                let of = (session, brief);
                let traces = drift::traces(&*self.foreman, of, (&plan, &report)).await;
                let actions = report::actions(session, &plan, (&report, &traces), now_us);
                hub.store.put_session_actions(holder, &actions).await.map_err(book)?;
                let mut result = report::document(&plan, (&report, &traces), &changed);
                if session.kind == SessionKind::Onboarding {
                    result[onboarding::RESOLVED] = onboarding::resolved(brief).into();
                }
                let words = report::words(&plan, &report);
                self.over(session, holder, (report::state(&report), &words), Some(&result)).await
            }
            Ok(Ended::Planned(_)) => {
                let ready = session.act_us.map_or(Ready::Now, Ready::At);
                self.put_back(session, holder, "planned; waits for its time", ready).await
            }
            Ok(Ended::Waits { why, until }) => {
                let away = i64::try_from(self.settings.away.as_micros()).unwrap_or(i64::MAX);
                let ready = match until {
                    Some(at) => Ready::At(at.timestamp_micros()),
                    None => Ready::WhenHeardOf(hub.clock.now_us().saturating_add(away)),
                };
                self.put_back(session, holder, &format!("waits: {why}"), ready).await
            }
            Err(Error::Stopping) => {
                self.put_back(session, holder, "waits: the hub stopped", Ready::Now).await
            }
            Err(error) => Err(error),
        }
    }

    async fn reboots_today(&self, session: &Session) -> core_maintenance::Result<u32> {
        let hub = self.foreman.hub();
        let since = hub.clock.now_us() - 24 * 3_600 * 1_000_000;
        let step = serde_json::to_string(&core_plan::Step::Reboot).unwrap_or_default();
        let subject = session.subject.to_string();
        let found = hub.store.steps_since((session.id, &subject), &step, since).await;
        found.map_err(book)
    }

    async fn over(
        &self,
        session: &Session,
        holder: &Holder,
        (state, word): (SessionState, &str),
        result: Option<&serde_json::Value>,
    ) -> core_maintenance::Result<()> {
        let hub = self.foreman.hub();
        let rules = self.foreman.rules();
        let said = SessionWord {
            state,
            word,
            result,
            by: &holder.engine,
            take: Some(holder.take),
            rules: &rules,
            now_us: hub.clock.now_us(),
        };
        let told = hub.store.tell_session(session.id, said).await;
        let told = told.map_err(book)?;
        tracing::info!(session = %session.id, subject = session.subject_name, state = state.as_str(), word, "a session ended");
        tell_tickets(&hub, std::slice::from_ref(&told)).await;
        // What could not be settled now, is by whoever looks after schedules.
        if let Err(error) = onboarding::settle_onboarded(&*self.foreman, &told).await {
            tracing::warn!(session = %session.id, %error, "whether a computer is onboarded was not noted");
        }
        Ok(())
    }

    async fn put_back(
        &self,
        session: &Session,
        holder: &Holder,
        word: &str,
        ready: Ready,
    ) -> core_maintenance::Result<()> {
        let hub = self.foreman.hub();
        let now_us = hub.clock.now_us();
        let back = hub.store.put_back_session(holder, word, ready, now_us).await;
        let back = back.map_err(book)?;
        tracing::info!(session = %session.id, subject = session.subject_name, word, "a session was put back");
        tell_tickets(&hub, std::slice::from_ref(&back)).await;
        Ok(())
    }
}
