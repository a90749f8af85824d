//! The queue beside a list that is looked through from one end to the other: a night of ten thousand
//! sessions, and small queues in which everything happens.

use std::collections::{BTreeMap, HashMap};

use core_model::id::{SessionId, TenantId};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionState};
use core_store::{CancelFilter, Store};

use super::{MINUTE, RULES, ids, says, take, waits};
use crate::harness::{Bench, Random, first_seed};

on_both!(
    s15_ten_thousand_sessions_with_two_hundred_at_once_are_taken_in_order_and_in_turns,
    whatever_happens_the_queue_gives_what_a_plain_list_gives,
);

/// What the queue should be, in the plainest way.
#[derive(Default)]
struct Plain {
    /// By kind and tenant, in order.
    waiting: BTreeMap<(SessionKind, String), Vec<Session>>,
    running: Vec<Session>,
    /// The number of each tenant's last turn.
    turns: HashMap<String, usize>,
    turn: usize,
}

impl Plain {
    fn add(&mut self, session: &Session) {
        let lane = self.waiting.entry((session.kind, session.tenant.to_string())).or_default();
        let place = |one: &Session| (one.asked_us, one.id.to_string());
        let at = lane.partition_point(|one| place(one) < place(session));
        lane.insert(at, session.clone());
    }

    /// Takes as the rules say, one after the other.
    fn take(
        &mut self,
        engine: &str,
        most: usize,
        rules: &QueueRules,
        now_us: i64,
    ) -> Vec<SessionId> {
        let mut taken = Vec::new();
        while taken.len() < most && self.running.len() < rules.at_once {
            let has = |one: &&Session| one.engine.as_deref() == Some(engine);
            if self.running.iter().filter(has).count() >= rules.per_engine {
                break;
            }
            let mut of_tenant: HashMap<String, usize> = HashMap::new();
            for one in &self.running {
                *of_tenant.entry(one.tenant.to_string()).or_default() += 1;
            }
            let may = |one: &&Session| {
                self.running.iter().all(|other| other.subject != one.subject)
                    && one.expires_us.is_none_or(|expires| expires > now_us)
            };
            let heads = self.waiting.iter().filter_map(|((kind, tenant), lane)| {
                let head = lane.iter().find(may)?;
                let running = of_tenant.get(tenant).copied().unwrap_or_default();
                let turn = self.turns.get(tenant).copied().unwrap_or_default();
                let place = (*kind, running, turn, tenant.clone());
                (running < rules.per_tenant).then_some((place, head.id))
            });
            let Some(((kind, _, _, tenant), id)) = heads.min() else { break };
            let lane = self.waiting.get_mut(&(kind, tenant.clone())).unwrap();
            let at = lane.iter().position(|one| one.id == id).unwrap();
            let mut session = lane.remove(at);
            self.turn += 1;
            self.turns.insert(tenant, self.turn);
            session.engine = Some(engine.to_owned());
            session.until_us = Some(now_us + rules.lease_us);
            session.takes += 1;
            self.running.push(session);
            taken.push(id);
        }
        taken
    }

    /// What becomes of those whose time is over.
    fn tidy(&mut self, rules: &QueueRules, now_us: i64) {
        let over = |one: &Session| one.until_us.is_some_and(|until| until <= now_us);
        let (lost, still): (Vec<Session>, Vec<Session>) =
            std::mem::take(&mut self.running).into_iter().partition(over);
        self.running = still;
        for one in lost.iter().filter(|one| one.takes < rules.most_takes) {
            self.add(one);
        }
        for lane in self.waiting.values_mut() {
            lane.retain(|one| one.expires_us.is_none_or(|expires| expires > now_us));
        }
    }
}

/// The tenant and the kind of the n-th of ten thousand: one tenant has half of them, one has five.
fn of_number(number: usize) -> (String, SessionKind) {
    let tenant = match number {
        0..5_000 => "huge".to_owned(),
        5_000..5_005 => "tiny".to_owned(),
        other => format!("t{}", other % 60),
    };
    let kind = match number % 20 {
        // What is tiny has nothing that goes before the rest.
        1 if tenant != "tiny" => SessionKind::AdHoc,
        2 if tenant != "tiny" => SessionKind::Onboarding,
        _ => SessionKind::Scheduled,
    };
    (tenant, kind)
}

