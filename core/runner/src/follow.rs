//! A run from its beginning, or from where a runner that died left it, until the hub knows what came of it.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Child;
use tokio::time::Instant;
use uuid::Uuid;

use crate::agent::{Inner, UplinkError, now_s};
use crate::journal::{Entry, Phase};
use crate::process;
use crate::sign::{Refusal, accept};
use crate::wire::{Done, Order, Outcome, Piece, Signed, Taken, paths};

/// Bytes of a piece.
const PIECE: usize = 48 * 1024;
/// Bytes of one run's output that are sent, whatever is asked for.
const MOST: u64 = 16 << 20;
/// Bytes that a run may print beyond what is sent before it is ended, so that no disk is filled.
const BEYOND: u64 = 64 << 20;
/// What a hub answers that does not know the runner, be it for a while: it may have been given an older store.
const UNKNOWN: u16 = 401;
/// How long to wait between two looks at a run.
const LOOK: Duration = Duration::from_millis(100);
/// How long to wait after a word did not reach the hub, at first and at most.
const AGAIN: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];

impl Inner {
    /// Begins a command, if it may be begun, and stays with it.
    pub(crate) async fn take(&self, signed: Signed) {
        let run = signed.order.run;
        let judged = accept(&signed, &self.key, self.me(), now_s());
        let known = self.journal().get(run).map(|entry| entry.phase.clone());
        let judged = match (judged, known) {
            (Err(refusal), None) => Err(refusal),
            (_, Some(Phase::Told)) => Err(Refusal::Replayed),
            // It is under way, or its answer is: that is what the hub is told.
            (_, Some(_)) => return,
            (Ok(()), None) => Ok(()),
        };
        if let Err(refusal) = judged {
            tracing::warn!(%run, why = %refusal, "a command was refused");
            let outcome = Outcome::Refused { why: refusal.to_string() };
            self.say(run, &outcome).await;
            return;
        }
        let child = match self.begin(&signed) {
            Ok(Some(child)) => child,
            // It came twice at once.
            Ok(None) => return,
            Err(why) => {
                tracing::error!(%run, why, "a command could not be begun");
                self.over(&signed.order, Outcome::Refused { why }).await;
                return;
            }
        };
        let entry = self.journal().get(run).cloned();
        if let Some(entry) = entry {
            tracing::info!(%run, "a command was begun");
            self.stay(&entry, Some((child, signed.stdin))).await;
        }
    }

    /// Written down before and after: none is begun twice, and one that runs is found again.
    fn begin(&self, signed: &Signed) -> Result<Option<Child>, String> {
        let mut journal = self.journal();
        if journal.get(signed.order.run).is_some() {
            return Ok(None);
        }
        let words = |error: crate::Error| error.to_string();
        journal.write(&signed.order, Phase::Beginning).map_err(words)?;
        let child = process::start(&journal, &self.state.packages(), signed);
        let child = child.map_err(|error| format!("it cannot be started: {error}"))?;
        let process = child.id().unwrap_or_default();
        let started = process::started(process);
        let running = Phase::Running { process, started, began_s: now_s() };
        if let Err(error) = journal.write(&signed.order, running) {
            // What nobody could find again is ended.
            process::end(process);
            return Err(error.to_string());
        }
        Ok(Some(child))
    }

    /// Goes on with what the journal says.
    pub(crate) async fn resume(&self, entry: Entry) {
        let run = entry.order.run;
        match &entry.phase {
            Phase::Told => {}
            Phase::Over(outcome) => self.report(&entry.order, outcome).await,
            Phase::Beginning => {
                let why = "the runner was ended while it began it".to_owned();
                self.over(&entry.order, Outcome::Lost { why }).await;
            }
            Phase::Running { .. } => {
                tracing::info!(%run, "a command that an earlier runner began is followed");
                self.stay(&entry, None).await;
            }
        }
    }

    /// Follows what runs, tells what it prints, and ends it where its time is over.
    async fn stay(&self, entry: &Entry, begun: Option<(Child, Option<String>)>) {
        let Phase::Running { process, started, began_s } = entry.phase else { return };
        let order = &entry.order;
        let mut sending = Sending::default();
        let (mut child, stdin) = match begun {
            Some((child, stdin)) => (Some(child), stdin),
            None => (None, None),
        };
        let feeding = child.as_mut().and_then(|child| child.stdin.take()).zip(stdin);
        let feeding = feeding.map(|(mut pipe, text)| {
            // Who does not read it has closed it.
            tokio::spawn(async move { pipe.write_all(text.as_bytes()).await.ok() })
        });
        let until_s = began_s + i64::from(order.limit_s);
        let mut exit = None;
        let outcome = loop {
            let over = match &mut child {
                Some(child) => match child.try_wait() {
                    Ok(None) => false,
                    Ok(Some(status)) => {
                        exit = status.code();
                        true
                    }
                    Err(error) => {
                        tracing::warn!(%error, "it cannot be told whether a command runs");
                        true
                    }
                },
                None => !process::runs(&self.journal(), order.run, process, started),
            };
            if over {
                break self.ended(order, exit);
            }
            let printed = self.printed(order.run);
            if now_s() >= until_s || printed > order.output_limit.min(MOST) + BEYOND {
                process::end(process);
                break match now_s() >= until_s {
                    true => Outcome::TimedOut { after_s: order.limit_s },
                    false => Outcome::Lost { why: "it printed too much, and was ended".to_owned() },
                };
            }
            sending.once(self, order).await;
            tokio::time::sleep(LOOK).await;
        };
        if let Some(feeding) = feeding {
            feeding.abort();
        }
        if let Some(mut child) = child {
            // It is gone; the system is to forget it, too. Where it could not be ended with what it started, it is ended
            // alone, so that nobody waits here for good.
            drop(child.start_kill());
            drop(child.wait().await);
        }
        tracing::info!(run = %order.run, ?outcome, "a command is over");
        self.over(order, outcome).await;
    }

