//! Everything that may happen to a session, in random orders, beside a model of it: takes, losses, words of those
//! who have it and of those who had it, putting back for a time or until its computer is heard of, books, renewals,
//! cancelling, expiry. After each step every session is what the model says. Each step is also broken off at a
//! random word to the database: then it happened or it did not, and nothing between.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use core_model::id::SessionId;
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionState};
use core_store::{Bar, CancelFilter, Error, Holder, Ready, SessionLine, SessionQuery, SessionWord};
use core_store::{Store, Take};

use super::{MINUTE, RULES, waits};
use crate::harness::{Bench, Random, first_seed};

mod model;

use model::{Model, Said};

on_both!(
    whatever_happens_to_sessions_each_is_what_a_model_says,
    broken_off_at_any_word_a_step_happened_or_did_not,
    s25_what_is_asked_for_twice_and_heard_of_again_runs_once_at_a_time,
);

const ENGINES: [&str; 3] = ["one", "two", "three"];
/// Bounds that are met all the time.
const TIGHT: QueueRules = QueueRules { at_once: 5, per_tenant: 3, per_engine: 3, ..RULES };
/// Of this computer nothing is done.
const EXCLUDED: &str = "excluded";

/// Something that happens.
#[derive(Clone, Debug)]
enum Deed {
    Ask(Box<Session>),
    Take { engine: &'static str, most: usize },
    Say { holder: Holder, state: SessionState, take: bool },
    PutBack { holder: Holder, ready: Ready },
    Write { holder: Holder, ended: bool },
    LetGo(Holder),
    Renew(&'static str),
    HeardOf(String),
    Cancel { tenant: Option<String>, running: bool },
    Recall(SessionId),
    Tidy,
}

/// Why nothing is done for a session.
fn bar(session: &Session) -> Option<Bar> {
    (session.subject_name == EXCLUDED).then(|| Bar::Surely("it is excluded".to_owned()))
}

impl Deed {
    /// Something that may happen now; whoever has or had a session is in the list.
    fn any(random: &mut Random, model: &Model, now_us: i64) -> Self {
        let holder = |random: &mut Random| {
            let all = &model.holders;
            // Mostly one of the last.
            let back = random.below(3) * random.below(all.len().div_ceil(3));
            all[all.len() - 1 - back.min(all.len() - 1)].clone()
        };
        let has = !model.holders.is_empty();
        match random.below(20) {
            0..4 => {
                let (tenant, kind) =
                    (random.below(3).to_string(), SessionKind::ALL[random.below(3)]);
                let computer = ["pc0", "pc1", "pc2", "pc3", EXCLUDED][random.below(5)];
                let mut new = waits(&tenant, computer, kind, now_us);
                if random.below(4) == 0 {
                    new.expires_us = Some(now_us + 20 * MINUTE);
                }
                if random.below(5) == 0 {
                    new.ready_us = Some(now_us + 5 * MINUTE);
                }
                if random.below(5) == 0 {
                    new.act_us = Some(now_us + 8 * MINUTE);
                }
                Self::Ask(Box::new(new))
            }
            4..9 => Self::Take { engine: ENGINES[random.below(3)], most: 1 + random.below(4) },
            9..11 if has => {
                use SessionState::{Failed, Running, Succeeded, Waiting};
                let state = [Running, Running, Succeeded, Failed, Waiting][random.below(5)];
                Self::Say { holder: holder(random), state, take: random.below(3) > 0 }
            }
            11..14 if has => {
                let holder = holder(random);
                let act_us = model.sessions.get(&holder.session).and_then(|one| one.act_us);
                let ready = match (random.below(4), act_us) {
                    (0, _) => Ready::Now,
                    (1, _) => Ready::WhenHeardOf(now_us + 15 * MINUTE),
                    // Planned, and postponed to its time.
                    (_, Some(act_us)) => Ready::At(act_us),
                    (_, None) => Ready::At(now_us + 4 * MINUTE),
                };
                Self::PutBack { holder, ready }
            }
            14 | 15 if has => Self::Write { holder: holder(random), ended: random.below(2) == 0 },
            16 if has => Self::LetGo(holder(random)),
            17 if has => match random.below(4) {
                0 => Self::Cancel {
                    tenant: (random.below(3) > 0)
                        .then(|| waits(&random.below(3).to_string(), "", SessionKind::AdHoc, 0))
                        .map(|one| one.tenant.to_string()),
                    running: random.below(2) == 0,
                },
                _ => Self::Recall(holder(random).session),
            },
            18 if has => {
                let session = holder(random).session;
                Self::HeardOf(model.sessions[&session].subject.to_string())
            }
            _ if random.below(2) == 0 => Self::Renew(ENGINES[random.below(3)]),
            _ => Self::Tidy,
        }
    }

    /// Has it happen.
    async fn happen(&self, store: &Store, number: u32, now_us: i64) -> Said {
        let done = match self {
            Self::Ask(session) => store.add_session(session).await.map(drop),
            Self::Take { engine, most } => {
                let rules = &TIGHT;
                let take = Take { engine, most: *most, tenants: None, rules, bars: &bar, now_us };
                return match store.take_sessions(take).await {
                    Ok(took) => Said::Took(took.taken.iter().map(|one| one.id).collect()),
                    Err(error) => panic!("{error}"),
                };
            }
            Self::Say { holder, state, take } => {
                let word = said(*state, &holder.engine, take.then_some(holder.take), now_us);
                store.tell_session(holder.session, word).await.map(drop)
            }
            Self::PutBack { holder, ready } => {
                store.put_back_session(holder, "back", *ready, now_us).await.map(drop)
            }
            Self::Write { holder, ended } => {
                store.put_session_line(holder, &line(number, *ended, now_us)).await
            }
            Self::LetGo(holder) => store.let_session_go(holder, now_us).await,
            Self::Renew(engine) => {
                store.renew_sessions(engine, now_us + TIGHT.lease_us).await.map(drop)
            }
            Self::HeardOf(subject) => {
                store.ready_sessions(std::slice::from_ref(subject), now_us).await.map(drop)
            }
            Self::Cancel { tenant, running } => {
                let filter = CancelFilter {
                    tenant: tenant.as_deref(),
                    running: *running,
                    ..CancelFilter::default()
                };
                store.cancel_sessions(filter, "no more", now_us).await.map(drop)
            }
            Self::Recall(id) => {
                let word = said(SessionState::Cancelled, "ana", None, now_us);
                store.tell_session(*id, word).await.map(drop)
            }
            Self::Tidy => store.tidy_sessions(&TIGHT, now_us).await.map(drop),
        };
        match done {
            Ok(()) => Said::Done,
            Err(Error::Conflict { .. }) => Said::Refused,
            Err(error) => panic!("{self:?}: {error}"),
        }
    }
}

/// The word of somebody about a session.
fn said(state: SessionState, by: &str, take: Option<u32>, now_us: i64) -> SessionWord<'_> {
    SessionWord { state, word: "so", result: None, by, take, rules: &TIGHT, now_us }
}

/// A line of a session's book.
fn line(number: u32, ended: bool, now_us: i64) -> SessionLine {
    SessionLine {
        number,
        half: "act".to_owned(),
        step: "\"check_reboot\"".to_owned(),
        run: None,
        outcome: ended.then(|| "1".to_owned()),
        said: "{}".to_owned(),
        began_us: now_us,
        ended_us: ended.then_some(now_us),
    }
}

/// Asks a deed so often how far it is, and gives it up then. None where it was given up.
async fn broken_off<T>(deed: impl Future<Output = T>, after: usize) -> Option<T> {
    let mut deed = pin!(deed);
    let mut left = after;
    std::future::poll_fn(move |context| match deed.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// What of the store is not as the model says; nothing where all of it is.
async fn difference(store: &Store, model: &Model) -> Option<String> {
    let kept = store.sessions(SessionQuery::default()).await.unwrap();
    if kept.len() != model.sessions.len() {
        return Some(format!("{} sessions instead of {}", kept.len(), model.sessions.len()));
    }
    kept.into_iter().find_map(|(_, one)| {
        let mut wanted = model.sessions[&one.id].clone();
        // The words are the store's to choose.
        wanted.word.clone_from(&one.word);
        (wanted != one).then(|| format!("{one:#?}\ninstead of {wanted:#?}"))
    })
}

/// Begins with nothing.
async fn cleared(bench: &Bench) {
    for table in ["session_line", "session_turn", "session"] {
        bench.raw(&format!("delete from {table}")).await;
    }
}

async fn whatever_happens_to_sessions_each_is_what_a_model_says(bench: Bench) {
    let mut seen = BTreeSet::new();
    for seed in first_seed()..first_seed() + 6 {
        eprintln!("seed {seed} (LINCHPIN_SEED={seed} gives it back)");
        cleared(&bench).await;
        let (mut random, mut model, mut now) = (Random(seed), Model::default(), MINUTE);
        let mut store = bench.store.clone();
        for step in 0..300 {
            now += 1 + i64::try_from(random.below(3)).unwrap() * MINUTE;
            let deed = Deed::any(&mut random, &model, now);
            let due = model.happens(&deed, now);
            let said = deed.happen(&store, step, now).await;
            assert_eq!(said, due, "seed {seed}, step {step}: {deed:?}");
            let wrong = difference(&store, &model).await;
            assert_eq!(wrong, None, "seed {seed}, step {step}: {deed:?}");
            model.ensure_bounds(&TIGHT);
            if random.below(60) == 0 {
                // The process ended, and another one opens the same store.
                store = bench.open_again().await;
            }
        }
        seen.extend(model.states().iter().copied());
    }
    assert_eq!(seen.len(), SessionState::ALL.len(), "sessions were never in some state: {seen:?}");
}

async fn broken_off_at_any_word_a_step_happened_or_did_not(bench: Bench) {
    let seed = first_seed();
    eprintln!("seed {seed} (LINCHPIN_SEED={seed} gives it back)");
    let (mut random, mut model, mut now) = (Random(seed), Model::default(), MINUTE);
    let store = bench.store.clone();
    let (mut before, mut after, mut whole) = (0, 0, 0);
    for step in 0..250 {
        now += 1 + i64::try_from(random.below(3)).unwrap() * MINUTE;
        let deed = Deed::any(&mut random, &model, now);
        let mut then = model.clone();
        let due = then.happens(&deed, now);
        let broken = broken_off(deed.happen(&store, step, now), random.below(14)).await;
        // Whatever it left under way is over when this has had its lock.
        store.renew_sessions("nobody", 0).await.unwrap();
        let what = || format!("seed {seed}, step {step}: {deed:?}, {broken:?}");
        if let Some(said) = &broken {
            assert_eq!(*said, due, "{}", what());
            whole += 1;
        }
        let wrong = difference(&store, &then).await;
        if wrong.is_none() {
            after += 1;
            // What is not seen in a session may have happened, or not: a line of its book.
            let line = matches!(&deed, Deed::Write { .. }) && broken.is_none();
            model = then;
            if line && due == Said::Done {
                let Deed::Write { holder, .. } = &deed else { unreachable!() };
                let lines = store.session_lines(holder.session, 0).await.unwrap();
                model.book_is(holder.session, &lines);
            }
            continue;
        }
        assert_eq!(broken, None, "{}: {wrong:?}", what());
        let wrong = difference(&store, &model).await;
        assert_eq!(wrong, None, "neither before nor after, {}", what());
        before += 1;
    }
    eprintln!("{whole} were not broken off, {before} had not happened, {after} had");
    assert!(before > 10 && after > 50, "{before} {after}");
}

async fn s25_what_is_asked_for_twice_and_heard_of_again_runs_once_at_a_time(bench: Bench) {
    let store = &bench.store;
    // One is pending its connection, the other sets the computer up anew; a third is planned for later.
    let pending = waits("contoso", "pc1", SessionKind::Scheduled, 1);
    store.add_session(&pending).await.unwrap();
    let take = |engine, now_us| {
        let rules = &TIGHT;
        store.take_sessions(Take { engine, most: 9, tenants: None, rules, bars: &bar, now_us })
    };
    let taken = take("one", 2).await.unwrap().taken;
    let holder = Holder::of(&taken[0]).unwrap();
    store.put_back_session(&holder, "it is off", Ready::WhenHeardOf(MINUTE), 3).await.unwrap();
    let planned = Session {
        ready_us: Some(9 * MINUTE),
        ..waits("contoso", "pc1", SessionKind::Scheduled, 5)
    };
    let onboarding = waits("contoso", "pc1", SessionKind::Onboarding, 4);
    store.add_sessions(&[planned.clone(), onboarding.clone()]).await.unwrap();
    // It connects: both may go, what is for later waits for its time all the same.
    let subject = [pending.subject.to_string()];
    assert_eq!(store.ready_sessions(&subject, 6).await.unwrap(), 1);
    assert_eq!(store.session(pending.id).await.unwrap().ready_us, None);
    let mut order = Vec::new();
    for now in 7..12 {
        let taken = take("two", now).await.unwrap().taken;
        assert!(taken.len() <= 1, "two at once: {taken:?}");
        let Some(one) = taken.first() else { break };
        assert_eq!(take("three", now).await.unwrap().taken, [], "two at once");
        order.push(one.id);
        let (state, by, rules) = (SessionState::Succeeded, "two", &TIGHT);
        let word = SessionWord {
            state,
            word: "",
            result: None,
            by,
            take: Some(one.takes),
            rules,
            now_us: now,
        };
        store.tell_session(one.id, word).await.unwrap();
    }
    assert_eq!(order, [onboarding.id, pending.id]);
    assert_eq!(take("two", 9 * MINUTE).await.unwrap().taken[0].id, planned.id);
}