async fn s15_ten_thousand_sessions_with_two_hundred_at_once_are_taken_in_order_and_in_turns(
    bench: Bench,
) {
    let mut random = Random(first_seed());
    eprintln!("seed {}", first_seed());
    let store = &bench.store;
    let rules = QueueRules { at_once: 200, per_tenant: 40, per_engine: 60, ..RULES };
    let new = |at: usize| {
        let (tenant, kind) = of_number(at);
        waits(&tenant, &format!("pc{at}"), kind, i64::try_from(at).unwrap())
    };
    let all: Vec<Session> = (0..10_000).map(new).collect();
    store.add_sessions(&all).await.unwrap();
    let mut plain = Plain::default();
    all.iter().for_each(|session| plain.add(session));
    let of: HashMap<SessionId, &Session> = all.iter().map(|one| (one.id, one)).collect();
    let (mut order, mut now, mut most_at_once) = (Vec::new(), 20_000, 0);
    let engines = ["one", "two", "three", "four", "five"];
    while order.len() < all.len() || !plain.running.is_empty() {
        now += 1;
        let (engine, most) = (engines[random.below(5)], 20 + random.below(60));
        let got = store.take_sessions(take(engine, most, &rules, now)).await.unwrap().taken;
        assert_eq!(ids(&got), plain.take(engine, most, &rules, now), "at {now}");
        most_at_once = most_at_once.max(plain.running.len());
        order.extend(ids(&got));
        for _ in 0..random.below(60).min(plain.running.len()) {
            let ended = plain.running.swap_remove(random.below(plain.running.len()));
            let by = ended.engine.as_deref().unwrap();
            store.tell_session(ended.id, says(SessionState::Succeeded, by, now)).await.unwrap();
        }
    }
    assert_eq!(most_at_once, 200);
    assert_eq!(store.count_sessions(SessionState::Succeeded).await.unwrap(), 10_000);
    // All of it was there from the beginning: each tenant's was taken kind after kind, the oldest first.
    let sessions: Vec<&Session> = order.iter().map(|id| of[id]).collect();
    let mut by_tenant: HashMap<TenantId, Vec<&Session>> = HashMap::new();
    sessions.iter().for_each(|one| by_tenant.entry(one.tenant).or_default().push(one));
    assert!(by_tenant.values().all(|all| all.is_sorted_by_key(|one| (one.kind, one.asked_us))));
    // The five are through when the sixty others had five turns or so each; five thousand still wait.
    let tiny = TenantId::of_text("tiny", 0);
    let scheduled = sessions.iter().filter(|one| one.kind == SessionKind::Scheduled);
    let last = scheduled.enumerate().filter(|(_, one)| one.tenant == tiny).map(|(at, _)| at).last();
    eprintln!("the tiny tenant's last one was number {last:?} of the scheduled ones");
    assert!(last.unwrap() < 62 * 8);
}

async fn whatever_happens_the_queue_gives_what_a_plain_list_gives(bench: Bench) {
    for seed in first_seed()..first_seed() + 8 {
        eprintln!("seed {seed} (LINCHPIN_SEED={seed} gives it back)");
        let store = &bench.store;
        // What the seed before left is none of this one's.
        let all = CancelFilter { running: true, ..CancelFilter::default() };
        store.cancel_sessions(all, "", 0).await.unwrap();
        bench.raw("delete from session_turn").await;
        one_life(store, seed).await;
    }
}

async fn one_life(store: &Store, seed: u64) {
    let mut random = Random(seed);
    let rules = QueueRules { at_once: 7, per_tenant: 3, per_engine: 4, ..RULES };
    let (mut plain, mut now) = (Plain::default(), 0);
    for step in 0..150 {
        now += i64::try_from(random.below(3)).unwrap() * MINUTE;
        let engine = ["one", "two", "three"][random.below(3)];
        match random.below(10) {
            0..4 => {
                let (tenant, computer) = (random.below(4).to_string(), random.below(3));
                let kind = SessionKind::ALL[random.below(3)];
                let asked = now + i64::from(step);
                let mut new = waits(&tenant, &format!("{seed} {computer}"), kind, asked);
                new.expires_us = (random.below(4) == 0).then_some(now + 15 * MINUTE);
                store.add_session(&new).await.unwrap();
                plain.add(&new);
            }
            4..7 => {
                let most = 1 + random.below(5);
                let got = store.take_sessions(take(engine, most, &rules, now)).await.unwrap();
                let due = plain.take(engine, most, &rules, now);
                assert_eq!(ids(&got.taken), due, "seed {seed}, step {step}");
            }
            7..9 if !plain.running.is_empty() => {
                let ended = plain.running.swap_remove(random.below(plain.running.len()));
                let by = ended.engine.as_deref().unwrap();
                let word = says(SessionState::Failed, by, now);
                store.tell_session(ended.id, word).await.unwrap();
            }
            _ => {
                store.tidy_sessions(&rules, now).await.unwrap();
                plain.tidy(&rules, now);
            }
        }
        let mut subjects: Vec<_> = plain.running.iter().map(|one| one.subject).collect();
        subjects.sort();
        subjects.dedup();
        assert_eq!(subjects.len(), plain.running.len(), "two of one subject, seed {seed}");
    }
}
