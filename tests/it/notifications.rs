//! What people are told of sessions, with several daemons at it, some of which die: each thing once, or not at all
//! where nobody knows whether it was sent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use core_daemon::{Courier, Desk, Handed, Metrics, Notifier};
use core_model::id::{ComputerId, SessionId, TenantId};
use core_model::postpone::{PostponeBy, PostponeRules};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionState};
use core_store::{
    Holder, Moving, NotificationKey, NotificationKind, NotificationState, Ready, SessionMove,
    SessionWord, Store, Take,
};
use core_sync::{Clock, Hub, Settings};
use tests::databases::{self, Database};
use tokio::sync::watch;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
/// When the sessions are to act.
const ACT: i64 = 20 * HOUR;
const SESSIONS: usize = 40;

/// A clock that is set, for all daemons of a test.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn clock(&self) -> Clock {
        let hands = Arc::clone(&self.0);
        Clock::new(move || {
            let us = hands.load(Ordering::SeqCst);
            DateTime::<Utc>::from_timestamp_micros(us).unwrap_or_default()
        })
    }

    fn set(&self, us: i64) {
        self.0.store(us, Ordering::SeqCst);
    }
}

type Handing = dyn Fn(u32) -> Handed + Send + Sync;

/// Hands over as it is told, and counts what it handed over: what a mail server would have got.
struct Counting {
    got: Mutex<BTreeMap<(SessionId, NotificationKind), u32>>,
    takes: Duration,
    answers: Mutex<Box<Handing>>,
    reached: Mutex<std::result::Result<(), String>>,
}

impl Counting {
    fn new(takes: Duration) -> Arc<Self> {
        let sent = |_| Handed::Sent(vec!["ana@contoso.example".to_owned()]);
        Arc::new(Self {
            got: Mutex::default(),
            takes,
            answers: Mutex::new(Box::new(sent)),
            reached: Mutex::new(Ok(())),
        })
    }

    fn answers(&self, answers: impl Fn(u32) -> Handed + Send + Sync + 'static) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(answers);
    }

    fn got(&self) -> BTreeMap<(SessionId, NotificationKind), u32> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Courier for Counting {
    fn is_on(&self) -> bool {
        true
    }

    async fn tells(
        &self,
        _session: &Session,
        _kind: NotificationKind,
    ) -> std::result::Result<bool, String> {
        Ok(true)
    }

    async fn is_reached(&self) -> std::result::Result<(), String> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn send(
        &self,
        session: &Session,
        kind: NotificationKind,
        _key: &NotificationKey,
    ) -> Handed {
        let times = {
            let mut got = self.got.lock().unwrap_or_else(PoisonError::into_inner);
            let times = got.entry((session.id, kind)).or_default();
            *times += 1;
            *times
        };
        tokio::time::sleep(self.takes).await;
        (self.answers.lock().unwrap_or_else(PoisonError::into_inner))(times)
    }
}

/// The same, and it dies with the third one: whoever sends is never heard of again.
struct Dying(Arc<Counting>);

#[async_trait]
impl Courier for Dying {
    fn is_on(&self) -> bool {
        true
    }

    async fn tells(
        &self,
        session: &Session,
        kind: NotificationKind,
    ) -> std::result::Result<bool, String> {
        self.0.tells(session, kind).await
    }

    async fn is_reached(&self) -> std::result::Result<(), String> {
        self.0.is_reached().await
    }

