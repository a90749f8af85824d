//! What a process that syncs for a test is told, in a file: it has no other way to know the
//! estate that its parent serves.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use core_derive::DomainSplit;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ConnectionSettings;

/// What to sync, and where to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The database.
    pub database: String,
    /// The settings of each connection, by kind.
    pub connections: BTreeMap<String, Value>,
    /// The splits of shared directories.
    pub splits: Vec<DomainSplit>,
}

impl Order {
    /// Reads an order.
    ///
    /// # Errors
    /// When the file is not there, or holds none.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Writes an order.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(std::fs::write(path, serde_json::to_vec(self)?)?)
    }

    /// The settings of the connections.
    ///
    /// # Errors
    /// When there is no connector of a kind.
    pub fn settings(&self) -> Result<ConnectionSettings> {
        let registry = crate::registry();
        let kind =
            |(kind, settings): (&String, &Value)| Ok((registry.kind(kind)?.name, settings.clone()));
        self.connections.iter().map(kind).collect()
    }
}
