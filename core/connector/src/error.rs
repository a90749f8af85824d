//! What can go wrong between the hub and a system, and who can mend it.

use std::fmt;
use std::time::Duration;

/// A result of the contract.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure. Callers branch on this and on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A setting is wrong or missing.
    Config,
    /// The credentials are refused.
    Auth,
    /// The credentials are good, and do not allow this.
    Forbidden,
    /// The system does not offer this here (no licence): the stream is skipped.
    NotOffered,
    /// The object is not there.
    NotFound,
    /// The system refuses the request as it is.
    Rejected,
    /// Too many requests; wait this long where the system says how long.
    RateLimited {
        /// As the system asks.
        retry_after: Option<Duration>,
    },
    /// Not reachable or not in order just now.
    Unavailable,
    /// The checkpoint is too old: the stream is to be read from the start.
    CheckpointExpired,
    /// The answer is not what the system documents.
    Protocol,
}

/// Who can mend a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The admin: settings, credentials, permissions.
    Admin,
    /// Time.
    Clock,
    /// The developer of the connector.
    Developer,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: &'static [ErrorKind] = &[
        ErrorKind::Config,
        ErrorKind::Auth,
        ErrorKind::Forbidden,
        ErrorKind::NotOffered,
        ErrorKind::NotFound,
        ErrorKind::Rejected,
        ErrorKind::RateLimited { retry_after: None },
        ErrorKind::Unavailable,
        ErrorKind::CheckpointExpired,
        ErrorKind::Protocol,
    ];

    /// The kind of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    /// The word in run records and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Config => "config",
            ErrorKind::Auth => "auth",
            ErrorKind::Forbidden => "forbidden",
            ErrorKind::NotOffered => "not_offered",
            ErrorKind::NotFound => "not_found",
            ErrorKind::Rejected => "rejected",
            ErrorKind::RateLimited { .. } => "rate_limited",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::CheckpointExpired => "checkpoint_expired",
            ErrorKind::Protocol => "protocol",
        }
    }

    /// Who can mend it.
    #[must_use]
    pub fn actor(self) -> Actor {
        match self {
            ErrorKind::RateLimited { .. }
            | ErrorKind::Unavailable
            | ErrorKind::CheckpointExpired => Actor::Clock,
            ErrorKind::Protocol => Actor::Developer,
            _ => Actor::Admin,
        }
    }
}

/// A failure: what was tried, what went wrong, what to do.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: String,
    detail: String,
    remedy: Option<String>,
    attempts: u32,
}

impl Error {
    /// A failure of this kind. `operation` names what was tried in the system's words
    /// (`GET /users/delta`); neither text may hold a secret.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind, operation: operation.into(), detail: detail.into(), remedy: None, attempts: 1 }
    }

    /// The same failure with what the one who can mend it should do.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same failure, after so many attempts.
    #[must_use]
    pub fn after(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The same failure, of another kind.
    #[must_use]
    pub fn into_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// What kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What was tried.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// What went wrong.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What to do: the error's own remedy, or the general one of its kind.
    #[must_use]
    pub fn remedy(&self) -> String {
        self.remedy.clone().unwrap_or_else(|| general_remedy(self.kind).to_owned())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.detail)?;
        if self.attempts > 1 {
            write!(f, " (after {} attempts)", self.attempts)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

fn general_remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Config => "correct the setting",
        ErrorKind::Auth => "renew the credentials of this connection, then run `linchpin check`",
        ErrorKind::Forbidden => "grant the permission; `linchpin check` names what is missing",
        ErrorKind::NotOffered => "nothing to do: the system does not offer this here",
        ErrorKind::NotFound => "nothing to do if it was removed; else check the id",
        ErrorKind::Rejected => "correct what was sent",
        ErrorKind::RateLimited { .. } => {
            "nothing to do: the next run goes on from here. If it is always so, lower the \
             connection's `requests_per_second` or give the application a budget of its own"
        }
        ErrorKind::Unavailable => {
            "nothing to do if it worked before: the next run goes on from here. If it never did, \
             check its address in the settings, and that this machine may reach it"
        }
        ErrorKind::CheckpointExpired => "nothing to do: the next run reads everything again",
        ErrorKind::Protocol => {
            "the answer is not what the vendor documents. If it persists, report it with this \
             message; nothing was removed"
        }
    }
}
