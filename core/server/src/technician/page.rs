//! The page itself.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use core_model::access::Role;
use core_model::library::SubjectId;
use core_model::session::{Session, SessionState};
use core_model::stop::Stop;
use core_model::ticket::{Offer, TicketMachine, TicketView};

use super::{LONGEST, own_path, seen};
use crate::asked::Asked;
use crate::page::{NOBODY, html};
use crate::problem::Problem;
use crate::{Api, assets};

/// Sessions that are shown.
const SESSIONS: usize = 20;

#[derive(Template)]
#[template(path = "technician.html")]
struct Page<'a> {
    css: String,
    script: String,
    path: String,
    csrf: &'a str,
    shown: &'a str,
    /// Whether the caller may deploy and join.
    may: bool,
    view: &'a TicketView,
    /// From when to when an exception may end.
    today: String,
    latest: String,
    stale: Option<String>,
    machines: Vec<Machine<'a>>,
    person: Vec<Choice<'a>>,
    tenant: Vec<Choice<'a>>,
    sessions: Sessions,
}

/// A computer as it is shown.
struct Machine<'a> {
    one: &'a TicketMachine,
    /// `online`, `offline` or `unknown`: the style's word.
    state: &'static str,
    says: String,
    about: String,
    why: &'static str,
    joins: Vec<Join<'a>>,
    choices: Vec<Choice<'a>>,
}

/// A remote session that can be joined.
struct Join<'a> {
    agent: String,
    connection: &'a str,
    offline: bool,
}

/// Something that may be deployed.
struct Choice<'a> {
    offer: &'a Offer,
    subject: String,
    deployment: String,
    /// Whether an exception can be made, so that it is not undone.
    excepts: bool,
    /// A session for it that is not over.
    active: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct Sessions {
    path: String,
    csrf: String,
    may: bool,
    rows: Vec<Row>,
}

struct Row {
    session: Session,
    id: String,
    state: &'static str,
    says: &'static str,
    asked: String,
    over: bool,
    /// What it waits for, where something else of its subject runs.
    waits: Option<String>,
}

#[derive(Template)]
#[template(path = "technician_sign_in.html")]
struct SignIn {
    css: String,
    script: String,
}

#[derive(Template)]
#[template(path = "join.html")]
struct Joining<'a> {
    css: String,
    name: &'a str,
    link: &'a str,
    path: String,
}

/// The page that leads into a remote session, in the place of the ticket's. The link may carry a right to
/// enter: nobody keeps it.
pub(super) fn joining(
    api: &Api,
    view: &TicketView,
    (name, link): (&str, &str),
) -> Result<Response, Problem> {
    let framed_by = api.technician.framed_by(&view.connection);
    let css = assets::path("technician.css");
    let page = Joining { css, name, link, path: own_path(view) };
    html(StatusCode::OK, &page, framed_by.as_deref().unwrap_or(NOBODY))
}

/// Shows a ticket.
pub(crate) async fn page(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let framed_by = api.technician.framed_by(asked.id("connection"));
    let framed_by = framed_by.as_deref().unwrap_or(NOBODY);
    let Some(caller) = &asked.caller else {
        // Within a frame nobody can sign in; a window of its own does, and hands it over.
        let sign_in =
            SignIn { css: assets::path("technician.css"), script: assets::path("handover.js") };
        return html(StatusCode::UNAUTHORIZED, &sign_in, framed_by);
    };
    caller.must_be(Role::Reader)?;
    let view = seen(&api, &asked).await?;
    let now = DateTime::from_timestamp_micros(api.now_us()).unwrap_or_default();
    let may = caller.must_be(Role::Technician).is_ok();
    let csrf = caller.csrf().unwrap_or_default();
    let path = own_path(&view);
    let hindered = hindered(&api, &view.sessions).await?;
    let choice = |offer| choice(&view, offer);
    let page = Page {
        css: assets::path("technician.css"),
        script: assets::path("technician.js"),
        csrf,
        shown: &caller.shown,
        may,
        stale: view
            .stale
            .as_ref()
            .map(|why| format!("{why}. Shown is what was known {}", ago(view.read_at, now))),
        machines: view.computers.iter().map(|one| machine(&view, one, now)).collect(),
        person: view.for_person.iter().map(choice).collect(),
        tenant: view.for_tenant.iter().map(choice).collect(),
        sessions: Sessions {
            rows: rows(view.sessions.clone(), &hindered),
            path: path.clone(),
            csrf: csrf.to_owned(),
            may,
        },
        path,
        today: now.date_naive().to_string(),
        latest: (now.date_naive() + LONGEST).to_string(),
        view: &view,
    };
    html(StatusCode::OK, &page, framed_by)
}

/// The part of the page with the sessions; nothing where it cannot be written.
pub(super) fn sessions_of(
    sessions: Vec<Session>,
    hindered: &Hindered,
    (connection, key): (&str, &str),
    csrf: &str,
) -> Option<String> {
    let path = core_daemon::page_of("", connection, key);
    let mut sessions = sessions;
    sessions.sort_by_key(|session| std::cmp::Reverse(session.asked_us));
    let rows = rows(sessions, hindered);
    let part = Sessions { rows, path, csrf: csrf.to_owned(), may: !csrf.is_empty() };
    part.render().ok()
}

