//! What a sync would change, without writing.

use core_connector::{Resume, Scope, Stream};
use core_store::{PageDiff, StreamKey};

use crate::error::Result;
use crate::hub::{Hub, SyncOptions, stream_key};

/// What a run would do.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// The stream.
    pub stream: StreamKey,
    /// What its pages would change.
    pub pages: Vec<PageDiff>,
    /// Why it could not be read to the end.
    pub failure: Option<String>,
}

impl Hub {
    /// Says what a sync of these connections would change, and writes nothing.
    ///
    /// # Errors
    /// Where a connection is unknown, or the store fails.
    pub async fn dry_run(&self, names: &[String], options: &SyncOptions) -> Result<Vec<DryRun>> {
        let mut found = Vec::new();
        for connection in self.named(names)? {
            for stream in connection.connector.streams() {
                if !options.wants(stream.name) {
                    continue;
                }
                let scopes = match stream.source.scopes().await {
                    Ok(scopes) => scopes,
                    Err(error) => {
                        let stream = stream_key(connection, &stream, &Scope::whole());
                        let failure = Some(error.to_string());
                        found.push(DryRun { stream, pages: Vec::new(), failure });
                        continue;
                    }
                };
                for scope in scopes {
                    let key = stream_key(connection, &stream, &scope);
                    found.push(self.dry_run_scope(key, &stream, &scope, options).await?);
                }
            }
        }
        Ok(found)
    }

    async fn dry_run_scope(
        &self,
        key: StreamKey,
        stream: &Stream<'_>,
        scope: &Scope,
        options: &SyncOptions,
    ) -> Result<DryRun> {
        let known = self.store.streams().await?.into_iter().find(|(known, _)| *known == key);
        let settled = known.as_ref().and_then(|(_, state)| state.settled.clone());
        // A stream that was never read has no id; nothing is stored under 0.
        let id = known.map_or(0, |(_, state)| state.id);
        let mut resume = match settled {
            Some(checkpoint) if !options.full => Resume::From(checkpoint),
            _ => Resume::Start,
        };
        let mut dry = DryRun { stream: key, pages: Vec::new(), failure: None };
        loop {
            match stream.source.page(scope, resume).await {
                Ok(page) => {
                    dry.pages.push(self.store.dry_run_page(id, &page.records, &page.gone).await?);
                    match page.checkpoint {
                        Some(checkpoint) if page.proof == core_connector::Proof::More => {
                            resume = Resume::From(checkpoint);
                        }
                        _ => return Ok(dry),
                    }
                }
                Err(error) => {
                    dry.failure = Some(error.to_string());
                    return Ok(dry);
                }
            }
        }
    }
}
