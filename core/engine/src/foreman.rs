//! What the program around the engine knows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use core_connector::Secret;
use core_maintenance::{Brief, Hubside};
use core_model::queue::QueueRules;
use core_model::session::Session;
use core_store::Bars;
use core_sync::Hub;
use url::Url;

use crate::drift::{Drift, DriftCause, Other};

/// How the engine works.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// How many sessions it has at once.
    pub parallel: usize,
    /// How long to wait between two looks at what waits.
    pub look: Duration,
    /// How long to wait between two looks at a script, where that is not the connector's to say.
    pub pace: Option<Duration>,
    /// How much faster than life the hub's clock goes: what is waited for, is waited for so much less. Where the
    /// clock is that of an imaginary estate; 1 else.
    pub hurry: u32,
    /// How long a session waits whose computer is away before it is tried again.
    pub away: Duration,
    /// Where scripts run that run in the hub.
    pub hubside: Hubside,
    /// Of which connections scripts in the hub may have tokens, for the directory of their own tenant.
    pub tokens_from: Vec<String>,
    /// Where computers reach the hub; without it no secrets get to scripts through a vendor.
    pub address: Option<Url>,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            parallel: 50,
            look: Duration::from_secs(1),
            pace: None,
            hurry: 1,
            away: Duration::from_secs(600),
            hubside: Hubside::default(),
            tokens_from: Vec::new(),
            address: None,
        }
    }
}

/// Why there is no brief.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbriefed {
    /// There is nothing to be done, or nothing may be: the session is over; why.
    Over(String),
    /// It cannot be told just now; why.
    NotNow(String),
}

/// Knows settings and rules.
#[async_trait]
pub trait Foreman: Send + Sync {
    /// The hub with its connections, by the settings in force.
    fn hub(&self) -> Arc<Hub>;

    /// How many sessions run, by the settings in force.
    fn rules(&self) -> QueueRules;

    /// How the engine works, by the settings in force; none where it is not to.
    fn settings(&self) -> Option<EngineSettings>;

    /// Why nothing is done about a session any more.
    ///
    /// # Errors
    /// In words, where that cannot be told just now.
    async fn bars(&self) -> Result<Arc<Bars<'static>>, String>;

    /// What a session is about, by the rules as they are now.
    ///
    /// # Errors
    /// Why there is none.
    async fn brief(&self, session: &Session) -> Result<Brief, Unbriefed>;

    /// Why another deployment than before wins an item of a session's subject. What knows no rules says that the
    /// membership changed.
    ///
    /// # Errors
    /// In words, where that cannot be told just now.
    async fn why_other(&self, session: &Session, other: &Other<'_>) -> Result<Drift, String> {
        let _ = session;
        Ok(Drift { cause: DriftCause::Membership, why: format!("{} wins now", other.name) })
    }

    /// Looks after what goes on by itself: rings that open, and those that failed too often. It is called every now
    /// and then.
    ///
    /// # Errors
    /// In words, where it could not be looked at.
    async fn look_after(&self) -> Result<(), String> {
        Ok(())
    }

    /// The secret that the hub keeps under a name; none where it keeps none.
    ///
    /// # Errors
    /// In words, where it cannot be opened.
    async fn secret(&self, name: &str) -> Result<Option<Secret>, String>;
}