    async fn send(
        &self,
        session: &Session,
        kind: NotificationKind,
        key: &NotificationKey,
    ) -> Handed {
        let handed = self.0.send(session, kind, key).await;
        if self.0.got().len() == 3 {
            std::future::pending::<()>().await;
        }
        handed
    }
}

/// A daemon's part in it, with its own connections to the database.
async fn notifier(
    database: &Database,
    hands: &Hands,
    courier: Arc<dyn Courier>,
    name: &str,
) -> Result<(Notifier, Arc<Hub>)> {
    let store = database.open().await?;
    let hub = Arc::new(Hub::new(store, Vec::new(), Settings::default(), hands.clock()));
    let desk = Desk { hub: Arc::clone(&hub), notes: None, queue: QueueRules::default() };
    let (_sender, desk) = watch::channel(desk);
    Ok((Notifier::new(desk, courier, Arc::new(Metrics::default()), name), hub))
}

async fn taken(store: &Store, most: usize, now_us: i64) -> Result<Vec<Session>> {
    let rules = QueueRules { per_tenant: 1_000, per_engine: 1_000, ..QueueRules::default() };
    let take =
        Take { engine: "engine", most, tenants: None, rules: &rules, bars: &|_| None, now_us };
    Ok(store.take_sessions(take).await?.taken)
}

/// Sessions that were looked at, and wait for their time.
async fn planned(store: &Store, hands: &Hands) -> Result<Vec<Session>> {
    let now_us = hands.clock().now_us();
    for number in 0..SESSIONS {
        let computer = ComputerId::of_text(&format!("pc-{number}"), 1);
        let session = Session {
            kind: SessionKind::Scheduled,
            act_us: Some(ACT),
            ..Session::asked(TenantId::of_text("contoso", 1), computer, "PC", "Maintenance", now_us)
        };
        store.add_session(&session).await?;
    }
    put_back(store, now_us).await
}

/// Takes what waits, and puts it back as planned.
async fn put_back(store: &Store, now_us: i64) -> Result<Vec<Session>> {
    let mut all = Vec::new();
    for session in taken(store, SESSIONS, now_us).await? {
        let holder = Holder::of(&session).context("a holder")?;
        store.put_session_plan(&holder, "{}").await?;
        let ready = Ready::At(session.act_us.unwrap_or_default());
        all.push(store.put_back_session(&holder, "planned", ready, now_us).await?);
    }
    Ok(all)
}

async fn end(store: &Store, now_us: i64) -> Result<usize> {
    let all = taken(store, SESSIONS, now_us).await?;
    let rules = QueueRules::default();
    for session in &all {
        let word = SessionWord {
            state: SessionState::Succeeded,
            word: "",
            result: None,
            by: "engine",
            take: Some(session.takes),
            rules: &rules,
            now_us,
        };
        store.tell_session(session.id, word).await?;
    }
    Ok(all.len())
}

async fn states(
    store: &Store,
    all: &[Session],
) -> Result<BTreeMap<(NotificationKind, NotificationState), usize>> {
    let mut states = BTreeMap::new();
    for session in all {
        for row in store.notifications(session.id).await? {
            *states.entry((row.kind, row.state)).or_default() += 1;
        }
    }
    Ok(states)
}

/// Several daemons, of which one dies in its middle: nobody is told twice.
async fn told_once(database: &Database) -> Result<()> {
    let hands = Hands::default();
    hands.set(HOUR);
    let courier = Counting::new(Duration::from_millis(20));
    let (first, hub) = notifier(database, &hands, courier.clone(), "first").await?;
    // From here on it listens.
    first.look(&hub).await?;
    let all = planned(&hub.store, &hands).await?;
    ensure!(all.len() == SESSIONS);
    let (dying, dying_hub) =
        notifier(database, &hands, Arc::new(Dying(Arc::clone(&courier))), "dying").await?;
    let (second, second_hub) = notifier(database, &hands, courier.clone(), "second").await?;
    let dies = tokio::spawn(async move { dying.look(&dying_hub).await });
    // Dead between claiming a mail and saying how that went.
    while courier.got().len() < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    dies.abort();
    ensure!(dies.await.is_err_and(|error| error.is_cancelled()), "it was to be in its middle");
    let (one, other) = tokio::join!(first.look(&hub), second.look(&second_hub));
    let sent = one? + other?;
    let (before, state) = (NotificationKind::Before, states(&hub.store, &all).await?);
    let at_it = state.get(&(before, NotificationState::Sending)).copied().unwrap_or_default();
    ensure!(at_it == 1, "what the dead one was at is nobody else's: {state:?}");
    // Its time is over, and nobody sends it again.
    hands.set(HOUR + 30 * MINUTE);
    for (notifier, hub) in [(&first, &hub), (&second, &second_hub)] {
        ensure!(notifier.look(hub).await? == 0);
    }
    let state = states(&hub.store, &all).await?;
    ensure!(state[&(before, NotificationState::Unsure)] == 1, "{state:?}");
    ensure!(state[&(before, NotificationState::Sent)] == SESSIONS - 1, "{state:?}");
    ensure!(sent == SESSIONS - 3, "{sent}: the dead one had sent two, and was at the third");
    let got = courier.got();
    ensure!(got.len() == SESSIONS && got.values().all(|times| *times == 1), "{got:?}");

    // Looked at again, postponed, taken and put back: no second one.
    let rules = PostponeRules { within_us: 1_000 * HOUR, ..PostponeRules::default() };
    for session in &all {
        let to = Moving::Postpone(PostponeBy::Hour);
        let now_us = hands.clock().now_us();
        let how = SessionMove { to, rules: &rules, forced: false, by: "ana", key: None, now_us };
        hub.store.move_session(session.id, how).await?;
    }
    hands.set(ACT + HOUR);
    ensure!(put_back(&hub.store, hands.clock().now_us()).await?.len() == SESSIONS);
    let (one, other) = tokio::join!(first.look(&hub), second.look(&second_hub));
    ensure!(one? + other? == 0, "somebody was told again");
    // It is over, and that is told once, too.
    hands.set(ACT + 2 * HOUR);
    ensure!(end(&hub.store, ACT + 2 * HOUR).await? == SESSIONS);
    let (one, other) = tokio::join!(first.look(&hub), second.look(&second_hub));
    ensure!(one? + other? == SESSIONS);
    ensure!(first.look(&hub).await? + second.look(&second_hub).await? == 0);
    let got = courier.got();
    ensure!(got.len() == 2 * SESSIONS && got.values().all(|times| *times == 1), "{got:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_people_are_told_once_by_several_daemons_of_which_one_dies_on_sqlite() -> Result<()> {
    told_once(&databases::sqlite()?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_people_are_told_once_by_several_daemons_of_which_one_dies_on_postgres() -> Result<()> {
    let Some(database) = databases::postgres().await? else {
        println!("left out: no PostgreSQL answers (see TEST_POSTGRES_URL)");
        return Ok(());
    };
    told_once(&database).await?;
    databases::drop_database(&database).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_sent_is_tried_again_in_time_and_what_may_have_been_is_not() -> Result<()> {
    let database = databases::sqlite()?;
    let hands = Hands::default();
    hands.set(HOUR);
    let courier = Counting::new(Duration::ZERO);
    let (notifier, hub) = notifier(&database, &hands, courier.clone(), "one").await?;
    notifier.look(&hub).await?;
    let all = planned(&hub.store, &hands).await?;
    // Nobody is reached: nothing is handed over.
    *courier.reached.lock().unwrap_or_else(PoisonError::into_inner) = Err("it is down".to_owned());
    ensure!(notifier.look(&hub).await? == 0 && courier.got().is_empty());
    let row = hub.store.notifications(all[0].id).await?.remove(0);
    ensure!(row.state == NotificationState::Due && row.error.as_deref() == Some("it is down"));
    *courier.reached.lock().unwrap_or_else(PoisonError::into_inner) = Ok(());
    ensure!(notifier.look(&hub).await? == 0, "not yet");
    // The first time it is refused, and the second time nobody knows.
    let (refused, unsure) = ("451 greylisted".to_owned(), "it ended".to_owned());
    courier.answers(move |times| match times {
        1 => Handed::Refused(refused.clone()),
        2 => Handed::Unsure(unsure.clone()),
        _ => Handed::Sent(Vec::new()),
    });
    hands.set(HOUR + 2 * MINUTE);
    ensure!(notifier.look(&hub).await? == 0);
    hands.set(HOUR + 10 * MINUTE);
    ensure!(notifier.look(&hub).await? == 0);
    let got = courier.got();
    ensure!(got.values().all(|times| *times == 2), "{got:?}");
    hands.set(ACT - HOUR);
    ensure!(notifier.look(&hub).await? == 0, "of what may have been sent nothing is sent again");
    ensure!(courier.got() == got);
    let state = states(&hub.store, &all).await?;
    ensure!(state[&(NotificationKind::Before, NotificationState::Unsure)] == SESSIONS, "{state:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_too_late_is_told_nobody_and_what_was_before_is_no_news() -> Result<()> {
    let database = databases::sqlite()?;
    let hands = Hands::default();
    hands.set(HOUR);
    let courier = Counting::new(Duration::ZERO);
    let (notifier, hub) = notifier(&database, &hands, courier.clone(), "one").await?;
    // What waited before anybody listened.
    let old = planned(&hub.store, &hands).await?;
    ensure!(notifier.look(&hub).await? == 0 && courier.got().is_empty());
    for session in &old {
        let to = Moving::Now;
        let (rules, now_us) = (PostponeRules::default(), HOUR);
        let how = SessionMove { to, rules: &rules, forced: false, by: "ana", key: None, now_us };
        hub.store.move_session(session.id, how).await?;
    }
    ensure!(end(&hub.store, HOUR).await? == SESSIONS);
    // Two days later nobody wants to know.
    hands.set(50 * HOUR);
    ensure!(notifier.look(&hub).await? == 0 && courier.got().is_empty());
    // One that is begun between being noted and being sent is not announced.
    hands.set(2 * HOUR);
    let all = planned(&hub.store, &hands).await?;
    *courier.reached.lock().unwrap_or_else(PoisonError::into_inner) = Err("it is down".to_owned());
    notifier.look(&hub).await?;
    *courier.reached.lock().unwrap_or_else(PoisonError::into_inner) = Ok(());
    hands.set(ACT + MINUTE);
    ensure!(notifier.look(&hub).await? == 0 && courier.got().is_empty());
    let state = states(&hub.store, &all).await?;
    ensure!(state[&(NotificationKind::Before, NotificationState::Late)] == SESSIONS, "{state:?}");
    Ok(())
}
