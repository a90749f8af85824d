//! What sessions should be, in the plainest way: a table of them, looked through from one end to the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use core_model::id::SessionId;
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionState};
use core_store::{Holder, Ready, SessionLine};

use super::{Deed, TIGHT, bar};

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Done,
    Refused,
    Took(Vec<SessionId>),
}

#[derive(Clone, Default)]
pub(super) struct Model {
    pub(super) sessions: BTreeMap<SessionId, Session>,
    /// Whoever took one, in that order.
    pub(super) holders: Vec<Holder>,
    /// When a step of it ended last.
    got_on: HashMap<SessionId, i64>,
    /// Each tenant's last turn.
    turns: HashMap<String, u64>,
    turn: u64,
    /// States that were seen.
    seen: BTreeSet<&'static str>,
}

impl Model {
    /// What comes of a deed.
    pub(super) fn happens(&mut self, deed: &Deed, now: i64) -> Said {
        let said = match deed {
            Deed::Ask(session) => {
                self.sessions.entry(session.id).or_insert_with(|| (**session).clone());
                Said::Done
            }
            Deed::Take { engine, most } => Said::Took(self.take(engine, *most, now)),
            Deed::Say { holder, state, take } => self.say(holder, *state, *take, now),
            Deed::PutBack { holder, ready } => self.put_back(holder, *ready, now),
            Deed::Write { holder, ended } => self.his(holder, |model| {
                if *ended {
                    model.got_on.insert(holder.session, now);
                }
            }),
            Deed::LetGo(holder) => self.his(holder, |model| {
                model.one(holder.session).until_us = Some(now);
            }),
            Deed::Renew(engine) => {
                for one in self.running_mut().filter(|one| one.engine.as_deref() == Some(engine)) {
                    one.until_us = Some(now + TIGHT.lease_us);
                }
                Said::Done
            }
            Deed::HeardOf(subject) => {
                let waits = |one: &&mut Session| {
                    one.state == SessionState::Waiting
                        && one.away
                        && one.subject.to_string() == *subject
                        && one.ready_us.is_some_and(|ready| ready > now)
                };
                for one in self.sessions.values_mut().filter(waits) {
                    (one.ready_us, one.away, one.changed_us) = (None, false, now);
                }
                Said::Done
            }
            Deed::Cancel { tenant, running } => {
                for one in self.sessions.values_mut() {
                    let state = one.state == SessionState::Waiting
                        || (*running && one.state == SessionState::Running);
                    if state && tenant.as_ref().is_none_or(|id| *id == one.tenant.to_string()) {
                        end(one, SessionState::Cancelled, now);
                    }
                }
                Said::Done
            }
            Deed::Recall(id) => {
                let one = self.one(*id);
                if one.state.is_over() {
                    return Said::Refused;
                }
                end(one, SessionState::Cancelled, now);
                Said::Done
            }
            Deed::Tidy => {
                self.tidy(now);
                Said::Done
            }
        };
        self.seen.extend(self.sessions.values().map(|one| one.state.as_str()));
        said
    }

    fn one(&mut self, id: SessionId) -> &mut Session {
        self.sessions.get_mut(&id).unwrap()
    }

