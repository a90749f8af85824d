//! What stops a runner.

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a runner cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its folder cannot be used.
    #[error("{what}: {why}")]
    State {
        /// Which file or folder.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// It was never enrolled.
    #[error("{0} holds no enrolment: run `linchpin agent enrol URL` first")]
    NotEnrolled(String),
    /// It was enrolled already.
    #[error(
        "{0} holds an enrolment already: remove the runner at the hub and delete the folder to begin anew"
    )]
    Enrolled(String),
    /// The hub refuses it, or says what makes no sense.
    #[error("the hub refuses: {0}")]
    Refused(String),
    /// The hub does not answer.
    #[error("the hub does not answer: {0}")]
    Away(String),
}

impl Error {
    pub(crate) fn state(path: &std::path::Path, why: impl std::fmt::Display) -> Self {
        Self::State { what: path.display().to_string(), why: why.to_string() }
    }
}
