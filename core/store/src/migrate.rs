//! The schema's versions: embedded, in order, forward only.

use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::error::{Error, Result};
use crate::open::{Backend, Store};
use crate::sql::Columns;

/// Every version of the schema: its number, its name and the statements that lead to it.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "start", include_str!("../migrations/0001_start.sql")),
    (2, "library", include_str!("../migrations/0002_library.sql")),
    (3, "request", include_str!("../migrations/0003_request.sql")),
    (4, "schedule", include_str!("../migrations/0004_schedule.sql")),
    (5, "token", include_str!("../migrations/0005_token.sql")),
    (6, "push", include_str!("../migrations/0006_push.sql")),
    (7, "account", include_str!("../migrations/0007_account.sql")),
    (8, "ticket", include_str!("../migrations/0008_ticket.sql")),
    (9, "webhook", include_str!("../migrations/0009_webhook.sql")),
    (10, "subscription", include_str!("../migrations/0010_subscription.sql")),
    (11, "script run", include_str!("../migrations/0011_script_run.sql")),
    (12, "queue", include_str!("../migrations/0012_queue.sql")),
    (13, "job", include_str!("../migrations/0013_job.sql")),
    (14, "maintenance", include_str!("../migrations/0014_maintenance.sql")),
    (15, "runner", include_str!("../migrations/0015_runner.sql")),
    (16, "schedules", include_str!("../migrations/0016_schedules.sql")),
    (17, "notification", include_str!("../migrations/0017_notification.sql")),
    (18, "rings", include_str!("../migrations/0018_rings.sql")),
    (19, "held mode", include_str!("../migrations/0019_held_mode.sql")),
    (20, "delivery", include_str!("../migrations/0020_delivery.sql")),
    (21, "run", include_str!("../migrations/0021_run.sql")),
    (22, "derived", include_str!("../migrations/0022_derived.sql")),
    (23, "known_page", include_str!("../migrations/0023_known_page.sql")),
    (24, "names", include_str!("../migrations/0024_names.sql")),
];

impl Store {
    /// The schema's number in the database.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn schema(&self) -> Result<i64> {
        let text = "select coalesce(max(version), 0) from schema_version";
        sqlx::query(text).fetch_one(self.readers()).await?.int(0)
    }

    /// Brings the schema up to date. Several processes may do so at once.
    pub(crate) async fn migrate(&self) -> Result<()> {
        let mut tx = self.write().await?;
        if self.backend() == Backend::Postgres {
            // `create table if not exists` of two connections at once may fail on one of them.
            sqlx::raw_sql("select pg_advisory_xact_lock(7711362008)").execute(&mut *tx).await?;
        }
        let found = version(&mut tx).await?;
        let known = MIGRATIONS.iter().map(|migration| migration.0).max().unwrap_or_default();
        if found > known {
            return Err(Error::Newer { found, known });
        }
        for (version, name, statements) in MIGRATIONS.iter().filter(|one| one.0 > found) {
            let number = match self.backend() {
                Backend::Sqlite => "integer",
                Backend::Postgres => "bigint not null",
            };
            let statements = statements.replace("{number}", number);
            sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut *tx).await?;
            sqlx::query("insert into schema_version (version, name) values ($1, $2)")
                .bind(*version)
                .bind(*name)
                .execute(&mut *tx)
                .await?;
            tracing::info!(version, name, "the schema was brought up to date");
        }
        tx.commit().await?;
        Ok(())
    }
}

async fn version(tx: &mut Transaction<'static, Any>) -> Result<i64> {
    let table = "create table if not exists schema_version \
                 (version bigint not null primary key, name text not null)";
    sqlx::raw_sql(table).execute(&mut **tx).await?;
    let newest = "select coalesce(max(version), 0) from schema_version";
    sqlx::query(newest).fetch_one(&mut **tx).await?.int(0)
}
