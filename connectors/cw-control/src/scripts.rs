//! Scripts: queued as a command of the session, found again among its events.
//!
//! The extension answers a queued command with nothing, not even whether the session is there;
//! that shows when the result is asked for.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use core_connector::{
    Error, ErrorKind, Result, RunScript, Script, ScriptHandle, ScriptOutcome, Shell,
};
use core_http::{Answer, decode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::client::{Api, session_id};
use crate::output::{self, Wanted};
use crate::wire::{Connection, Details};

/// Runs scripts through the sessions of a server.
pub(crate) struct Commands(Arc<Api>);

/// What is needed to find a result.
#[derive(Serialize, Deserialize)]
struct Handle {
    session: Uuid,
    marker: String,
    shell: Shell,
    limit: usize,
    timeout: u64,
    sent: DateTime<Utc>,
}

impl Handle {
    fn wanted(&self) -> Wanted<'_> {
        let Self { shell, limit, timeout, .. } = *self;
        Wanted { marker: &self.marker, shell, limit, timeout }
    }
}

impl Commands {
    pub(crate) fn new(api: &Arc<Api>) -> Self {
        Self(Arc::clone(api))
    }
}

#[async_trait]
impl RunScript for Commands {
    async fn start(&self, agent: &str, script: &Script) -> Result<ScriptHandle> {
        let marker = Uuid::new_v4();
        let handle = Handle {
            session: session_id(agent)?,
            timeout: output::timeout(script, marker),
            marker: marker.simple().to_string(),
            shell: script.shell,
            limit: script.output_limit,
            sent: Utc::now(),
        };
        let text = serde_json::to_string(&handle).map_err(|error| {
            Error::new(ErrorKind::Rejected, "run a script through Control", error.to_string())
        })?;
        let command = output::command(script, &handle.wanted());
        let request =
            self.0.method("SendCommandToSession", &[json!(handle.session), json!(command)]);
        self.0.http.call(&request, queued).await?;
        Ok(ScriptHandle(text))
    }

    async fn poll(&self, handle: &ScriptHandle) -> Result<ScriptOutcome> {
        let handle: Handle = serde_json::from_str(&handle.0).map_err(|error| {
            let detail = format!("the handle is not one of this connector: {error}");
            Error::new(ErrorKind::NotFound, "run a script through Control", detail)
        })?;
        let request =
            self.0.method("GetSessionDetailsBySessionID", &[json!(handle.session)]).repeatable();
        let details: Option<Details> = self.0.http.call(&request, decode::json).await?;
        let Some(details) = details.filter(|details| details.session.is_some()) else {
            let detail = format!(
                "session {} is not there any more; the script was sent at {}",
                handle.session,
                handle.sent.format("%Y-%m-%d %H:%M:%S UTC")
            );
            return Err(Error::new(ErrorKind::NotFound, &request.operation, detail));
        };
        let within = details.connections.iter().flatten();
        let nested = within.flat_map(|one: &Connection| one.events.iter().flatten());
        let events = details.events.iter().flatten().chain(nested);
        Ok(output::find(events, &handle.wanted()))
    }
}

/// The method answers with nothing. A sign-in page or an error in a 200 queued nothing.
fn queued(answer: &Answer) -> Result<()> {
    if answer.body.trim_ascii().is_empty() {
        return Ok(());
    }
    let reply: serde_json::Value = decode::json(answer)?;
    match reply.get("errorType") {
        None => Ok(()),
        Some(_) => Err(Error::new(ErrorKind::Rejected, &answer.operation, answer.excerpt())
            .with_remedy("nothing was queued: see what the server says, and start it again")),
    }
}
