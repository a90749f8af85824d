//! Subscriptions: what the hub asks a system to tell it of by itself, for a time. What then comes is
//! understood by [`crate::Webhooks`].

use async_trait::async_trait;

use crate::Result;
use crate::page::Scope;

/// A subscription as the system has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The system's id of it.
    pub id: String,
    /// What it tells of: the name of a stream.
    pub topic: String,
    /// To where it tells.
    pub url: String,
    /// When it ends by itself, Unix microseconds.
    pub ends_us: i64,
}

/// A subscription to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewSubscription<'a> {
    /// What it is to tell of.
    pub topic: &'a str,
    /// To where.
    pub url: &'a str,
    /// Until when, Unix microseconds.
    pub until_us: i64,
}

/// A connector whose system tells what changed to whoever subscribes. It makes what it is told to make;
/// which there should be, and which are too many, is the hub's to say.
#[async_trait]
pub trait Subscribe: Send + Sync {
    /// Whether the settings want any.
    fn wanted(&self) -> bool;

    /// The streams of which the system tells.
    fn topics(&self) -> &'static [&'static str];

    /// For how long one is made, in microseconds: no longer than the system allows.
    fn life_us(&self) -> i64;

    /// A short text that changes where those that are there must be made anew: with the secret that they
    /// repeat. It gives nothing of the secret away.
    fn mark(&self) -> String;

    /// The parts of the system that have subscriptions of their own.
    ///
    /// # Errors
    /// As any call.
    async fn scopes(&self) -> Result<Vec<Scope>>;

    /// All of this application in a part, also those that tell somebody else.
    ///
    /// # Errors
    /// As any call; also where the part is read no more.
    async fn list(&self, scope: &str) -> Result<Vec<Subscription>>;

    /// Makes one.
    ///
    /// # Errors
    /// As any call; `Config` where the system cannot reach the address.
    async fn make(&self, scope: &str, wanted: NewSubscription<'_>) -> Result<Subscription>;

    /// Has one go on until then (Unix microseconds), and says again that it is wanted.
    ///
    /// # Errors
    /// As any call; `NotFound` where it is not there any more.
    async fn renew(&self, scope: &str, id: &str, until_us: i64) -> Result<Subscription>;

    /// Ends one.
    ///
    /// # Errors
    /// As any call; `NotFound` where it is not there any more.
    async fn remove(&self, scope: &str, id: &str) -> Result<()>;
}
