//! Scripts for runners: signed, and put into the store for their runner to fetch.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_connector::{
    Error, ErrorKind, Result, RunScript, Script, ScriptHandle, ScriptOutcome, Secret, Taker,
};
use core_runner::{Order, Outcome, Shell};
use core_store::{NewRunnerCommand, RunnerCommand, RunnerRow};
use serde_json::json;
use uuid::Uuid;

use crate::connector::{Runners, evidence, is_online, of_store};
use crate::office::{CAME, now_us};

const OPERATION: &str = "run a script through a runner";
/// How long a command waits for its runner, seconds. The engine waits so much longer than a script may take, and then
/// looks what is there: nothing may begin after that.
const WAITS_S: i64 = 120;
/// How much later a word of a runner that began it in time may arrive, microseconds.
const LATE_US: i64 = 60 * 1_000_000;
/// Characters of a command. What is longer is staged, a part of it at a time.
const LONGEST: usize = 200_000;

impl Runners {
    async fn row(&self, agent: &str) -> Result<RunnerRow> {
        let row = self.office().store.runner(agent).await.map_err(|error| of_store(&error))?;
        row.ok_or_else(|| {
            let detail = format!("there is no runner {agent:?}, or it was removed");
            Error::new(ErrorKind::NotFound, OPERATION, detail)
        })
    }

    async fn command(&self, run: &str) -> Result<Option<RunnerCommand>> {
        self.office().store.runner_command(run).await.map_err(|error| of_store(&error))
    }

    async fn queue(
        &self,
        agent: &str,
        script: &Script,
        stdin: Option<&Secret>,
    ) -> Result<ScriptHandle> {
        let row = self.row(agent).await?;
        let wrong = |what: String| Error::new(ErrorKind::Rejected, OPERATION, what);
        let runner: Uuid =
            row.id.parse().map_err(|_| wrong(format!("{:?} is no id of a runner", row.id)))?;
        let now_us = now_us();
        let order = Order {
            runner,
            run: script.run,
            shell: evidence(&row).shell,
            text_sha256: String::new(),
            stdin_sha256: None,
            limit_s: u32::try_from(script.time_limit.as_secs()).unwrap_or(u32::MAX),
            output_limit: script.output_limit as u64,
            not_after_s: now_us / 1_000_000 + WAITS_S,
        };
        let office = self.office();
        let key = office.key().await.map_err(|why| {
            Error::new(ErrorKind::Config, "the signing key of runners", format!("{why:?}"))
        })?;
        let stdin = stdin.map(Secret::expose);
        let (order, signature) = key.sign(order, &script.text, stdin);
        let run = script.run.to_string();
        let document = json!({ "order": order, "signature": signature }).to_string();
        let new = NewRunnerCommand {
            run: &run,
            runner: agent,
            document: &document,
            text: &script.text,
            input: stdin,
            not_after_us: order.not_after_s * 1_000_000,
            output_limit: i64::try_from(script.output_limit).unwrap_or(i64::MAX),
            now_us,
        };
        let store = &office.store;
        // Asked again, it is the same command: it waits once.
        store.queue_runner_command(&office.keys, &new).await.map_err(|error| of_store(&error))?;
        CAME.notify_waiters();
        Ok(ScriptHandle(run))
    }

    async fn output(&self, run: &str) -> Result<String> {
        let pieces = self.office().store.runner_output(run).await;
        let pieces = pieces.map_err(|error| of_store(&error))?;
        let mut bytes = Vec::new();
        for piece in pieces {
            bytes.extend(STANDARD.decode(piece).unwrap_or_default());
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn over(&self, command: &RunnerCommand) -> Result<ScriptOutcome> {
        let outcome = command.outcome.as_deref().unwrap_or_default();
        let outcome: Outcome = serde_json::from_str(outcome).map_err(|error| {
            let detail = format!("what came of run {}: {error}", command.run);
            Error::new(ErrorKind::Protocol, OPERATION, detail)
        })?;
        Ok(match outcome {
            Outcome::Finished { truncated, .. } => {
                ScriptOutcome::Done { output: self.output(&command.run).await?, truncated }
            }
            Outcome::TimedOut { after_s } => {
                let reason = format!("the runner ended it after {after_s} seconds");
                ScriptOutcome::Failed { reason }
            }
            Outcome::Refused { why } => {
                ScriptOutcome::Failed { reason: format!("the runner refused it: {why}") }
            }
            Outcome::Lost { why } => {
                let reason = format!("it is not known what came of it: {why}");
                ScriptOutcome::Failed { reason }
            }
        })
    }
}

#[async_trait]
impl RunScript for Runners {
    async fn start(&self, agent: &str, script: &Script) -> Result<ScriptHandle> {
        self.start_with(agent, script, None).await
    }

    async fn start_with(
        &self,
        agent: &str,
        script: &Script,
        stdin: Option<&Secret>,
    ) -> Result<ScriptHandle> {
        self.queue(agent, script, stdin).await
    }

    async fn taker(&self, agent: &str) -> Result<Option<Taker>> {
        let row = self.row(agent).await?;
        let said = evidence(&row);
        let posix = said.shell == Shell::Sh;
        Ok(Some(Taker { posix, folder: said.folder, online: Some(is_online(&row, now_us())) }))
    }

    fn asks_who_they_are(&self) -> bool {
        false
    }

    async fn find(&self, agent: &str, script: &Script) -> Result<Option<ScriptHandle>> {
        let run = script.run.to_string();
        let found = self.command(&run).await?;
        Ok(found.filter(|command| command.runner == agent).map(|_| ScriptHandle(run)))
    }

    async fn poll(&self, handle: &ScriptHandle) -> Result<ScriptOutcome> {
        let run = &handle.0;
        let Some(command) = self.command(run).await? else {
            let detail = format!("the store has no run {run:?} any more");
            return Err(Error::new(ErrorKind::NotFound, OPERATION, detail));
        };
        if command.state == "over" {
            return self.over(&command).await;
        }
        let waits = command.state != "running";
        if waits && now_us() > command.not_after_us + LATE_US {
            let why = "its runner did not take it in time".to_owned();
            let outcome = serde_json::to_string(&Outcome::Lost { why }).unwrap_or_default();
            let names = (&*command.runner, &**run);
            let store = &self.office().store;
            store
                .end_runner_command(names, &outcome, now_us())
                .await
                .map_err(|error| of_store(&error))?;
        }
        Ok(ScriptOutcome::Pending)
    }

    fn command_limit(&self) -> usize {
        LONGEST
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_millis(500)
    }
}
