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
use crate::wire::Details;

const OPERATION: &str = "run a script through Control";

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
    /// The only one that there is of this run, whoever makes it.
    fn of(agent: &str, script: &Script) -> Result<Self> {
        Ok(Self {
            session: session_id(agent)?,
            timeout: output::timeout(script),
            marker: script.run.simple().to_string(),
            shell: script.shell,
            limit: script.output_limit,
            sent: Utc::now(),
        })
    }

    fn text(&self) -> Result<ScriptHandle> {
        let text = serde_json::to_string(self);
        text.map(ScriptHandle)
            .map_err(|error| Error::new(ErrorKind::Rejected, OPERATION, error.to_string()))
    }

    fn wanted(&self) -> Wanted<'_> {
        let Self { shell, limit, timeout, .. } = *self;
        Wanted { marker: &self.marker, shell, limit, timeout }
    }
}

impl Commands {
    pub(crate) fn new(api: &Arc<Api>) -> Self {
        Self(Arc::clone(api))
    }

    /// The session that a script was sent to, with its events.
    async fn details(&self, handle: &Handle) -> Result<Details> {
        let request =
            self.0.method("GetSessionDetailsBySessionID", &[json!(handle.session)]).repeatable();
        let details: Option<Details> = self.0.http.call(&request, decode::json).await?;
        details.filter(|details| details.session.is_some()).ok_or_else(|| {
            let detail = format!(
                "session {} is not there any more; the script was sent at {}",
                handle.session,
                handle.sent.format("%Y-%m-%d %H:%M:%S UTC")
            );
            Error::new(ErrorKind::NotFound, &request.operation, detail)
        })
    }
}

#[async_trait]
impl RunScript for Commands {
    async fn start(&self, agent: &str, script: &Script) -> Result<ScriptHandle> {
        let handle = Handle::of(agent, script)?;
        let text = handle.text()?;
        let command = output::command(script, &handle.wanted());
        let request =
            self.0.method("SendCommandToSession", &[json!(handle.session), json!(command)]);
        self.0.http.call(&request, queued).await?;
        Ok(text)
    }

    async fn find(&self, agent: &str, script: &Script) -> Result<Option<ScriptHandle>> {
        let handle = Handle::of(agent, script)?;
        let details = self.details(&handle).await?;
        let queued = output::is_queued(details.all_events(), &handle.marker);
        if queued { handle.text().map(Some) } else { Ok(None) }
    }

    async fn poll(&self, handle: &ScriptHandle) -> Result<ScriptOutcome> {
        let handle: Handle = serde_json::from_str(&handle.0).map_err(|error| {
            let detail = format!("the handle is not one of this connector: {error}");
            Error::new(ErrorKind::NotFound, OPERATION, detail)
        })?;
        let details = self.details(&handle).await?;
        Ok(output::find(details.all_events(), &handle.wanted()))
    }

    /// No limit is documented; what is queued stays in a database that is SQLite as it is delivered.
    fn command_limit(&self) -> usize {
        30_000
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