    /// How a process ended that is not there any more.
    fn ended(&self, order: &Order, status: Option<i32>) -> Outcome {
        let truncated = self.printed(order.run) > order.output_limit.min(MOST);
        let said = std::fs::read_to_string(self.journal().file(order.run, "exit"));
        match said.ok().and_then(|text| text.trim().parse().ok()) {
            Some(exit) => Outcome::Finished { exit: Some(exit), truncated },
            None => {
                let code = status.map(|code| format!(" (exit code {code})")).unwrap_or_default();
                Outcome::Lost { why: format!("it was ended before its end{code}") }
            }
        }
    }

    fn printed(&self, run: Uuid) -> u64 {
        let path = self.journal().file(run, "out");
        std::fs::metadata(path).map(|data| data.len()).unwrap_or_default()
    }

    /// Writes down what came of a run, and tells the hub until it knows.
    async fn over(&self, order: &Order, outcome: Outcome) {
        if let Err(error) = self.journal().write(order, Phase::Over(outcome.clone())) {
            // Told it is all the same; after a restart it counts as one that nobody knows of.
            tracing::error!(%error, "what came of a command could not be written down");
        }
        self.report(order, &outcome).await;
    }

    async fn report(&self, order: &Order, outcome: &Outcome) {
        let mut sending = Sending::default();
        while !sending.once(self, order).await {
            tokio::time::sleep(LOOK).await;
        }
        self.say(order.run, outcome).await;
        if let Err(error) = self.journal().write(order, Phase::Told) {
            tracing::error!(%error, "that the hub knows of a run could not be written down");
        }
    }

    /// Says what came of a run until the hub has heard it, or wants to hear nothing of it.
    async fn say(&self, run: Uuid, outcome: &Outcome) {
        let done = Done { outcome: outcome.clone() };
        let (path, mut wait) = (format!("{}{run}", paths::DONE), AGAIN[0]);
        loop {
            match self.post::<_, serde_json::Value>(&path, &done).await {
                Ok(_) => return,
                Err(UplinkError::Refused { status, why }) if status != UNKNOWN => {
                    tracing::warn!(%run, why, "the hub wants to hear nothing of a run");
                    return;
                }
                Err(error) => tracing::debug!(%run, %error, "what came of a run is told later"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(AGAIN[1]);
        }
    }
}

/// How much of a run's output the hub has.
struct Sending {
    sent: u64,
    /// It takes no more.
    closed: bool,
    not_before: Instant,
    wait: Duration,
}

impl Default for Sending {
    fn default() -> Self {
        Self { sent: 0, closed: false, not_before: Instant::now(), wait: AGAIN[0] }
    }
}

impl Sending {
    /// Sends the next piece, where there is one and it is time. Whether the hub has all that there is.
    async fn once(&mut self, inner: &Inner, order: &Order) -> bool {
        let end = inner.printed(order.run).min(order.output_limit).min(MOST);
        if self.closed || self.sent >= end {
            return true;
        }
        if Instant::now() < self.not_before {
            return false;
        }
        let length = usize::try_from(end - self.sent).unwrap_or(PIECE).min(PIECE);
        let path = inner.journal().file(order.run, "out");
        let piece = read(&path, self.sent, length);
        let data = match piece {
            Ok(data) => data,
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "what a run printed cannot be read");
                return true;
            }
        };
        let piece = Piece { at: self.sent, data: STANDARD.encode(&data) };
        let path = format!("{}{}", paths::OUTPUT, order.run);
        match inner.post::<_, Taken>(&path, &piece).await {
            // It may have had it before; more than there is it cannot have. A hub for which the run is over takes
            // nothing more.
            Ok(taken) => {
                self.closed = taken.length == self.sent;
                self.sent = taken.length.min(end);
                self.wait = AGAIN[0];
            }
            Err(UplinkError::Refused { status, why }) if status != UNKNOWN => {
                tracing::warn!(run = %order.run, why, "the hub takes nothing more of what a run prints");
                self.closed = true;
            }
            Err(error) => {
                tracing::debug!(run = %order.run, %error, "what a run prints is told later");
                self.not_before = Instant::now() + self.wait;
                self.wait = (self.wait * 2).min(AGAIN[1]);
            }
        }
        self.closed || self.sent >= end
    }
}

fn read(path: &std::path::Path, at: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut data = vec![0; length];
    file.read_exact(&mut data)?;
    Ok(data)
}
