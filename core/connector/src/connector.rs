//! What a connector can do.

use async_trait::async_trait;
use core_model::RecordKind;
use url::Url;

use crate::maintenance::{MaintenanceMode, Patching};
use crate::page::Source;
use crate::push::Push;
use crate::script::RunScript;
use crate::subscribe::Subscribe;
use crate::token::AccessTokens;
use crate::webhook::Webhooks;
use crate::{Result, Secret};

/// A stream of a connector.
pub struct Stream<'a> {
    /// Its name (`users`), stable: checkpoints are stored under it.
    pub name: &'static str,
    /// The kinds of record it carries.
    pub kinds: &'static [RecordKind],
    /// Reads it.
    pub source: &'a dyn Source,
}

/// One configured instance of an external system.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Signs in, and says what the credentials do not allow.
    ///
    /// # Errors
    /// When signing in fails; a missing permission is no error but in [`Account::missing`].
    async fn check(&self) -> Result<Account>;

    /// Its streams, in the order in which a first sync should read them.
    fn streams(&self) -> Vec<Stream<'_>>;

    /// Runs scripts on machines.
    fn scripts(&self) -> Option<&dyn RunScript> {
        None
    }

    /// Opens remote sessions.
    fn sessions(&self) -> Option<&dyn OpenSession> {
        None
    }

    /// Looks up tickets.
    fn tickets(&self) -> Option<&dyn Tickets> {
        None
    }

    /// Understands what the system sends to the hub by itself.
    fn webhooks(&self) -> Option<&dyn Webhooks> {
        None
    }

    /// Has the system tell what changes.
    fn subscribe(&self) -> Option<&dyn Subscribe> {
        None
    }

    /// Writes back what the hub knows, where an admin opted in.
    fn push(&self) -> Option<&dyn Push> {
        None
    }

    /// Has machines in maintenance mode, where an admin opted in.
    fn maintenance_mode(&self) -> Option<&dyn MaintenanceMode> {
        None
    }

    /// Installs updates of Windows that somebody approved.
    fn patching(&self) -> Option<&dyn Patching> {
        None
    }

    /// Gives tokens for the directories of customers.
    fn access_tokens(&self) -> Option<&dyn AccessTokens> {
        None
    }
}

/// Who the hub is at a system, and what it lacks there.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The account or application, as the system names it.
    pub name: String,
    /// Version of the system, where it says so.
    pub version: Option<String>,
    /// What the credentials do not allow.
    pub missing: Vec<Missing>,
}

/// A permission that the credentials lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The vendor's name for it.
    pub permission: String,
    /// What does not work without it.
    pub costs: String,
    /// Where it is lacking (a customer's directory), empty for everywhere.
    pub scope: String,
}

/// A link that opens a remote session. It may carry a right to enter, and is never printed.
#[derive(Clone, Debug)]
pub struct SessionLink(Secret);

impl SessionLink {
    /// A link.
    #[must_use]
    pub fn new(url: &Url) -> Self {
        Self(Secret::new(url.as_str()))
    }

    /// The link, for the one page that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// A connector that opens remote sessions.
#[async_trait]
pub trait OpenSession: Send + Sync {
    /// The link that joins the machine of this agent.
    ///
    /// # Errors
    /// As any call; `NotFound` where the agent is unknown.
    async fn open(&self, agent: &str) -> Result<SessionLink>;
}

/// A ticket of a PSA, as far as the hub cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The vendor's id.
    pub key: String,
    /// What it is about.
    pub summary: String,
    /// Key of the client.
    pub client: Option<String>,
    /// Key of the contact.
    pub contact: Option<String>,
    /// Keys of the assets.
    pub assets: Vec<String>,
    /// Closed.
    pub closed: bool,
}

/// A connector that looks up tickets.
#[async_trait]
pub trait Tickets: Send + Sync {
    /// The ticket with this id.
    ///
    /// # Errors
    /// As any call; `NotFound` where there is none, or it may not be seen.
    async fn ticket(&self, key: &str) -> Result<Ticket>;

    /// Puts a private note on a ticket, or replaces the one with the same mark.
    ///
    /// # Errors
    /// As any call; `NotFound` where the ticket is not there.
    async fn note(&self, key: &str, note: &Note<'_>) -> Result<()>;

    /// The origin (scheme, host and port) of the pages on which technicians see tickets, and which may
    /// frame the hub's.
    fn pages(&self) -> Option<String>;
}

/// A private note on a ticket.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    /// A text in it that no other note has: the note is found again by it.
    pub mark: &'a str,
    /// Its text, as HTML with nothing but paragraphs, lists, emphasis and links.
    pub html: &'a str,
}
