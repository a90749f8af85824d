//! What is known of tickets. The PSA has the truth; this is what it said when it was last asked, so that
//! a page can show something while it does not answer.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, opt, owned};

/// A computer of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketComputer {
    /// Its id.
    pub id: String,
    /// It is on the ticket as an asset; else it is the person's.
    pub is_asset: bool,
}

/// A ticket. Keys are the PSA's, ids the hub's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRow {
    /// The connection.
    pub connection: String,
    /// Its key.
    pub key: String,
    /// What it is about.
    pub summary: String,
    /// Key of its client.
    pub client: Option<String>,
    /// Key of its contact.
    pub contact: Option<String>,
    /// Keys of its assets.
    pub assets: Vec<String>,
    /// Closed.
    pub closed: bool,
    /// Id of the tenant.
    pub tenant: Option<String>,
    /// Id of the person.
    pub person: Option<String>,
    /// The computers, assets first.
    pub computers: Vec<TicketComputer>,
    /// When the PSA was last asked, Unix microseconds.
    pub read_us: i64,
    /// Digest of the hub's note on it, where it wrote one.
    pub note: Option<String>,
}

const COLUMNS: &str = "select connection, key, summary, client, contact, assets, closed, tenant, \
                       person, computers, read_at, note from ticket";

impl Store {
    /// What is known of a ticket; nothing where it was never asked about.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn ticket(&self, connection: &str, key: &str) -> Result<Option<TicketRow>> {
        let mut select = Select::new(COLUMNS);
        let arguments = [Argument::Text(owned(connection)), Argument::Text(owned(key))];
        select.push(" where connection = {} and key = {}", arguments);
        let row = select.query(self.backend()).fetch_optional(self.readers()).await?;
        row.as_ref().map(read).transpose()
    }

    /// Notes what a PSA said of a ticket. The note on it stays as it is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_ticket(&self, row: &TicketRow) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql(
            "insert into ticket (connection, key, summary, client, contact, assets, closed, tenant, \
             person, computers, read_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             on conflict (connection, key) do update set summary = excluded.summary, \
             client = excluded.client, contact = excluded.contact, assets = excluded.assets, \
             closed = excluded.closed, tenant = excluded.tenant, person = excluded.person, \
             computers = excluded.computers, read_at = excluded.read_at",
        )
        .bind(owned(&row.connection))
        .bind(owned(&row.key))
        .bind(owned(&row.summary))
        .bind(opt(row.client.as_deref()))
        .bind(opt(row.contact.as_deref()))
        .bind(json(&row.assets))
        .bind(i64::from(row.closed))
        .bind(opt(row.tenant.as_deref()))
        .bind(opt(row.person.as_deref()))
        .bind(json(&row.computers))
        .bind(row.read_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes which note the hub wrote on a ticket, by its digest.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_ticket_note(&self, connection: &str, key: &str, digest: &str) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("update ticket set note = $1 where connection = $2 and key = $3")
            .bind(owned(digest))
            .bind(owned(connection))
            .bind(owned(key))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets a ticket that the PSA does not have any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_ticket(&self, connection: &str, key: &str) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("delete from ticket where connection = $1 and key = $2")
            .bind(owned(connection))
            .bind(owned(key))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

fn json<T: Serialize>(value: &T) -> String {
    // Texts and flags are always JSON.
    owned(&serde_json::to_string(value).unwrap_or_default())
}

fn read(row: &AnyRow) -> Result<TicketRow> {
    let (connection, key) = (row.text(0)?, row.text(1)?);
    let bad = |column: &str, why: &serde_json::Error| {
        Error::corrupt(format!("{column} of ticket {key} of {connection}: {why}"))
    };
    let assets = serde_json::from_str(&row.text(5)?).map_err(|why| bad("assets", &why))?;
    let computers = serde_json::from_str(&row.text(9)?).map_err(|why| bad("computers", &why))?;
    Ok(TicketRow {
        summary: row.text(2)?,
        client: row.opt_text(3)?,
        contact: row.opt_text(4)?,
        assets,
        closed: row.int(6)? != 0,
        tenant: row.opt_text(7)?,
        person: row.opt_text(8)?,
        computers,
        read_us: row.int(10)?,
        note: row.opt_text(11)?,
        connection,
        key,
    })
}
