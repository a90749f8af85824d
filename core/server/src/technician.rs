//! The page inside a ticket: whose it is, which computers it is about, what may be deployed, and how what
//! was deployed goes. The ticket's id comes out of a URL and is a hint: what is shown is what the caller may
//! see, and what is deployed is what was offered.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::header::ACCEPT;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, TimeDelta};
use core_model::access::Role;
use core_model::id::{AgentId, SessionId};
use core_model::library::SubjectId;
use core_model::session::{Session, SessionState, TicketRef};
use core_model::ticket::{Offer, TicketView};
use core_store::{Error, NewDelivery, SessionWord};

use crate::access::Caller;
use crate::asked::Asked;
use crate::page::see_other;
use crate::problem::Problem;
use crate::{Api, Unanswered};

mod events;
mod page;

pub(crate) use self::events::events;
pub(crate) use self::page::page;

/// What the program around the server knows of tickets.
#[async_trait]
pub trait TechnicianTools: Send + Sync {
    /// The origins that may frame the page of a connection's tickets, parted by spaces; nothing where there
    /// is no such connection.
    fn framed_by(&self, connection: &str) -> Option<String>;

    /// A ticket with what is offered for it; nothing where the PSA has none, or the hub no such connection.
    async fn ticket(&self, connection: &str, key: &str) -> Result<Option<TicketView>, Unanswered>;

    /// Has what an offer does hold for its computer until the end of a day, whatever else wants something
    /// there; says what became of it.
    async fn except(&self, wanted: Exception<'_>) -> Result<String, Unanswered>;

    /// The link that joins an agent's machine. It may carry a right to enter.
    async fn join(&self, agent: AgentId) -> Result<String, Unanswered>;
}

/// An exception for one computer.
#[derive(Clone, Copy, Debug)]
pub struct Exception<'a> {
    /// What is to hold.
    pub offer: &'a Offer,
    /// The last day, of the computer's tenant.
    pub until: NaiveDate,
    /// Who wants it.
    pub by: &'a str,
    /// The ticket that it is for, as people name it.
    pub ticket: &'a str,
}

/// Days ahead for which an exception may hold.
const LONGEST: TimeDelta = TimeDelta::days(90);

/// What somebody may see of a ticket.
///
/// A ticket that is not there and one of another tenant look the same to whoever may see some tenants
/// only; so does one whose client is nobody's.
pub(crate) async fn seen(api: &Api, asked: &Asked) -> Result<TicketView, Problem> {
    let caller = asked.caller()?;
    let (connection, key) = (asked.id("connection"), asked.id("key"));
    let found = api.technician.ticket(connection, key).await?;
    let view = found.filter(|view| {
        let tenant = view.tenant.as_ref().map(|tenant| tenant.id.to_string());
        caller.scope.sees(tenant.as_deref())
    });
    view.ok_or_else(|| match caller.scope.tenants() {
        Some(_) => Problem::forbidden(
            "this ticket is not of a tenant that you may see, or there is none",
            "ask an administrator for the tenant",
        ),
        None => Problem::missing("ticket", key),
    })
}

/// Records that something offered be deployed, and leads back to the page.
pub(crate) async fn deploy(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let view = seen(&api, &asked).await?;
    let wanted = [asked.field("subject"), asked.field("deployment")];
    let [Some(subject), Some(deployment)] = wanted else {
        let remedy = "use the buttons of the page";
        return Err(Problem::wrong("the subject and the deployment are missing", remedy));
    };
    let session = ask(&api, asked.caller()?, &view, (&subject, &deployment)).await?;
    let subject = session.id.to_string();
    api.audit(&asked, ("ask-for-session", &subject), "done", &session.title).await?;
    Ok(see_other(&format!("{}#sessions", own_path(&view))))
}

/// Asks for a session, if that is offered for the ticket.
pub(crate) async fn ask(
    api: &Api,
    caller: &Caller,
    view: &TicketView,
    (subject, deployment): (&str, &str),
) -> Result<Session, Problem> {
    caller.must_be(Role::Technician)?;
    let Some(offer) = offers(view).find(|offer| is_it(offer, subject, deployment)) else {
        let what = "that is not offered for this ticket, or not any more";
        return Err(Problem::conflict(what, "load the page again"));
    };
    if let (Some(why), true) = (&view.stale, offer.uninstalls) {
        let what = format!("nothing is taken away while the ticket cannot be read: {why}");
        return Err(Problem::conflict(what, "try again when the PSA answers"));
    }
    let Some(tenant) = &view.tenant else { return Err(Problem::fault()) };
    let now_us = api.now_us();
    let name = subject_name(view, offer);
    let session = Session {
        id: SessionId::of_text(&format!("{subject} {deployment} {} {now_us}", caller.name), now_us),
        deployment: Some(offer.deployment),
        word: waits_for(view, offer).to_owned(),
        asked_by: caller.name.to_string(),
        ticket: Some(TicketRef { connection: view.connection.clone(), key: view.key.clone() }),
        expires_us: Some(now_us.saturating_add(api.answers.queue_rules().waits_us)),
        ..Session::asked(
            tenant.id,
            offer.subject,
            name,
            &format!("{}: {}", offer.item, offer.does),
            now_us,
        )
    };
    let session = api.store.add_session(&session).await?;
    go_on(api, std::slice::from_ref(&session)).await?;
    Ok(session)
}

