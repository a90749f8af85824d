//! Why a session is put down before its end. What goes wrong on a computer is none of these: it is an outcome.

/// A result of carrying out.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a session is put down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The hub is stopping. Whoever has the session next goes on.
    #[error("the hub is stopping")]
    Stopping,
    /// Somebody else has the session now, or somebody took it back.
    #[error("the session is not this engine's any more: {0}")]
    Lost(String),
    /// What was done could not be written down, or read again.
    #[error("the session's book does not answer: {0}")]
    Book(String),
}
