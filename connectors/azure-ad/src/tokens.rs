//! Tokens for Graph in the directories that are read, for scripts of the hub: each directory has its own, and no other
//! directory takes it.

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{AccessToken, AccessTokens, Error, ErrorKind, Result};

use crate::client::Graph;
use crate::directories::Directories;

/// The one resource.
const GRAPH: &str = "graph";
const OPERATION: &str = "give a token";

/// Gives tokens for Graph.
pub(crate) struct Tokens {
    graph: Arc<Graph>,
    directories: Arc<Directories>,
}

impl Tokens {
    pub(crate) fn new(graph: &Arc<Graph>, directories: &Arc<Directories>) -> Self {
        Self { graph: Arc::clone(graph), directories: Arc::clone(directories) }
    }
}

#[async_trait]
impl AccessTokens for Tokens {
    fn resources(&self) -> &'static [&'static str] {
        &[GRAPH]
    }

    async fn token(&self, resource: &str, client: &str) -> Result<AccessToken> {
        if resource != GRAPH {
            let detail = format!("there are no tokens for `{resource}`");
            return Err(Error::new(ErrorKind::NotOffered, OPERATION, detail));
        }
        let directory = client.trim().to_lowercase();
        // Only what the settings have it read: whoever asks cannot name any directory that let us in.
        if !self.directories.all().await?.iter().any(|one| one.id == directory) {
            let detail = format!("directory `{directory}` is none that this connection reads");
            return Err(Error::new(ErrorKind::NotFound, OPERATION, detail));
        }
        let token = self.graph.token(&directory).await?;
        Ok(AccessToken { token: token.value, lifetime: token.lifetime })
    }
}
