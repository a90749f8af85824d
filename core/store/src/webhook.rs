//! Where the hub tells of what happens: how each endpoint fares, and which needs were told.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;

use crate::error::Result;
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, list, opt, owned};

/// How an endpoint fares. Times are Unix microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookState {
    /// A digest of its address: under another one, the rest does not count.
    pub spec: String,
    /// How often the delivery that is due was tried in vain.
    pub attempts: u32,
    /// Since when nothing arrived.
    pub failing_us: Option<i64>,
    /// When it is tried again.
    pub next_try_us: Option<i64>,
    /// Since when it is not tried any more.
    pub disabled_us: Option<i64>,
    /// Why the last time was in vain.
    pub error: Option<String>,
    /// When something last arrived.
    pub delivered_us: Option<i64>,
}

const COLUMNS: &str =
    "select name, spec, attempts, failing, next_try, disabled, error, delivered from webhook";

impl Store {
    /// How every endpoint fares, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn webhooks(&self) -> Result<BTreeMap<String, WebhookState>> {
        let select = Select::new(format!("{COLUMNS} order by name"));
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// How one endpoint fares; nothing where nothing is known of it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn webhook(&self, name: &str) -> Result<Option<WebhookState>> {
        let mut select = Select::new(COLUMNS);
        select.push(" where name = {}", [Argument::Text(owned(name))]);
        let row = select.query(self.backend()).fetch_optional(self.readers()).await?;
        Ok(row.as_ref().map(read).transpose()?.map(|(_, state)| state))
    }

    /// Notes how an endpoint fares.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_webhook(&self, name: &str, state: &WebhookState) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql(
            "insert into webhook (name, spec, attempts, failing, next_try, disabled, error, delivered) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (name) do update set \
             spec = excluded.spec, attempts = excluded.attempts, failing = excluded.failing, \
             next_try = excluded.next_try, disabled = excluded.disabled, error = excluded.error, \
             delivered = excluded.delivered",
        )
        .bind(owned(name))
        .bind(owned(&state.spec))
        .bind(i64::from(state.attempts))
        .bind(state.failing_us)
        .bind(state.next_try_us)
        .bind(state.disabled_us)
        .bind(opt(state.error.as_deref()))
        .bind(state.delivered_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets how all endpoints but these fare, and what was told to them of the hub's needs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_webhooks_but(&self, names: &[&str]) -> Result<()> {
        let names = list(names);
        let mut tx = self.write().await?;
        for text in [
            "delete from webhook where not (name in list($1))",
            "delete from announced where not (endpoint in list($1))",
        ] {
            self.sql(text).bind(names.clone()).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// What was told to an endpoint of the hub's needs: key and words.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn announced(&self, endpoint: &str) -> Result<BTreeMap<String, String>> {
        let mut select = Select::new("select key, what from announced");
        select.push(" where endpoint = {} order by key", [Argument::Text(owned(endpoint))]);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
    }

    /// Notes that a need was told to an endpoint; or, without words, that it was told to be over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_announced(
        &self,
        endpoint: &str,
        key: &str,
        what: Option<&str>,
        now_us: i64,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        let query = match what {
            Some(what) => self
                .sql(
                    "insert into announced (endpoint, key, what, at) values ($1, $2, $3, $4) \
                     on conflict (endpoint, key) do update set what = excluded.what",
                )
                .bind(owned(endpoint))
                .bind(owned(key))
                .bind(owned(what))
                .bind(now_us),
            None => self
                .sql("delete from announced where endpoint = $1 and key = $2")
                .bind(owned(endpoint))
                .bind(owned(key)),
        };
        query.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<(String, WebhookState)> {
    let state = WebhookState {
        spec: row.text(1)?,
        attempts: u32::try_from(row.int(2)?).unwrap_or(u32::MAX),
        failing_us: row.opt_int(3)?,
        next_try_us: row.opt_int(4)?,
        disabled_us: row.opt_int(5)?,
        error: row.opt_text(6)?,
        delivered_us: row.opt_int(7)?,
    };
    Ok((row.text(0)?, state))
}
