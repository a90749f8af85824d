//! Setting computers up: what was entered for one is settled before anything is resolved, and one is onboarded when a
//! session of the kind succeeded and nothing else holds for it since.

use std::collections::BTreeSet;
use std::sync::Arc;

use core_maintenance::{Brief, Demand, Result};
use core_model::decision::Settled;
use core_model::entity::{Agent, Computer, Entity, EntityKind, Onboarding, Person, Pin};
use core_model::id::{ComputerId, SessionId};
use core_model::library::SubjectId;
use core_model::session::{Session, SessionKind, SessionState};
use core_model::{RecordKind, RecordRef};
use core_store::{EntityQuery, SessionQuery};
use core_sync::Hub;
use serde_json::Value;

use crate::desk::book;
use crate::foreman::{Foreman, Unbriefed};

/// So many sessions follow one another at the most because what holds changed meanwhile.
const STAGES: usize = 3;
/// Where the result of a session has the deployments that held.
pub(crate) const RESOLVED: &str = "resolved";

/// What came of a computer that was set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onboarded {
    /// Nothing: it is none of that, was settled before, or was wiped since.
    Nothing,
    /// Something else holds for it since: this session does that.
    Again(SessionId),
    /// It is onboarded.
    Done,
    /// That cannot be told just now.
    NotNow,
}