    fn running_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.sessions.values_mut().filter(|one| one.state == SessionState::Running)
    }

    fn running(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values().filter(|one| one.state == SessionState::Running)
    }

    /// Done where he has it, refused where he has it no more.
    fn his(&mut self, holder: &Holder, act: impl FnOnce(&mut Self)) -> Said {
        let one = &self.sessions[&holder.session];
        let has = one.state == SessionState::Running
            && one.engine.as_deref() == Some(&holder.engine)
            && one.takes == holder.take;
        if !has {
            return Said::Refused;
        }
        act(self);
        Said::Done
    }

    fn put_back(&mut self, holder: &Holder, ready: Ready, now: i64) -> Said {
        self.his(holder, |model| {
            let one = model.one(holder.session);
            (one.state, one.until_us, one.engine) = (SessionState::Waiting, None, None);
            (one.ready_us, one.away) = match ready {
                Ready::Now => (None, false),
                Ready::At(at) => (Some(at), false),
                Ready::WhenHeardOf(at) => (Some(at), true),
            };
            (one.fruitless, one.changed_us) = (0, now);
        })
    }

    fn say(&mut self, holder: &Holder, state: SessionState, take: bool, now: i64) -> Said {
        let one = &self.sessions[&holder.session];
        let (by, is) = (&holder.engine, one.state);
        let may = match is {
            // Who lost it, and who speaks of a beginning, hears that it is over.
            SessionState::Waiting => {
                one.lost_by.as_ref() != Some(by)
                    && !take
                    && (state != SessionState::Running || self.may_begin(one, by, now))
            }
            SessionState::Running => {
                state != SessionState::Waiting
                    && one.engine.as_ref().is_none_or(|engine| engine == by)
                    && (!take || one.takes == holder.take)
            }
            _ => false,
        };
        if !may {
            return Said::Refused;
        }
        if state == SessionState::Running && is == SessionState::Waiting {
            self.begins(holder.session, by, now);
        }
        let one = self.one(holder.session);
        one.state = state;
        one.changed_us = now;
        one.until_us = (state == SessionState::Running).then_some(now + TIGHT.lease_us);
        if state != SessionState::Waiting {
            one.engine = Some(by.clone());
        }
        Said::Done
    }

    /// Whether nothing stands against a beginning but that it is no one's turn.
    fn may_begin(&self, one: &Session, engine: &str, now: i64) -> bool {
        let of = |is: &dyn Fn(&Session) -> bool| self.running().filter(|other| is(other)).count();
        one.expires_us.is_none_or(|expires| expires > now)
            && one.ready_us.is_none_or(|ready| ready <= now)
            && of(&|other| other.subject == one.subject) == 0
            && self.running().count() < TIGHT.at_once
            && of(&|other| other.tenant == one.tenant) < TIGHT.per_tenant
            && of(&|other| other.engine.as_deref() == Some(engine)) < TIGHT.per_engine
    }

    fn begins(&mut self, id: SessionId, engine: &str, now: i64) {
        self.turn += 1;
        let turn = self.turn;
        let one = self.one(id);
        one.state = SessionState::Running;
        one.engine = Some(engine.to_owned());
        one.takes += 1;
        (one.begun_us, one.until_us) = (Some(now), Some(now + TIGHT.lease_us));
        (one.ready_us, one.away, one.lost_by, one.changed_us) = (None, false, None, now);
        let (tenant, take) = (one.tenant.to_string(), one.takes);
        self.turns.insert(tenant, turn);
        self.holders.push(Holder { session: id, engine: engine.to_owned(), take });
    }

    /// By kind; of a kind the tenant with the fewest running, of those the one whose turn is longest ago; of a
    /// tenant the oldest. What is barred is taken back when its turn comes.
    fn take(&mut self, engine: &str, most: usize, now: i64) -> Vec<SessionId> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let place = |one: &Session| {
                let tenant = one.tenant.to_string();
                let running = self.running().filter(|other| other.tenant == one.tenant).count();
                let turn = self.turns.get(&tenant).copied().unwrap_or_default();
                (one.kind, running, turn, tenant, one.asked_us, one.id.to_string())
            };
            let waiting = self.sessions.values().filter(|one| one.state == SessionState::Waiting);
            let may = waiting.filter(|one| self.may_begin(one, engine, now));
            let Some(next) = may.min_by_key(|one| place(one)).map(|one| one.id) else { break };
            if bar(&self.sessions[&next]).is_some() {
                end(self.one(next), SessionState::Cancelled, now);
                self.one(next).lost_by = None;
                continue;
            }
            self.begins(next, engine, now);
            taken.push(next);
        }
        taken
    }

    fn tidy(&mut self, now: i64) {
        let got_on = &self.got_on;
        // What is lost waits again, and may have waited too long by then.
        for one in self.sessions.values_mut() {
            let lost = one.until_us.is_some_and(|until| until <= now);
            if one.state == SessionState::Running && lost {
                let got_on = got_on.get(&one.id).is_some_and(|at| Some(*at) >= one.begun_us);
                one.fruitless = if got_on { 0 } else { one.fruitless + 1 };
                if one.fruitless >= TIGHT.most_takes {
                    end(one, SessionState::Failed, now);
                } else {
                    one.lost_by = one.engine.take();
                    (one.state, one.until_us) = (SessionState::Waiting, None);
                    one.changed_us = now;
                }
            }
            let expired = one.expires_us.is_some_and(|expires| expires <= now);
            if one.state == SessionState::Waiting && expired {
                end(one, SessionState::Expired, now);
            }
        }
    }

    /// What is in the book of a session after a line that may not have got there.
    pub(super) fn book_is(&mut self, id: SessionId, lines: &[SessionLine]) {
        match lines.iter().filter_map(|line| line.ended_us).max() {
            Some(at) => self.got_on.insert(id, at),
            None => self.got_on.remove(&id),
        };
    }

    /// No bound is passed, and no computer is worked on twice at once.
    pub(super) fn ensure_bounds(&self, rules: &QueueRules) {
        let subjects: BTreeSet<_> = self.running().map(|one| one.subject).collect();
        assert_eq!(subjects.len(), self.running().count(), "two of one computer");
        assert!(self.running().count() <= rules.at_once);
    }

    pub(super) fn states(&self) -> &BTreeSet<&'static str> {
        &self.seen
    }
}

fn end(one: &mut Session, state: SessionState, now: i64) {
    (one.state, one.until_us, one.changed_us) = (state, None, now);
}
