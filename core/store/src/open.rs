//! Opening the store: one address, one of two databases, the schema brought up to date.
//!
//! On SQLite there is one connection that writes, because SQLite lets one write at a time and
//! waiting in our own queue is fairer than in its; readers never wait for it (write-ahead log).

use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use log::LevelFilter;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection as _, Transaction};
use url::Url;

use crate::error::{Error, Result};
use crate::query::RefReader;
use crate::sql::{Columns, Texts, count};

#[cfg(target_os = "linux")]
mod nodelay;

/// Which database the store is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file (or, for tests, memory).
    Sqlite,
    /// A server.
    Postgres,
}

/// Where the hub remembers. Cloning is cheap and shares the connections.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    logon_interval_us: i64,
}

struct Shared {
    backend: Backend,
    writer: AnyPool,
    readers: AnyPool,
    texts: Texts,
    refs: Mutex<Option<Arc<RefReader>>>,
    /// Rows that were written since tables were last looked at.
    written: AtomicU64,
}

impl Shared {
    fn new(backend: Backend, writer: AnyPool, readers: AnyPool) -> Self {
        let (texts, refs, written) = (Texts::default(), Mutex::default(), AtomicU64::new(0));
        Self { backend, writer, readers, texts, refs, written }
    }
}

/// A repeat of a logon within this time is the same logon: a little less than a day, so that a
/// nightly collection that starts a few minutes early still counts.
const LOGON_INTERVAL_US: i64 = 20 * 3600 * 1_000_000;

const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 8;
/// From this time on a statement is a slow one.
const SLOW: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);

impl Store {
    /// Opens a store and brings its schema up to date.
    ///
    /// The address is `sqlite://PATH`, `sqlite:PATH`, `sqlite::memory:`, a path that ends in `.db`,
    /// or `postgres://…`. A SQLite file is created where there is none; its folder must exist.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the address is wrong or nobody answers there, [`Error::Newer`]
    /// when a newer version wrote the database. The address's password is in none of them.
    pub async fn open(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let shared = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            open_postgres(url).await?
        } else if url == "sqlite::memory:" || url == "sqlite://:memory:" {
            open_memory().await?
        } else {
            open_sqlite(sqlite_path(url)?).await?
        };
        let store = Self { shared: Arc::new(shared), logon_interval_us: LOGON_INTERVAL_US };
        store.migrate().await?;
        Ok(store)
    }

    /// The same store, in which a repeat of a logon within this time (microseconds) is no new one.
    #[must_use]
    pub fn with_logon_interval(mut self, interval_us: i64) -> Self {
        self.logon_interval_us = interval_us;
        self
    }

    /// Which database it is in.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.shared.backend
    }

    /// Bytes that the database takes on disk.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn size_bytes(&self) -> Result<u64> {
        let text = match self.backend() {
            Backend::Sqlite => {
                "select page_count * page_size from pragma_page_count(), pragma_page_size()"
            }
            Backend::Postgres => "select pg_database_size(current_database())",
        };
        let row = sqlx::query(text).fetch_one(self.readers()).await?;
        Ok(count(row.int(0)?))
    }

    /// Closes the connections. Transactions under way are taken back.
    pub async fn close(&self) {
        self.shared.readers.close().await;
        self.shared.writer.close().await;
    }

    pub(crate) fn texts(&self) -> &Texts {
        &self.shared.texts
    }

    /// The names of streams as they were last read.
    pub(crate) fn known_refs(&self) -> &Mutex<Option<Arc<RefReader>>> {
        &self.shared.refs
    }

    /// Rows that were written since tables were last looked at.
    pub(crate) fn written(&self) -> &AtomicU64 {
        &self.shared.written
    }

    /// For a single statement that writes; more than one belong into [`Store::write`].
    pub(crate) fn writer(&self) -> &AnyPool {
        &self.shared.writer
    }

    pub(crate) fn readers(&self) -> &AnyPool {
        &self.shared.readers
    }

    pub(crate) fn logon_interval_us(&self) -> i64 {
        self.logon_interval_us
    }

    /// A transaction that writes. Dropped without a commit, it leaves nothing.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Any>> {
        // SQLite refuses, without waiting, a transaction that read first and then wants to write
        // after somebody else wrote: so it says at once that it will write.
        let begin = match self.backend() {
            Backend::Sqlite => "begin immediate",
            Backend::Postgres => "begin",
        };
        begin_whole(self.backend(), &self.shared.writer, begin).await
    }

    /// A transaction that writes what the systems can be asked for again. Nobody waits until it is on
    /// the disk: a first sync commits ten thousands of them, of a few milliseconds each. A server that
    /// crashes may take the last of them back, but none of which a later one of [`Store::write`] is
    /// kept, and never a part of one. (On SQLite all are so: `synchronous = normal`.)
    pub(crate) async fn write_again(&self) -> Result<Transaction<'static, Any>> {
        match self.backend() {
            Backend::Sqlite => self.write().await,
            Backend::Postgres => {
                let begin = "begin; set local synchronous_commit = off";
                begin_whole(self.backend(), &self.shared.writer, begin).await
            }
        }
    }

    /// A transaction that reads one state of the database, whatever is written meanwhile.
    pub(crate) async fn snapshot(&self) -> Result<Transaction<'static, Any>> {
        let begin = match self.backend() {
            Backend::Sqlite => "begin",
            Backend::Postgres => "begin isolation level repeatable read read only",
        };
        begin_whole(self.backend(), self.readers(), begin).await
    }
}

