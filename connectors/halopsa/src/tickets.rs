//! Tickets: `GET /Tickets/{id}`, for the tab that Halo shows in a ticket. The id comes out of a
//! URL and is a hint at most; a deleted ticket is not there.

use async_trait::async_trait;
use core_connector::{Error, ErrorKind, Result, Ticket, Tickets};
use core_http::Request;
use serde::Deserialize;

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
        // Halo writes ticket numbers with leading zeros where people read them.
        let Some(id) = key.trim().parse::<i64>().ok().filter(|id| *id > 0) else {
            let detail = "a ticket's id is a number: Halo puts it in place of $FAULTID";
            return Err(Error::new(ErrorKind::Rejected, "GET /Tickets", detail));
        };
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
}
