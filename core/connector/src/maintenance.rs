//! Maintenance mode, and updates of Windows that somebody approved.

use std::time::Duration;

use async_trait::async_trait;

use crate::Result;

/// A connector that has machines in maintenance mode: what happens there meanwhile raises no alarm.
#[async_trait]
pub trait MaintenanceMode: Send + Sync {
    /// Whether the machine of this agent (the agent record's key) is in maintenance mode.
    ///
    /// # Errors
    /// As any call; `NotFound` where the agent is unknown.
    async fn is_on(&self, agent: &str) -> Result<bool>;

    /// Puts the machine of this agent into it, for so long at the most where the vendor can be told. It may take the
    /// vendor a while.
    ///
    /// # Errors
    /// As any call; `NotFound` where the agent is unknown.
    async fn enter(&self, agent: &str, most: Duration) -> Result<()>;

    /// Takes the machine of this agent out of it.
    ///
    /// # Errors
    /// As any call; `NotFound` where the agent is unknown.
    async fn leave(&self, agent: &str) -> Result<()>;
}

/// How it is with an update of Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateState {
    /// It is not installed yet.
    Missing,
    /// It is installed.
    Installed,
    /// It could not be installed.
    Failed,
}

/// The updates of one machine that somebody approved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovedUpdates {
    /// Each by its title.
    pub updates: Vec<(String, UpdateState)>,
    /// Some are being installed just now.
    pub running: bool,
}

/// A connector that manages updates of Windows.
#[async_trait]
pub trait Patching: Send + Sync {
    /// How it is with the approved updates of the machine of this agent (the agent record's key).
    ///
    /// # Errors
    /// As any call; `NotFound` where the agent is unknown.
    async fn approved(&self, agent: &str) -> Result<ApprovedUpdates>;

    /// Has the approved ones installed. It only begins with it: [`Patching::approved`] says how far it is.
    ///
    /// # Errors
    /// As any call; `NotFound` where the agent is unknown.
    async fn install_approved(&self, agent: &str) -> Result<()>;
}