/// Begins a transaction, to the end of beginning even if nobody waits for it any more. On PostgreSQL
/// sqlx (0.9.0) does not take back a `begin` that was given up in the middle: the connection would go
/// back into the pool with a transaction that nobody knows of, and swallow what others write on it. On
/// SQLite it does, and a task more for each transaction is what a small one costs.
async fn begin_whole(
    backend: Backend,
    pool: &AnyPool,
    begin: &'static str,
) -> Result<Transaction<'static, Any>> {
    if backend == Backend::Sqlite {
        return Ok(pool.begin_with(begin).await?);
    }
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(begin).await });
    let begun = begun.await.map_err(|error| Error::Unavailable {
        what: format!("a transaction could not be begun: {error}"),
    })?;
    Ok(begun?)
}

/// Only statements that take long are told of: with their text, in which no value stands.
fn logging(options: AnyConnectOptions) -> AnyConnectOptions {
    options.log_statements(LevelFilter::Off).log_slow_statements(LevelFilter::Warn, SLOW)
}

async fn open_postgres(address: &str) -> Result<Shared> {
    // The parser's own words are safe: they name the fault and never the text.
    let url = Url::parse(address).map_err(|error| Error::Unavailable {
        what: format!("the PostgreSQL address is not a URL: {error}"),
    })?;
    let options = logging(AnyConnectOptions::from_url(&url)?);
    try_out(&options, "select 1")
        .await
        .map_err(|error| at(without_password(error, &url), &place(&url)))?;
    let pool = postgres_pool(url.port().unwrap_or(5432)).connect_with(options).await?;
    Ok(Shared::new(Backend::Postgres, pool.clone(), pool))
}

async fn open_sqlite(path: &Path) -> Result<Shared> {
    let shown = path.display().to_string();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().map_err(|error| {
        at(Error::Unavailable { what: format!("its folder cannot be used ({error})") }, &shown)
    })?;
    let name = path
        .file_name()
        .ok_or_else(|| at(Error::Unavailable { what: "the path names no file".into() }, &shown))?;
    let full = folder.join(name);
    let full = full.to_str().ok_or_else(|| {
        at(Error::Unavailable { what: "the path is not valid Unicode".into() }, &shown)
    })?;
    let full = full.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    let options = logging(AnyConnectOptions::from_str(&format!("sqlite://{full}?mode=rwc"))?);
    // This creates the file and turns the write-ahead log on, for good; it fails on what is no
    // database. Pages of 8 KiB (of a new file) hold several records: a third less work than with 4.
    // With 16 a first sync takes a twelfth less again, and a daemon's many small commits up to twice the bytes.
    let begin = "pragma busy_timeout = 10000; pragma page_size = 8192; pragma journal_mode = wal";
    try_out(&options, begin).await.map_err(|error| at(error, &shown))?;
    let writer = sqlite_pool(1, WRITER_PRAGMAS).connect_with(options.clone()).await?;
    let readers = sqlite_pool(SQLITE_READERS, READER_PRAGMAS).connect_with(options).await?;
    Ok(Shared::new(Backend::Sqlite, writer, readers))
}