/// Has the hub's notes on the sessions' tickets say how they go, where the hub writes notes.
pub(crate) async fn go_on(api: &Api, sessions: &[Session]) -> Result<(), Problem> {
    let told: Vec<NewDelivery> = sessions.iter().filter_map(core_daemon::on_ticket).collect();
    if told.is_empty() { Ok(()) } else { api.intake.store(told).await }
}

/// Takes a session back that was asked for in the ticket.
pub(crate) async fn cancel(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let view = seen(&api, &asked).await?;
    let caller = asked.caller()?;
    caller.must_be(Role::Technician)?;
    let wanted = asked.field("session").unwrap_or_default();
    let found = view.sessions.iter().find(|session| session.id.to_string() == wanted);
    let Some(session) = found else { return Err(Problem::missing("session", &wanted)) };
    let word = format!("taken back by {}", caller.name);
    let (state, now_us) = (SessionState::Cancelled, api.now_us());
    let rules = &api.answers.queue_rules();
    let by = &*caller.name;
    let word = SessionWord { state, word: &word, result: None, by, take: None, rules, now_us };
    match api.store.tell_session(session.id, word).await {
        // It ended meanwhile: the page shows how.
        Ok(session) => go_on(&api, &[session]).await?,
        Err(Error::Conflict { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    api.audit(&asked, ("cancel-session", &wanted), "done", "").await?;
    Ok(see_other(&format!("{}#sessions", own_path(&view))))
}

/// Makes an exception for a computer of the ticket, so that the next maintenance does not undo what is
/// offered. It ends by itself.
pub(crate) async fn except(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let view = seen(&api, &asked).await?;
    let caller = asked.caller()?;
    caller.must_be(Role::Technician)?;
    let [subject, deployment, until] =
        ["subject", "deployment", "until"].map(|name| asked.field(name).unwrap_or_default());
    let offered = offers(&view).find(|offer| is_it(offer, &subject, &deployment));
    let undone = offered
        .filter(|offer| offer.warning.is_some() && matches!(offer.subject, SubjectId::Computer(_)));
    let Some(offer) = undone else {
        let what = "that needs no exception, or is not offered for this ticket any more";
        return Err(Problem::conflict(what, "load the page again"));
    };
    let today = DateTime::from_timestamp_micros(api.now_us()).unwrap_or_default().date_naive();
    let until: Option<NaiveDate> = until.parse().ok();
    let Some(until) = until.filter(|day| *day >= today && *day <= today + LONGEST) else {
        let what = format!("an exception ends within {} days", LONGEST.num_days());
        return Err(Problem::wrong(what, "give its last day like 2026-12-31"));
    };
    let ticket = format!("ticket {} of {}", view.key, view.connection);
    let by = caller.signature();
    let wanted = Exception { offer, until, by: &by, ticket: &ticket };
    let became = api.technician.except(wanted).await?;
    let what = ("make-exception", subject.as_str());
    api.audit(&asked, what, "done", &format!("{} until {until}: {became}", offer.name)).await?;
    Ok(see_other(&format!("{}#computers", own_path(&view))))
}

/// Leads into a remote session with a machine of the ticket.
pub(crate) async fn join(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let view = seen(&api, &asked).await?;
    let caller = asked.caller()?;
    caller.must_be(Role::Technician)?;
    let wanted = asked.field("agent").unwrap_or_default();
    let agents = view.computers.iter().flat_map(|computer| {
        computer.agents.iter().filter(|agent| agent.joins).map(move |agent| (computer, agent))
    });
    let found = agents.into_iter().find(|(_, agent)| agent.id.to_string() == wanted);
    let Some((computer, agent)) = found else { return Err(Problem::missing("agent", &wanted)) };
    let link = api.technician.join(agent.id).await?;
    api.audit(&asked, ("join-remote-session", &wanted), "done", &agent.connection).await?;
    let accepts = asked.headers.get(ACCEPT).and_then(|accepts| accepts.to_str().ok());
    if accepts.is_some_and(|accepts| accepts.starts_with("application/json")) {
        return Ok(axum::Json(serde_json::json!({ "link": link })).into_response());
    }
    // A form may not be led to another site, by the page's own policy; and a new window would not have the
    // cookie of the frame that it was opened from.
    page::joining(&api, &view, (&computer.name, &link))
}

fn is_it(offer: &Offer, subject: &str, deployment: &str) -> bool {
    offer.subject.to_string() == subject && offer.deployment.to_string() == deployment
}

/// Everything that is offered for a ticket.
fn offers(view: &TicketView) -> impl Iterator<Item = &Offer> {
    let of_computers = view.computers.iter().flat_map(|computer| &computer.offers);
    of_computers.chain(&view.for_person).chain(&view.for_tenant)
}

fn subject_name<'a>(view: &'a TicketView, offer: &Offer) -> &'a str {
    let of_computer = view.computers.iter().find(|one| one.offers.contains(offer));
    let of_person = view.person.as_ref().filter(|_| view.for_person.contains(offer));
    match (of_computer, of_person, &view.tenant) {
        (Some(computer), _, _) => &computer.name,
        (None, Some(person), _) => &person.name,
        (None, None, Some(tenant)) => &tenant.name,
        (None, None, None) => "",
    }
}

/// Why nothing happens at once, where that is known.
fn waits_for(view: &TicketView, offer: &Offer) -> &'static str {
    let computer = view.computers.iter().find(|one| one.offers.contains(offer));
    match computer.and_then(|computer| computer.online) {
        Some(false) => "the computer is offline: it is applied when it connects",
        _ => "",
    }
}

/// The path of a ticket's page.
fn own_path(view: &TicketView) -> String {
    core_daemon::page_of("", &view.connection, &view.key)
}
