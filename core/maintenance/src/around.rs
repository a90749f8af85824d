//! What else a session needs of the systems around its subject: what is known of it, tokens for its tenant,
//! maintenance mode, updates of Windows. Nobody has to offer any of it.

use std::time::Duration;

use async_trait::async_trait;
use core_connector::Secret;
use serde_json::{Map, Value};

use crate::error::Result;

/// A token for a resource of one tenant. It does not print.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub token: Secret,
    /// How long it is good for, at least.
    pub lifetime: Duration,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoToken {
    /// It may not be had: the settings, or the definitions, do not allow it. In words.
    NotAllowed(String),
    /// The other system refuses: a consent or a right is missing. In words.
    Denied(String),
    /// The other system does not answer now. In words.
    NotNow(String),
}

/// How it is with the updates of Windows that somebody approved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updates {
    /// The way that they are installed by.
    pub way: String,
    /// Those that are approved and not installed yet, by their titles.
    pub missing: Vec<String>,
    /// Those of them that could not be installed.
    pub failed: Vec<String>,
    /// They are being installed just now.
    pub running: bool,
}

/// What is around a session's subject.
#[async_trait]
pub trait Around: Send + Sync {
    /// What is known of the subject, its tenant among it, and of nobody else.
    ///
    /// # Errors
    /// As all of these: where the store does not answer, or the session is another's.
    async fn facts(&self) -> Result<Map<String, Value>> {
        Ok(Map::new())
    }

    /// A token for a resource of the subject's own tenant; of one of its directories where it has several.
    ///
    /// # Errors
    /// As [`Around::facts`].
    async fn token(
        &self,
        resource: &str,
        _client: Option<&str>,
    ) -> Result<std::result::Result<AccessToken, NoToken>> {
        Ok(Err(NoToken::NotAllowed(format!("nobody gives tokens for {resource} here"))))
    }

    /// Says how the session goes.
    ///
    /// # Errors
    /// As [`Around::facts`].
    async fn say(&self, _words: &str) -> Result<()> {
        Ok(())
    }

    /// Puts the subject into maintenance mode wherever it can be and is not; whoever calls it again changes nothing.
    /// Says what was done, in words; nothing where there is no such thing.
    ///
    /// # Errors
    /// As [`Around::facts`]. What a vendor refuses is said in words.
    async fn enter_maintenance(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Takes it out where [`Around::enter_maintenance`] put it in, and leaves what was there before.
    ///
    /// # Errors
    /// As [`Around::enter_maintenance`].
    async fn leave_maintenance(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// How it is with approved updates; nothing where no way of the subject installs any.
    ///
    /// # Errors
    /// As [`Around::facts`]. What a vendor refuses is said in words.
    async fn updates(&self) -> Result<std::result::Result<Option<Updates>, String>> {
        Ok(Ok(None))
    }

    /// Has approved updates be installed by that way.
    ///
    /// # Errors
    /// As [`Around::updates`].
    async fn install_updates(&self, _way: &str) -> Result<std::result::Result<(), String>> {
        Ok(Err("no way of it installs updates".to_owned()))
    }
}
