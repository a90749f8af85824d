//! Tokens for the directories of customers.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Result, Secret};

/// A token for a resource of one customer. It is never printed.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub token: Secret,
    /// How long it is good for, at least.
    pub lifetime: Duration,
}

/// A connector that gives tokens for the directories of customers.
#[async_trait]
pub trait AccessTokens: Send + Sync {
    /// The resources that there are tokens for: `graph`.
    fn resources(&self) -> &'static [&'static str];

    /// A token for a resource in the directory of this client (the client record's key), and in no other.
    ///
    /// # Errors
    /// As any call; `NotOffered` where there are none for this resource, `NotFound` where the client is none that
    /// this connection reads, `Auth` or `Forbidden` where it refuses.
    async fn token(&self, resource: &str, client: &str) -> Result<AccessToken>;
}
