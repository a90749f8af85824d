//! The databases that a test runs on: SQLite always, PostgreSQL where one answers.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use core_store::Store;
use sqlx::{AnyConnection, Connection};

/// A database of one test.
pub struct Database {
    /// `sqlite` or `postgres`.
    pub name: &'static str,
    /// Where it is.
    pub url: String,
    folder: Option<tempfile::TempDir>,
}

impl Database {
    /// Opens it.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn open(&self) -> Result<Store> {
        Store::open(&self.url).await.with_context(|| format!("opening {}", self.name))
    }

    /// The folder of a file database.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(tempfile::TempDir::path)
    }
}

/// A fresh SQLite file.
///
/// # Errors
/// When no file can be made.
pub fn sqlite() -> Result<Database> {
    let folder = tempfile::tempdir()?;
    let url = folder.path().join("hub.db").to_string_lossy().into_owned();
    Ok(Database { name: "sqlite", url, folder: Some(folder) })
}

/// A fresh PostgreSQL database; `None` where no server answers and none is required.
///
/// # Errors
/// When one is required (`CI` or `LINCHPIN_REQUIRE_POSTGRES` is set) and none answers.
pub async fn postgres() -> Result<Option<Database>> {
    let server = var("TEST_POSTGRES_URL")
        .unwrap_or_else(|| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    match fresh_database(&server).await {
        Ok(url) => Ok(Some(Database { name: "postgres", url, folder: None })),
        Err(error) if var("CI").is_some() || var("LINCHPIN_REQUIRE_POSTGRES").is_some() => {
            bail!("a PostgreSQL is required and {server} does not answer: {error}")
        }
        Err(_) => Ok(None),
    }
}

/// Makes an empty schema on the server; gives the address that leads into it.
async fn fresh_database(server: &str) -> Result<String, sqlx::Error> {
    sqlx::any::install_default_drivers();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let schema = format!("linchpin_it_{}_{number}", std::process::id());
    let mut connection = AnyConnection::connect(server).await?;
    let statement = format!("drop schema if exists {schema} cascade; create schema {schema}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await?;
    let separator = if server.contains('?') { '&' } else { '?' };
    Ok(format!("{server}{separator}options=-csearch_path%3D{schema}"))
}

/// Drops the schema that an address leads into.
///
/// # Errors
/// When the server does not answer.
pub async fn drop_database(database: &Database) -> Result<()> {
    let Some((server, schema)) = database.url.split_once("options=-csearch_path%3D") else {
        return Ok(());
    };
    let mut connection = AnyConnection::connect(server.trim_end_matches(['?', '&'])).await?;
    let statement = format!("drop schema if exists {schema} cascade");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment what they must not leave out"
)]
fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
