//! Scripts that run in the hub, metascripts and cloud scripts: processes of their own, with time, memory and
//! output limits, and with nothing of the hub's in their environment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use core_connector::Secret;
use core_model::library::Script;
use core_script::{Answer, Caps, Finished, Job, Kept, LastValue, LocalRun, Nonce, local};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::book::{Line, Run};
use crate::drive::Desk;
use crate::errand::Came;
use crate::error::Result;
use crate::step::Piece;

/// How scripts run in the hub.
#[derive(Clone, Debug)]
pub struct Hubside {
    /// Where their texts are for as long as they run.
    pub folder: PathBuf,
    /// How much memory one may have, bytes; where the system can say so.
    pub memory: u64,
    /// How much of what one prints is kept.
    pub caps: Caps,
}

impl Default for Hubside {
    fn default() -> Self {
        Self { folder: std::env::temp_dir(), memory: 1 << 30, caps: Caps::LOCAL }
    }
}

/// What such a way is called.
const HUB: &str = "hub";

impl Hubside {
    /// Runs one. Where an earlier one may have run, nothing is run: it is looked at first.
    ///
    /// # Errors
    /// Where the session is put down.
    pub(crate) async fn run(
        &self,
        desk: &Desk<'_>,
        line: &mut Line,
        script: &Script,
        piece: &Piece,
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<Came> {
        if line.run.take().is_some() {
            return Ok(Came::Broken("the hub was ended while it ran".to_owned()));
        }
        let job = Job {
            script,
            arguments: &piece.arguments,
            fetch: None,
            nonce: Nonce(0),
            limit_s: piece.limit_s,
            caps: self.caps,
        };
        let process = match local(&job, secrets) {
            Ok(process) => process,
            Err(error) => return Ok(Came::Refused(error.to_string())),
        };
        line.said.way = Some(HUB.to_owned());
        line.run = Some(Run {
            name: Uuid::new_v4(),
            nonce: 0,
            way: HUB.to_owned(),
            handle: None,
            sent_at: desk.clock.now(),
        });
        desk.book.write(line).await?;
        // The value of what monitors is all that it prints.
        let tail = if piece.caps.is_some() { self.caps.value } else { self.caps.tail };
        let hubside = Self { caps: Caps { tail, ..self.caps }, ..self.clone() };
        // It is ended with the session that is put down.
        tokio::select! {
            came = hubside.process(&process) => Ok(came.unwrap_or_else(Came::Refused)),
            stopped = stopped(desk) => Err(stopped),
        }
    }

    async fn process(&self, run: &LocalRun) -> std::result::Result<Came, String> {
        let file = self.folder.join(format!("linchpin-{}{}", Uuid::new_v4(), run.extension));
        let written = tokio::fs::write(&file, &run.body).await;
        written.map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
        let came = self.with_file(run, &file).await;
        if let Err(error) = tokio::fs::remove_file(&file).await {
            tracing::warn!(file = %file.display(), %error, "a script's text was left");
        }
        came
    }

    async fn with_file(
        &self,
        run: &LocalRun,
        file: &std::path::Path,
    ) -> std::result::Result<Came, String> {
        let mut command = self.command(run, file);
        let mut child = command.spawn().map_err(|error| {
            format!("`{}` cannot be started on the hub's machine: {error}", run.program)
        })?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // Who does not read it has closed it.
                let _ = stdin.write_all(run.stdin.expose().as_bytes()).await.ok();
            }
        };
        let (caps, limit) = (self.caps, Duration::from_secs(u64::from(run.limit_s)));
        let mut output = Capped::new(caps.head, caps.tail);
        let mut errors = Capped::new(caps.errors, caps.errors);
        let all = async {
            let ((), (), ()) = tokio::join!(feed, output.take(stdout), errors.take(stderr));
            child.wait().await
        };
        let ended = tokio::time::timeout(limit, all).await;
        if ended.is_err() {
            end(&mut child).await;
        }
        let mut finished =
            Finished { output: output.kept(), errors: errors.kept(), ..Finished::default() };
        let answer = match ended {
            Err(_) => Answer::TimedOut { after_s: run.limit_s, until_then: finished },
            Ok(status) => {
                finished.exit = status.ok().and_then(|status| status.code()).map(i64::from);
                let whole = &finished.output;
                let end = if whole.left_out == 0 { &whole.head } else { &whole.tail };
                finished.value = LastValue::of_lines(end);
                finished.left_early = finished.exit.is_none();
                Answer::Finished(finished)
            }
        };
        Ok(Came::Answer(Box::new(answer)))
    }

    /// The process, in a group of its own so that all of it can be ended.
    fn command(&self, run: &LocalRun, file: &std::path::Path) -> Command {
        // Only the shell can give it less memory than the hub has.
        let mut command = if cfg!(unix) {
            let mut command = Command::new("/bin/sh");
            let kilobytes = self.memory / 1024;
            command.arg("-c").arg(format!("ulimit -v {kilobytes} && exec \"$0\" \"$@\""));
            command.arg(&run.program);
            command
        } else {
            Command::new(&run.program)
        };
        command
            .args(&run.arguments)
            .arg(file)
            .env_clear()
            .envs(
                ["PATH", "HOME", "LANG", "TZ", "SystemRoot", "TEMP"]
                    .into_iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(&run.environment)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

/// Ends a process and all that it started.
async fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) =
        child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
    {
        let ended = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        if let Err(error) = ended {
            tracing::debug!(%error, "a script's processes were gone already");
        }
    }
    if let Err(error) = child.kill().await {
        tracing::warn!(%error, "a script could not be ended");
    }
}

/// Only ends when the session is put down.
async fn stopped(desk: &Desk<'_>) -> crate::Error {
    loop {
        if let Err(error) = desk.clock.pause(Duration::from_secs(1)).await {
            return error;
        }
    }
}

/// A text of which the middle may be missing, on its way.
struct Capped {
    head: Vec<u8>,
    most_head: usize,
    tail: std::collections::VecDeque<u8>,
    most_tail: usize,
    left_out: u64,
}

impl Capped {
    fn new(head: u32, tail: u32) -> Self {
        Self {
            head: Vec::new(),
            most_head: head as usize,
            tail: std::collections::VecDeque::new(),
            most_tail: tail as usize,
            left_out: 0,
        }
    }

    async fn take(&mut self, from: Option<impl AsyncRead + Unpin>) {
        let Some(mut from) = from else { return };
        let mut piece = [0; 8192];
        while let Ok(read @ 1..) = from.read(&mut piece).await {
            for byte in &piece[..read] {
                if self.head.len() < self.most_head {
                    self.head.push(*byte);
                } else {
                    self.tail.push_back(*byte);
                    if self.tail.len() > self.most_tail {
                        self.tail.pop_front();
                        self.left_out += 1;
                    }
                }
            }
        }
    }

    fn kept(mut self) -> Kept {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if self.left_out == 0 {
            self.head.extend(self.tail);
            return Kept { head: text(&self.head), ..Kept::default() };
        }
        let tail = text(self.tail.make_contiguous());
        Kept { head: text(&self.head), tail, left_out: self.left_out }
    }
}
