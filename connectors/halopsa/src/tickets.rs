//! Tickets: `GET /Tickets/{id}`, for the tab that Halo shows in a ticket. The id comes out of a
//! URL and is a hint at most; a deleted ticket is not there. Notes are private actions of it; an action's
//! id counts within its ticket.

use async_trait::async_trait;
use core_connector::{Error, ErrorKind, Note, Result, Ticket, Tickets};
use core_http::Request;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Halo;
use crate::wire::{self, Named};

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    summary: Option<String>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    client_id: Option<i64>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    user_id: Option<i64>,
    assets: Option<Vec<Named>>,
    hasbeenclosed: Option<bool>,
    deleted: Option<bool>,
}

#[async_trait]
impl Tickets for Halo {
    async fn ticket(&self, key: &str) -> Result<Ticket> {
        let id = ticket_id(key)?;
        let request = Request::get(format!("Tickets/{id}")).query("includedetails", "true");
        let (row, _) = self.get::<Row>(&request).await?;
        if row.id != id {
            let detail = format!("asked for ticket {id}, ticket {} came", row.id);
            return Err(Error::new(ErrorKind::Protocol, request.operation, detail));
        }
        if row.deleted.unwrap_or_default() {
            return Err(Error::new(ErrorKind::NotFound, request.operation, "it was deleted"));
        }
        let assets = row.assets.into_iter().flatten();
        Ok(Ticket {
            key: id.to_string(),
            summary: wire::text(row.summary.as_deref()).unwrap_or_default(),
            client: wire::key(row.client_id),
            contact: wire::key(row.user_id),
            assets: assets.filter_map(|asset| wire::key(Some(asset.id))).collect(),
            closed: row.hasbeenclosed.unwrap_or_default(),
        })
    }

    async fn note(&self, key: &str, note: &Note<'_>) -> Result<()> {
        let ticket = ticket_id(key)?;
        let listing = Request::get("Actions")
            .query("ticket_id", ticket.to_string())
            .query("excludesys", "true")
            .query("includehtmlnote", "true");
        let (there, _) = self.get::<Actions>(&listing).await?;
        let own = there.actions.iter().find(|action| action.holds(note.mark));
        let mut action = json!({
            "ticket_id": ticket,
            "outcome_id": PRIVATE_NOTE,
            "note_html": note.html,
            "hiddenfromuser": true,
            "sendemail": false,
            "dont_do_rules": true,
        });
        match own {
            Some(own) if own.note_html.as_deref() == Some(note.html) => return Ok(()),
            Some(own) => action["id"] = own.id.into(),
            None => {}
        }
        // A note that was sent and whose answer was lost is found by its mark the next time.
        let saving = Request::post("Actions").json(&json!([action]));
        self.get::<Value>(&saving).await.map(|_| ())
    }

    fn pages(&self) -> Option<String> {
        Some(self.origin.clone())
    }
}

/// Outcome of a private note; it is built in.
const PRIVATE_NOTE: i64 = 7;

/// The actions of a ticket.
#[derive(Debug, Deserialize)]
struct Actions {
    actions: Vec<Action>,
}

#[derive(Debug, Deserialize)]
struct Action {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    note: Option<String>,
    note_html: Option<String>,
}

impl Action {
    fn holds(&self, mark: &str) -> bool {
        [&self.note_html, &self.note].into_iter().flatten().any(|text| text.contains(mark))
    }
}

/// The id that a text is. Halo writes ticket numbers with leading zeros where people read them.
fn ticket_id(key: &str) -> Result<i64> {
    key.trim().parse::<i64>().ok().filter(|id| *id > 0).ok_or_else(|| {
        let detail = "a ticket's id is a number: Halo puts it in place of $FAULTID";
        Error::new(ErrorKind::Rejected, "GET /Tickets", detail)
    })
}
