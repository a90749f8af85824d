//! What a connector must find again after a restart, and must not show: credentials that renew
//! themselves.

use async_trait::async_trait;

use crate::{Result, Secret};

/// Keeps secrets that a connector renews by itself, each under a name of the connector's own. Where and
/// how is the hub's matter; a connector gets one for itself alone, if there is one.
#[async_trait]
pub trait KeepSecret: Send + Sync {
    /// The secret of this name, as whoever works beside this process left it.
    ///
    /// # Errors
    /// `Config` where it cannot be opened, `Unavailable` where it cannot be had just now.
    async fn kept(&self, name: &str) -> Result<Option<Secret>>;

    /// Keeps a secret instead of the one that was there before (`None` for none). Gives false, and
    /// changes nothing, where something else is there by now.
    ///
    /// # Errors
    /// As [`KeepSecret::kept`].
    async fn replace(&self, name: &str, before: Option<&Secret>, next: &Secret) -> Result<bool>;
}
