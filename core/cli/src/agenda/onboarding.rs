//! Computers that need onboarding: each gets a session for it where the settings say so, and is onboarded when one
//! succeeded, whoever carried it out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use core_engine::{Foreman, Onboarded, settle_onboarded};
use core_model::entity::{Computer, EntityKind};
use core_model::library::{SubjectId, SubjectKind};
use core_model::session::{Session, SessionKind, SessionState};
use core_store::{EntityQuery, SessionQuery, Store};

use crate::commands::find;
use crate::context::Context;
use crate::failure::Failure;
use crate::live::Kept;

/// So many sessions that are over are looked at at once.
const AT_ONCE: usize = 500;
/// After how long one that came to nothing is tried again, microseconds: a day.
const AGAIN_US: i64 = 86_400 * 1_000_000;

/// Up to which change of a session it was looked what came of it.
#[derive(Default)]
pub(super) struct Seen(AtomicI64);

impl Seen {
    /// Looks after both; gives how many sessions were made.
    pub(super) async fn tidy(
        &self,
        context: &Arc<Context>,
        (kept, foreman): (&Arc<Kept>, &dyn Foreman),
        now: DateTime<Utc>,
    ) -> Result<u64, Failure> {
        self.settle(&context.store, foreman).await?;
        if !context.config.maintenance.onboarding {
            return Ok(0);
        }
        let world = kept.world(context).await?;
        let (resolver, snapshot) = (&world.resolver, world.resolver.snapshot());
        let kind = SubjectKind::Computer;
        let mut wanted: HashMap<String, Session> = HashMap::new();
        for number in snapshot.to_onboard().iter() {
            let subject = snapshot.subject(kind, number).zip(snapshot.tenant_id(kind, number));
            let Some((subject, tenant)) = subject else { continue };
            if resolver.left_alone(kind, number).is_some() {
                continue;
            }
            let now_us = now.timestamp_micros();
            let session = Session {
                kind: SessionKind::Onboarding,
                expires_us: Some(now_us.saturating_add(context.config.queue.waits_us)),
                ..Session::asked(
                    tenant,
                    subject,
                    &snapshot.name(kind, number),
                    "Onboarding",
                    now_us,
                )
            };
            wanted.insert(subject.to_string(), session);
        }
        if wanted.is_empty() {
            return Ok(0);
        }
        let missing = missing(&context.store, wanted, now).await?;
        let made = context.store.add_new_sessions(&missing).await?;
        Ok(u64::try_from(made.len()).unwrap_or(u64::MAX))
    }

    /// Notes which computers are onboarded by sessions that succeeded.
    async fn settle(&self, store: &Store, foreman: &dyn Foreman) -> Result<(), Failure> {
        let query = SessionQuery {
            kind: Some(SessionKind::Onboarding),
            state: Some(SessionState::Succeeded),
            after: self.0.load(Ordering::Relaxed),
            most: Some(AT_ONCE),
            ..SessionQuery::default()
        };
        for (seq, session) in store.sessions(query).await? {
            let settled = settle_onboarded(foreman, &session).await;
            match settled.map_err(|error| Failure::failed(error.to_string()))? {
                // It is looked at again.
                Onboarded::NotNow => return Ok(()),
                Onboarded::Nothing | Onboarded::Again(_) | Onboarded::Done => {
                    self.0.store(seq, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }
}

/// Those that have none yet, and those whose last one came to nothing a day ago.
async fn missing(
    store: &Store,
    wanted: HashMap<String, Session>,
    now: DateTime<Utc>,
) -> Result<Vec<Session>, Failure> {
    let ids: Vec<String> = wanted.keys().cloned().collect();
    let query = SessionQuery {
        kind: Some(SessionKind::Onboarding),
        subjects: Some(&ids),
        ..SessionQuery::default()
    };
    let mut last: HashMap<SubjectId, Session> = HashMap::new();
    for (_, session) in store.sessions(query).await? {
        match last.get(&session.subject) {
            Some(other) if other.asked_us > session.asked_us => {}
            _ => {
                last.insert(session.subject, session);
            }
        }
    }
    let over = last.values().filter(|one| one.state.is_over());
    let over: Vec<String> = over.map(|one| one.subject.to_string()).collect();
    let mut wiped: HashMap<String, i64> = HashMap::new();
    if !over.is_empty() {
        let query = EntityQuery { ids: Some(&over), ..EntityQuery::all(EntityKind::Computer) };
        for row in store.entities(&query).await? {
            let computer: Computer = find::read(&row)?;
            wiped.extend(computer.wipes.last().map(|at| (row.id.clone(), at.timestamp_micros())));
        }
    }
    let mut missing: Vec<Session> = wanted
        .into_iter()
        .filter(|(id, session)| {
            wants(last.get(&session.subject), wiped.get(id).copied(), now.timestamp_micros())
        })
        .map(|(_, session)| session)
        .collect();
    missing.sort_by_key(|session| session.id);
    Ok(missing)
}

/// Whether a computer that needs onboarding gets a session, after the last one of that kind. What somebody took back is
/// not asked for again by itself, unless the computer was wiped since.
fn wants(last: Option<&Session>, wiped_us: Option<i64>, now_us: i64) -> bool {
    let Some(last) = last else { return true };
    let wiped = wiped_us.is_some_and(|wiped| wiped > last.asked_us);
    match last.state {
        SessionState::Waiting | SessionState::Running => false,
        _ if wiped => true,
        SessionState::Succeeded | SessionState::Cancelled => false,
        SessionState::Failed | SessionState::Expired => last.changed_us + AGAIN_US <= now_us,
    }
}

#[cfg(test)]
mod tests {
    use core_model::id::{ComputerId, TenantId};

    use super::*;

    #[test]
    fn a_computer_gets_one_session_and_another_after_a_day_or_a_wipe() {
        let of = |state, changed_us| {
            let (tenant, pc) = (TenantId::of_text("t", 0), ComputerId::of_text("pc", 0));
            let asked = Session::asked(tenant, pc, "PC", "Onboarding", 100);
            Some(Session { state, changed_us, ..asked })
        };
        use SessionState::{Cancelled, Expired, Failed, Running, Succeeded, Waiting};
        assert!(wants(None, None, 0));
        for (state, wiped, now, wanted) in [
            (Waiting, None, i64::MAX, false),
            (Running, Some(500), i64::MAX, false),
            (Succeeded, None, i64::MAX, false),
            (Succeeded, Some(99), i64::MAX, false),
            (Succeeded, Some(101), 102, true),
            (Cancelled, None, i64::MAX, false),
            (Cancelled, Some(101), 102, true),
            (Failed, None, 200 + AGAIN_US - 1, false),
            (Failed, None, 200 + AGAIN_US, true),
            (Expired, None, 200 + AGAIN_US, true),
        ] {
            let last = of(state, 200);
            assert_eq!(wants(last.as_ref(), wiped, now), wanted, "{state:?} {wiped:?} {now}");
        }
    }
}
