//! What stops a whole sync. What goes wrong in one stream is in its run.

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process is at it.
    #[error("connection `{connection}` is being synced already, by {holder}")]
    Busy {
        /// The connection.
        connection: String,
        /// Who.
        holder: String,
    },
    /// Another process took over what this one was doing.
    #[error("{what} was taken over by {holder}; this process wrote nothing more since it knew")]
    LeaseLost {
        /// What was taken over.
        what: String,
        /// Who.
        holder: String,
    },
    /// Another process pushes into it.
    #[error("connection `{connection}` is being pushed into already, by {holder}")]
    PushBusy {
        /// The connection.
        connection: String,
        /// Who.
        holder: String,
    },
    /// Another process keeps its subscriptions.
    #[error("the subscriptions of connection `{connection}` are being kept already, by {holder}")]
    SubscribeBusy {
        /// The connection.
        connection: String,
        /// Who.
        holder: String,
    },
    /// Nothing may be written there.
    #[error("nothing is pushed into connection `{connection}`: it did not opt in")]
    NotPushed {
        /// The connection.
        connection: String,
    },
    /// There is no connection of that name.
    #[error("there is no connection `{name}`; there are: {known}")]
    UnknownConnection {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// There is no stream of that name.
    #[error("connection `{connection}` has no stream `{name}`; it has: {known}")]
    UnknownStream {
        /// The connection.
        connection: String,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A connection looks up no tickets.
    #[error("connection `{connection}` looks up no tickets")]
    NoTickets {
        /// The connection.
        connection: String,
    },
    /// A system did not do what it was asked for.
    #[error("`{connection}`: {error}")]
    Vendor {
        /// The connection.
        connection: String,
        /// What it said.
        error: core_connector::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] core_store::Error),
    /// A document of the model cannot be read.
    #[error("an entity in the database cannot be read: {0}")]
    Document(#[from] serde_json::Error),
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Error::NotPushed { .. } => {
                "set `enabled = true` in its [connection.push], and say which fields; \
                `linchpin connectors` lists what can be written where"
                    .to_owned()
            }
            Error::Busy { .. } | Error::PushBusy { .. } | Error::SubscribeBusy { .. } => {
                "wait until it is done, or stop the other process".to_owned()
            }
            Error::LeaseLost { .. } => {
                "let the other process finish, or stop it, then sync again: \
                what was read is kept. A process loses its place when it is suspended, or cut off \
                from the database, for half a minute, or when the clocks of two hubs disagree"
                    .to_owned()
            }
            Error::UnknownConnection { .. } | Error::UnknownStream { .. } => {
                "use one of the names above".to_owned()
            }
            Error::NoTickets { .. } => "name a connection of a PSA (halopsa)".to_owned(),
            Error::Vendor { error, .. } => error.remedy().to_owned(),
            Error::Store(error) => error.remedy().to_owned(),
            Error::Document(_) => "run `linchpin rebuild`".to_owned(),
        }
    }
}
