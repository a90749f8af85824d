//! What the hub asked systems to tell it of by themselves: which subscription is whose, until when, and
//! why one is not there.

use sqlx::any::AnyRow;

use crate::error::Result;
use crate::open::Store;
use crate::sql::{Columns, list, opt, owned};

/// A subscription that is there, or should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// The connection.
    pub connection: String,
    /// The part of the system, empty where there is only one.
    pub scope: String,
    /// What people call that part.
    pub scope_name: String,
    /// The stream that it tells of.
    pub topic: String,
    /// The system's id of it, where it is there.
    pub id: Option<String>,
    /// What it was made with; with another one it must be made anew.
    pub mark: String,
    /// When it ends, Unix microseconds.
    pub ends_us: Option<i64>,
    /// The system wants it looked at.
    pub asked: bool,
    /// Why it is not as it should be.
    pub failure: Option<SubscriptionFailure>,
}

/// Why a subscription is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionFailure {
    /// Since when, Unix microseconds.
    pub since_us: i64,
    /// The kind of error, as a run has it.
    pub kind: String,
    /// What went wrong.
    pub error: String,
    /// What to do about it.
    pub remedy: String,
}

const COLUMNS: &str = "select connection, scope, topic, scope_name, id, mark, ends, asked, failed, \
                       error_kind, error, remedy from subscription \
                       order by connection, scope, topic";

impl Store {
    /// Every subscription, by connection, scope and topic.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>> {
        let rows = self.sql(COLUMNS).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// Notes how a subscription is, instead of what was known of it. Whether the system wants it looked
    /// at is not taken from the row: that may have been asked since it was read. It is settled where the
    /// system's wish was `answered`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_subscription(&self, row: &SubscriptionRow, answered: bool) -> Result<()> {
        let failure = row.failure.as_ref();
        let mut tx = self.write().await?;
        self.sql(
            "insert into subscription (connection, scope, topic, scope_name, id, mark, ends, asked, \
             failed, error_kind, error, remedy) \
             values ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11) \
             on conflict (connection, scope, topic) do update set \
             scope_name = excluded.scope_name, id = excluded.id, mark = excluded.mark, \
             ends = excluded.ends, failed = excluded.failed, error_kind = excluded.error_kind, \
             error = excluded.error, remedy = excluded.remedy",
        )
        .bind(owned(&row.connection))
        .bind(owned(&row.scope))
        .bind(owned(&row.topic))
        .bind(owned(&row.scope_name))
        .bind(opt(row.id.as_deref()))
        .bind(owned(&row.mark))
        .bind(row.ends_us)
        .bind(failure.map(|one| one.since_us))
        .bind(opt(failure.map(|one| one.kind.as_str())))
        .bind(opt(failure.map(|one| one.error.as_str())))
        .bind(opt(failure.map(|one| one.remedy.as_str())))
        .execute(&mut *tx)
        .await?;
        if answered {
            self.sql(
                "update subscription set asked = 0 \
                 where connection = $1 and scope = $2 and topic = $3",
            )
            .bind(owned(&row.connection))
            .bind(owned(&row.scope))
            .bind(owned(&row.topic))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Forgets the subscriptions of all connections but these.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_subscriptions_but(&self, connections: &[&str]) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("delete from subscription where not (connection in list($1))")
            .bind(list(connections))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets a subscription.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_subscription(&self, row: &SubscriptionRow) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("delete from subscription where connection = $1 and scope = $2 and topic = $3")
            .bind(owned(&row.connection))
            .bind(owned(&row.scope))
            .bind(owned(&row.topic))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes that a system wants one of its subscriptions looked at, and gives what it tells of; nothing
    /// where it is not known.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ask_for_subscription(&self, connection: &str, id: &str) -> Result<Option<String>> {
        let mut tx = self.write().await?;
        let row = self
            .sql("select topic from subscription where connection = $1 and id = $2")
            .bind(owned(connection))
            .bind(owned(id))
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        self.sql("update subscription set asked = 1 where connection = $1 and id = $2")
            .bind(owned(connection))
            .bind(owned(id))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Some(row.text(0)?))
    }
}

fn read(row: &AnyRow) -> Result<SubscriptionRow> {
    let failure = match row.opt_int(8)? {
        Some(since_us) => Some(SubscriptionFailure {
            since_us,
            kind: row.opt_text(9)?.unwrap_or_default(),
            error: row.opt_text(10)?.unwrap_or_default(),
            remedy: row.opt_text(11)?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(SubscriptionRow {
        connection: row.text(0)?,
        scope: row.text(1)?,
        topic: row.text(2)?,
        scope_name: row.text(3)?,
        id: row.opt_text(4)?,
        mark: row.text(5)?,
        ends_us: row.opt_int(6)?,
        asked: row.int(7)? != 0,
        failure,
    })
}
