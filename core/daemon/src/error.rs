//! What ends a daemon. What goes wrong in one run is in that run, and in the log.

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A SQLite file has one daemon at a time.
    #[error("another daemon works on this database already: {holder}")]
    Taken {
        /// Who.
        holder: String,
    },
    /// Another daemon took over while this one was suspended.
    #[error("another daemon took this database over: {holder}")]
    Replaced {
        /// Who.
        holder: String,
    },
    /// What it works with fails.
    #[error(transparent)]
    Sync(#[from] core_sync::Error),
}

impl From<core_store::Error> for Error {
    fn from(error: core_store::Error) -> Self {
        Error::Sync(error.into())
    }
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Error::Taken { .. } => "stop the other one first, or give this one a database of its \
                own; several daemons can share a PostgreSQL database. One that died on another \
                machine, or in another container, is taken over after half a minute"
                .to_owned(),
            Error::Replaced { .. } => "let the other one work, or stop it and start this one \
                again: nothing is lost. It happens to a process that was suspended for longer than \
                half a minute"
                .to_owned(),
            Error::Sync(error) => error.remedy(),
        }
    }
}
