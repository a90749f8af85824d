//! The hub's private note on a ticket: which computers it is about, how they are, and the link.

use std::fmt::Write as _;

use core_model::session::{Session, SessionState};
use core_model::ticket::{TicketMachine, TicketView};

use super::when;

/// Sessions that are told of, newest first.
const SESSIONS: usize = 10;

/// The note's text. It changes only where something that a technician cares for did: not with every
/// minute in which a machine was seen.
pub(super) fn html(view: &TicketView, page: &str) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut line = |part: String| write!(text, "{part}").unwrap_or_default();
    match (&view.tenant, &view.person) {
        (Some(tenant), Some(person)) => line(format!(
            "<p><b>{}</b> ({}) of {}</p>",
            escaped(&person.name),
            escaped(&person.upn),
            escaped(&tenant.name)
        )),
        (Some(tenant), None) => line(format!("<p>{}</p>", escaped(&tenant.name))),
        (None, _) => line("<p>The client of this ticket is linked to no tenant.</p>".to_owned()),
    }
    if !view.computers.is_empty() {
        let machines: String = view.computers.iter().map(machine).collect();
        line(format!("<ul>{machines}</ul>"));
    } else if view.tenant.is_some() {
        line("<p>No computer is known that this ticket is about.</p>".to_owned());
    }
    if !view.sessions.is_empty() {
        let sessions: String = view.sessions.iter().take(SESSIONS).map(session).collect();
        line(format!("<ul>{sessions}</ul>"));
    }
    let page = escaped(page);
    line(format!("<p><a href=\"{page}\">{page}</a></p>"));
    text
}

fn machine(machine: &TicketMachine) -> String {
    let state = match (machine.online, machine.last_seen) {
        (Some(true), _) => "online".to_owned(),
        (Some(false), Some(at)) => format!("offline, last seen {}", when(at)),
        (Some(false), None) => "offline".to_owned(),
        (None, _) => "no agent says whether it is online".to_owned(),
    };
    let parts = [machine.model.as_deref(), machine.serial.as_deref(), machine.os.as_deref()];
    let about: String =
        parts.into_iter().flatten().map(|part| format!(", {}", escaped(part))).collect();
    format!("<li><b>{}</b>: {state}{about}</li>", escaped(&machine.name))
}

fn session(session: &Session) -> String {
    let state = match session.state {
        SessionState::Waiting => "waits",
        SessionState::Running => "is under way",
        SessionState::Succeeded => "succeeded",
        SessionState::Failed => "failed",
        SessionState::Cancelled => "was taken back",
        SessionState::Expired => "waited too long",
    };
    let word = match session.word.as_str() {
        "" => String::new(),
        word => format!(": {}", escaped(word)),
    };
    let (title, subject) = (escaped(&session.title), escaped(&session.subject_name));
    let by = escaped(&session.asked_by);
    format!("<li>{title} on {subject}, asked for by {by}, {state}{word}</li>")
}

/// A text in which nothing is a tag: names come from anywhere.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use core_model::id::{ComputerId, PersonId, TenantId};
    use core_model::ticket::{TicketPerson, TicketTenant};

    fn view() -> TicketView {
        let machine = TicketMachine {
            id: ComputerId::of_text("pc", 0),
            name: "PC<script>1".to_owned(),
            on_ticket: true,
            of_person: true,
            online: Some(false),
            last_seen: DateTime::from_timestamp(1_764_400_000, 0),
            os: Some("Windows 11".to_owned()),
            model: None,
            serial: Some("S\"1".to_owned()),
            agents: Vec::new(),
            offers: Vec::new(),
        };
        TicketView {
            connection: "halo".to_owned(),
            key: "7".to_owned(),
            summary: "Reader".to_owned(),
            closed: false,
            read_at: DateTime::UNIX_EPOCH,
            stale: None,
            tenant: Some(TicketTenant { id: TenantId::of_text("c", 0), name: "A & B".to_owned() }),
            person: Some(TicketPerson {
                id: PersonId::of_text("ana", 0),
                name: "Ana".to_owned(),
                upn: "ana@contoso.com".to_owned(),
                disabled: false,
            }),
            computers: vec![machine],
            for_tenant: Vec::new(),
            for_person: Vec::new(),
            sessions: Vec::new(),
        }
    }

    #[test]
    fn a_note_names_computers_and_link_and_nothing_in_it_is_a_tag_of_somebody_else() {
        let text = html(&view(), "https://hub.example/technician/halo/ticket/7");
        assert_eq!(
            text,
            "<p><b>Ana</b> (ana@contoso.com) of A &amp; B</p><ul><li><b>PC&lt;script&gt;1</b>: \
             offline, last seen 2025-11-29 07:06 UTC, S&quot;1, Windows 11</li></ul>\
             <p><a href=\"https://hub.example/technician/halo/ticket/7\">\
             https://hub.example/technician/halo/ticket/7</a></p>"
        );
    }

    #[test]
    fn a_machine_that_stays_online_changes_no_note() {
        let (mut one, mut other) = (view(), view());
        one.computers[0].online = Some(true);
        other.computers[0].online = Some(true);
        other.computers[0].last_seen = None;
        assert_eq!(html(&one, "p"), html(&other, "p"));
    }
}