/// What sessions wait for that are not begun.
#[derive(Default)]
pub(super) struct Hindered {
    /// The subjects for which another one runs.
    busy: Vec<String>,
    /// What is stopped.
    stops: Vec<Stop>,
}

impl Hindered {
    fn why(&self, session: &Session) -> Option<String> {
        if session.state != SessionState::Waiting {
            return None;
        }
        let busy = self.busy.contains(&session.subject.to_string());
        let held = core_model::stop::held(&self.stops, session).map(|why| format!("Held: {why}"));
        held.or(busy.then(|| format!("Another session of {} runs first", session.subject_name)))
    }
}

/// What those of these sessions wait for that wait.
pub(super) async fn hindered(api: &Api, sessions: &[Session]) -> core_store::Result<Hindered> {
    let waiting = sessions.iter().filter(|one| one.state == SessionState::Waiting);
    let subjects: Vec<String> = waiting.map(|one| one.subject.to_string()).collect();
    match subjects.as_slice() {
        [] => Ok(Hindered::default()),
        subjects => Ok(Hindered {
            busy: api.store.busy_subjects(subjects).await?,
            stops: api.store.stops().await?,
        }),
    }
}

fn rows(sessions: Vec<Session>, hindered: &Hindered) -> Vec<Row> {
    let row = |session: Session| Row {
        id: session.id.to_string(),
        state: session.state.as_str(),
        says: match session.state {
            SessionState::Waiting => "Waiting",
            SessionState::Running => "Under way",
            SessionState::Succeeded => "Done",
            SessionState::Failed => "Failed",
            SessionState::Cancelled => "Taken back",
            SessionState::Expired => "Waited too long",
        },
        asked: time(DateTime::from_timestamp_micros(session.asked_us).unwrap_or_default()),
        over: session.state.is_over(),
        waits: hindered.why(&session),
        session,
    };
    sessions.into_iter().take(SESSIONS).map(row).collect()
}

fn choice<'a>(view: &TicketView, offer: &'a Offer) -> Choice<'a> {
    let of_it = |session: &&Session| {
        !session.state.is_over()
            && session.deployment == Some(offer.deployment)
            && session.subject == offer.subject
    };
    let active = view.sessions.iter().find(of_it).map(|session| match session.state {
        SessionState::Running => "Under way",
        _ => "Waiting",
    });
    Choice {
        offer,
        subject: offer.subject.to_string(),
        deployment: offer.deployment.to_string(),
        excepts: matches!(offer.subject, SubjectId::Computer(_)) && offer.warning.is_some(),
        active,
    }
}

fn machine<'a>(view: &TicketView, one: &'a TicketMachine, now: DateTime<Utc>) -> Machine<'a> {
    let (state, says) = match (one.online, one.last_seen) {
        (Some(true), _) => ("online", "Online".to_owned()),
        (Some(false), Some(at)) => ("offline", format!("Offline, last seen {}", ago(at, now))),
        (Some(false), None) => ("offline", "Offline".to_owned()),
        (None, _) => ("unknown", "No agent says whether it is online".to_owned()),
    };
    let parts = [one.model.as_deref(), one.os.as_deref(), one.serial.as_deref()];
    let joins = one.agents.iter().filter(|agent| agent.joins).map(|agent| Join {
        agent: agent.id.to_string(),
        connection: &agent.connection,
        offline: agent.online == Some(false),
    });
    Machine {
        one,
        state,
        says,
        about: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        why: match (one.on_ticket, one.of_person) {
            (true, true) => "On the ticket, and this person's computer",
            (true, false) => "On the ticket",
            (false, _) => "This person's computer",
        },
        joins: joins.collect(),
        choices: one.offers.iter().map(|offer| choice(view, offer)).collect(),
    }
}

/// How long ago something was, as people say it.
fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let past: TimeDelta = now - at;
    let words = |number: i64, unit: &str| match number {
        1 => format!("1 {unit} ago"),
        number => format!("{number} {unit}s ago"),
    };
    match (past.num_minutes(), past.num_hours(), past.num_days()) {
        (minutes, ..) if minutes < 1 => "just now".to_owned(),
        (minutes, ..) if minutes < 60 => words(minutes, "minute"),
        (_, hours, _) if hours < 48 => words(hours, "hour"),
        (_, _, days) => words(days, "day"),
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_told_as_people_tell_it() {
        let now: DateTime<Utc> = "2026-11-29T12:00:00Z".parse().unwrap();
        for (seconds, words) in [
            (-5, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3599, "59 minutes ago"),
            (3600, "1 hour ago"),
            (47 * 3600, "47 hours ago"),
            (48 * 3600, "2 days ago"),
        ] {
            assert_eq!(ago(now - TimeDelta::seconds(seconds), now), words);
        }
    }
}