async fn open_memory() -> Result<Shared> {
    let options = logging(AnyConnectOptions::from_str("sqlite::memory:")?);
    // A database in memory is that of one connection, which must live as long as the store.
    let pool = sqlite_pool(1, "pragma foreign_keys = on").connect_with(options).await?;
    Ok(Shared::new(Backend::Sqlite, pool.clone(), pool))
}

/// The log may grow to 128 MB: until then the pages that a large sync changes with every transaction are written into the
/// database once.
const WRITER_PRAGMAS: &str = "pragma busy_timeout = 10000; \
     pragma synchronous = normal; pragma foreign_keys = on; pragma cache_size = -10000; \
     pragma temp_store = memory; pragma wal_autocheckpoint = 16000";

const READER_PRAGMAS: &str =
    "pragma busy_timeout = 10000; pragma query_only = on; pragma cache_size = -8000";

/// PostgreSQL compiles statements that it takes to be long, which takes it half a second and more. Of
/// tables that were just filled it knows nothing and takes every statement to be long; ours are short
/// and many.
///
/// Of tables that are being filled it knows what was in them first, which may be all of one system or
/// tenant, and then reads a table as a whole for each of thousands that follow. Whatever is asked often
/// here has its index, and a table that has none for a question is still read.
const PLANNING: &str = "set jit = off; set enable_seqscan = off";

/// Connects once by itself: a pool would try again and again, and hide the reason.
async fn try_out(options: &AnyConnectOptions, statements: &'static str) -> Result<()> {
    let mut connection = AnyConnection::connect_with(options).await?;
    sqlx::raw_sql(statements).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

fn sqlite_pool(connections: u32, pragmas: &'static str) -> AnyPoolOptions {
    pool(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(pragmas).execute(connection).await?;
                Ok(())
            })
        })
}

#[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "there is no way to it"))]
fn postgres_pool(port: u16) -> AnyPoolOptions {
    pool(POSTGRES_CONNECTIONS).after_connect(move |connection, _| {
        Box::pin(async move {
            sqlx::raw_sql(PLANNING).execute(connection).await?;
            #[cfg(target_os = "linux")]
            {
                let sockets = nodelay::send_at_once(port);
                tracing::debug!(sockets, "connections to the database send at once");
            }
            Ok(())
        })
    })
}

fn pool(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE)
}

fn sqlite_path(url: &str) -> Result<&Path> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
    let is_path = Path::new(url).extension().is_some_and(|extension| extension == "db");
    match path {
        Some(path) if !path.is_empty() => Ok(Path::new(path)),
        None if is_path && !url.contains("://") => Ok(Path::new(url)),
        _ => Err(Error::Unavailable {
            what: "its address is none that the store knows: give sqlite://PATH, a path that \
                   ends in .db, or postgres://USER@HOST/DATABASE"
                .to_owned(),
        }),
    }
}

/// A PostgreSQL address without user, password and parameters.
fn place(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}{}", url.host_str().unwrap_or("the local socket"), url.path())
}

/// The driver's words name wrong values of parameters, and a password may have slipped into one.
fn without_password(error: Error, url: &Url) -> Error {
    let parameters = url.query_pairs().filter(|(name, _)| name == "password");
    let secrets = parameters.map(|(_, value)| value.into_owned());
    let secrets: Vec<_> = secrets.chain(url.password().map(str::to_owned)).collect();
    let hidden = |mut text: String| {
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, "***");
        }
        text
    };
    match error {
        Error::Unavailable { what } => Error::Unavailable { what: hidden(what) },
        Error::Database { message } => Error::Database { message: hidden(message) },
        other => other,
    }
}

fn at(error: Error, place: &str) -> Error {
    match error {
        Error::Unavailable { what } => Error::Unavailable { what: format!("{place}: {what}") },
        Error::Corrupt { what } => Error::Corrupt { what: format!("{place}: {what}") },
        Error::Database { message } => Error::Database { message: format!("{place}: {message}") },
        other => other,
    }
}
