//! What can go wrong in the store, in words that an operator can act on. Neither values of records
//! nor passwords are ever part of a message.

use sqlx::error::ErrorKind;

/// The result of everything the store does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something that was named does not exist.
    #[error("there is no {what}")]
    NotFound {
        /// What was asked for, with its name.
        what: String,
    },
    /// The change contradicts what is stored, for example because somebody else was faster.
    #[error("the change contradicts what is stored: {constraint}")]
    Conflict {
        /// The rule that it breaks.
        constraint: String,
    },
    /// The database cannot be reached, is locked or is full. Trying again later may help.
    #[error("the database is not available: {what}")]
    Unavailable {
        /// Why.
        what: String,
    },
    /// What is stored cannot be read.
    #[error("the database holds something that cannot be read: {what}")]
    Corrupt {
        /// Where, and what is wrong there.
        what: String,
    },
    /// A newer version wrote the database.
    #[error(
        "the database was written by a newer version: its schema is number {found}, and this \
         program knows {known}"
    )]
    Newer {
        /// The schema's number in the database.
        found: i64,
        /// The newest number that this program knows.
        known: i64,
    },
    /// The database refused a statement. That is a mistake in this program.
    #[error("the database refused a statement: {message}")]
    Database {
        /// Its words.
        message: String,
    },
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Error::NotFound { .. } => "check the name; nothing was changed",
            Error::Conflict { .. } => {
                "nothing was changed; start the work again, it goes on from what is stored"
            }
            Error::Unavailable { .. } => {
                "check the database's address, its rights, its disk space and that no other program \
                 keeps it locked; then try again"
            }
            Error::Corrupt { .. } => {
                "restore the database from a backup, or move it away and read all connections again"
            }
            Error::Newer { .. } => {
                "use the newer version again, or restore the backup from before the upgrade; \
                 schemas are never taken back"
            }
            Error::Database { .. } => "report it with this message; nothing was changed",
        }
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Error::NotFound { what: what.into() }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Error::Corrupt { what: what.into() }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => from_database(error.as_ref()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                Error::Corrupt { what: error.to_string() }
            }
            sqlx::Error::PoolTimedOut => {
                Error::Unavailable { what: "all connections were in use for too long".to_owned() }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
            | sqlx::Error::Configuration(_) => Error::Unavailable { what: error.to_string() },
            other => Error::Database { message: other.to_string() },
        }
    }
}

fn from_database(error: &dyn sqlx::error::DatabaseError) -> Error {
    let message = error.message().to_owned();
    match error.kind() {
        ErrorKind::UniqueViolation
        | ErrorKind::ForeignKeyViolation
        | ErrorKind::NotNullViolation
        | ErrorKind::CheckViolation
        | ErrorKind::ExclusionViolation => {
            let constraint = error.constraint().map_or(message, str::to_owned);
            return Error::Conflict { constraint };
        }
        _ => {}
    }
    let code = error.code().unwrap_or_default().into_owned();
    // SQLite gives extended result codes as numbers (the low byte is the kind), PostgreSQL five
    // characters. PostgreSQL's "00000" to "99999" never have fewer than five.
    let kind = if code.len() < 5 { code.parse::<u32>().ok().map(|code| code & 0xff) } else { None };
    match (kind, code.as_str()) {
        // busy, locked, read-only, I/O, full, cannot open
        (Some(5 | 6 | 8 | 10 | 13 | 14), _) => Error::Unavailable { what: message },
        // corrupt, not a database
        (Some(11 | 26), _) => Error::Corrupt { what: message },
        // no such database, deadlock, serialization
        (None, "3D000" | "40001" | "40P01" | "55P03") => Error::Unavailable { what: message },
        // connection, sign-in, resources, operator
        (None, code) if ["08", "28", "53", "57"].iter().any(|class| code.starts_with(class)) => {
            Error::Unavailable { what: message }
        }
        _ => Error::Database { message },
    }
}