/// The deployments that hold, in one order.
pub(crate) fn resolved(brief: &Brief) -> Vec<String> {
    let ids = brief.demands.iter().filter_map(|demand| match demand {
        Demand::Won { deployment, .. } | Demand::Held { deployment, .. } => {
            Some(deployment.id.to_string())
        }
        Demand::Unknown { .. } => None,
    });
    ids.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Settles who will use a computer, where somebody entered it: why that cannot be, where it cannot.
pub(crate) async fn settle_form(
    hub: &Hub,
    session: &Session,
) -> Result<std::result::Result<(), String>> {
    let form = session.form.as_ref();
    let Some(wanted) = form.and_then(|form| form.primary_person.as_deref()) else {
        return Ok(Ok(()));
    };
    // It belongs before the first look: who was pinned since then stays.
    if hub.store.session_plan(session.id).await.map_err(book)?.is_some() {
        return Ok(Ok(()));
    }
    let SubjectId::Computer(id) = session.subject else { return Ok(Ok(())) };
    let Some(computer) = computer(hub, id).await? else { return Ok(Ok(())) };
    let Some(person) = person(hub, session, wanted).await? else {
        return Ok(Err(format!("there is nobody with the UPN {wanted} at its tenant")));
    };
    let pinned = computer.pin.as_ref();
    if pinned.is_some_and(|pin| matches!(pin, Pin::Person { person: of } if *of == person.id)) {
        return Ok(Ok(()));
    }
    let Some(agent) = agent(hub, &computer).await? else { return Ok(Ok(())) };
    let Person { connection, directory, directory_id, .. } = person;
    let person = Some(RecordRef::new(connection, RecordKind::Person, directory, directory_id));
    decide(hub, &Settled::PinPrimary { agent, person }, session).await?;
    Ok(Ok(()))
}

/// Notes that a computer is onboarded where a session that set it up succeeded. Where something else holds for it by
/// now than when that session was resolved, because it got its primary person meanwhile, another one does that first.
///
/// # Errors
/// When the store fails.
pub async fn settle_onboarded(foreman: &dyn Foreman, session: &Session) -> Result<Onboarded> {
    let plain = session.run.item.is_none() && !session.run.detect_only;
    let SubjectId::Computer(id) = session.subject else { return Ok(Onboarded::Nothing) };
    if session.kind != SessionKind::Onboarding || session.state != SessionState::Succeeded || !plain
    {
        return Ok(Onboarded::Nothing);
    }
    let hub = foreman.hub();
    let Some(computer) = computer(&hub, id).await? else { return Ok(Onboarded::Nothing) };
    let wiped = computer.wipes.last().map(|at| at.timestamp_micros());
    let since = wiped.is_some_and(|wiped| wiped > session.asked_us);
    if computer.gone || computer.onboarding == Onboarding::Done || since {
        return Ok(Onboarded::Nothing);
    }
    let then = session.result.as_ref().and_then(|result| result.get(RESOLVED));
    if let Some(Value::Array(then)) = then {
        let now = match foreman.brief(session).await {
            Ok(brief) => resolved(&brief),
            Err(Unbriefed::NotNow(_)) => return Ok(Onboarded::NotNow),
            Err(Unbriefed::Over(_)) => return Ok(Onboarded::Nothing),
        };
        let then: Vec<&str> = then.iter().filter_map(Value::as_str).collect();
        if then != now && stages(&hub, session).await? < STAGES {
            return Ok(Onboarded::Again(again(&hub, session).await?));
        }
    }
    let Some(agent) = agent(&hub, &computer).await? else { return Ok(Onboarded::Nothing) };
    decide(&hub, &Settled::Onboarded { agent }, session).await?;
    tracing::info!(computer = %id, name = computer.name, "a computer is onboarded");
    Ok(Onboarded::Done)
}

/// How many sessions followed one another already.
async fn stages(hub: &Arc<Hub>, session: &Session) -> Result<usize> {
    let group = group(session);
    let query = SessionQuery {
        kind: Some(SessionKind::Onboarding),
        group: Some(&group),
        ..SessionQuery::default()
    };
    let of_group = hub.store.sessions(query).await.map_err(book)?;
    Ok(1 + of_group.iter().filter(|(_, one)| one.subject == session.subject).count())
}

fn group(session: &Session) -> String {
    session.group.clone().unwrap_or_else(|| session.id.to_string())
}

/// Another one of the same, by whoever asked for it.
async fn again(hub: &Arc<Hub>, session: &Session) -> Result<SessionId> {
    let now_us = hub.clock.now_us();
    let next = Session {
        // Whoever comes to this twice asks for it once.
        id: SessionId::of_text(&format!("{} again", session.id), session.changed_us),
        kind: SessionKind::Onboarding,
        group: Some(group(session)),
        form: session.form.clone(),
        asked_by: session.asked_by.clone(),
        expires_us: session.expires_us.map(|until| now_us.saturating_add(until - session.asked_us)),
        word: "what holds for it changed while it was set up".to_owned(),
        ..Session::asked(
            session.tenant,
            session.subject,
            &session.subject_name,
            &session.title,
            now_us,
        )
    };
    Ok(hub.store.add_session(&next).await.map_err(book)?.id)
}

async fn computer(hub: &Hub, id: ComputerId) -> Result<Option<Computer>> {
    let row = hub.store.entity(EntityKind::Computer, &id.to_string()).await.map_err(book)?;
    row.map(|row| row.read().map_err(book)).transpose()
}

/// The record of an agent of a computer, by which a decision names it.
async fn agent(hub: &Hub, computer: &Computer) -> Result<Option<RecordRef>> {
    let Some(id) = computer.agents.first() else { return Ok(None) };
    let row = hub.store.entity(Agent::KIND, &id.to_string()).await.map_err(book)?;
    let Some(row) = row else { return Ok(None) };
    let agent: Agent = row.read().map_err(book)?;
    Ok(Some(RecordRef::new(agent.connection, RecordKind::Agent, agent.scope, agent.key)))
}

/// Who is meant: somebody of the session's tenant, by UPN in any case.
async fn person(hub: &Hub, session: &Session, upn: &str) -> Result<Option<Person>> {
    let tenant = session.tenant.to_string();
    let query = EntityQuery { tenant: Some(&tenant), ..EntityQuery::all(EntityKind::Person) };
    for row in hub.store.entities(&query).await.map_err(book)? {
        let person: Person = row.read().map_err(book)?;
        if !person.gone && person.upn.eq_ignore_ascii_case(upn.trim()) {
            return Ok(Some(person));
        }
    }
    Ok(None)
}

/// Notes a decision and derives the model from it. Where somebody else is deriving, he or the next one takes it.
async fn decide(hub: &Hub, settled: &Settled, session: &Session) -> Result<()> {
    let by = match session.asked_by.as_str() {
        "" => format!("session {}", session.id),
        who => format!("{who}, by session {}", session.id),
    };
    hub.store.add_decision(settled, &by, hub.clock.now_us()).await.map_err(book)?;
    if let Err(error) = hub.derive().await {
        tracing::warn!(%error, "a decision is noted, and what comes of it not yet");
    }
    Ok(())
}
