//! Scripts that run in the hub, metascripts and cloud scripts: processes of their own, with time, memory and
//! output limits, and with nothing of the hub's in their environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use core_callback::{CallLimits, MODULE, MODULE_MANIFEST, SH};
use core_connector::Secret;
use core_model::library::Script;
use core_script::{Answer, Caps, Finished, Job, Kept, LastValue, LocalRun, Mask, Nonce, local};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::book::{Line, Run};
use crate::callback::{Calls, Counter};
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
    /// How much one may ask the hub for.
    pub calls: CallLimits,
}

impl Default for Hubside {
    fn default() -> Self {
        Self {
            folder: std::env::temp_dir(),
            memory: 1 << 30,
            caps: Caps::LOCAL,
            calls: CallLimits::default(),
        }
    }
}

/// What such a way is called.
const HUB: &str = "hub";

/// What came of a script in the hub.
pub(crate) struct CameHere {
    /// What it said and ended with.
    pub(crate) came: Came,
    /// What that comes to, where it failed for want of something else: the computer, a token.
    pub(crate) instead: Option<Came>,
    /// What must not be kept of what it said.
    pub(crate) mask: Mask,
}

impl CameHere {
    fn plain(came: Came) -> Self {
        Self { came, instead: None, mask: Mask::default() }
    }
}

impl Hubside {
    /// Runs one. Where an earlier one that changes something may have run, nothing is run: it is looked at first.
    ///
    /// # Errors
    /// Where the session is put down.
    pub(crate) async fn run(
        &self,
        (desk, calls): (&Desk<'_>, Calls<'_>),
        line: &mut Line,
        (script, piece, reads): (&Script, &Piece, bool),
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<CameHere> {
        if line.run.take().is_some() && !reads {
            let why = "the hub was ended while it ran".to_owned();
            return Ok(CameHere::plain(Came::Broken(why)));
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
            Err(error) => return Ok(CameHere::plain(Came::Refused(error.to_string()))),
        };
        let mut callers = match core_callback::Desk::open(self.calls).await {
            Ok(callers) => callers,
            Err(error) => {
                let why = format!("the hub's machine gives no port to call the hub by: {error}");
                return Ok(CameHere::plain(Came::Refused(why)));
            }
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
        let hidden = secrets.values().cloned().chain([callers.token.clone()]).collect();
        let mut counter = Counter::new((desk, calls), (script, piece), reads, hidden);
        // The value of what monitors is all that it prints.
        let tail = if piece.caps.is_some() { self.caps.value } else { self.caps.tail };
        let hubside = Self { caps: Caps { tail, ..self.caps }, ..self.clone() };
        // On the heap, as its buffers are: whoever waits for it has a stack of two megabytes.
        let callback = (callers.url.clone(), callers.token.clone());
        let process = Box::pin(hubside.process(&process, callback));
        // It is ended with the session that is put down.
        let came = tokio::select! {
            came = counter.serve(&mut callers, line, process) => came?,
            stopped = stopped(desk) => return Err(stopped),
        };
        let came = came.unwrap_or_else(Came::Refused);
        let instead = counter.instead(&came);
        Ok(CameHere { came, instead, mask: counter.mask() })
    }

    /// Runs it in a folder of its own, in which is what it calls the hub by.
    async fn process(
        &self,
        run: &LocalRun,
        callback: (String, Secret),
    ) -> std::result::Result<Came, String> {
        let folder = Folder(self.folder.join(format!("linchpin-{}", Uuid::new_v4())));
        let file = folder.0.join(format!("script{}", run.extension));
        match furnish(&folder.0, &file, &run.body).await {
            Ok(()) => self.with_file(run, (&folder.0, &file), callback).await,
            Err(error) => Err(format!("{} cannot be written: {error}", folder.0.display())),
        }
    }

    async fn with_file(
        &self,
        run: &LocalRun,
        (folder, file): (&Path, &Path),
        (url, token): (String, Secret),
    ) -> std::result::Result<Came, String> {
        let mut command = self.command(run, file);
        command
            .env("LINCHPIN_URL", url)
            .env("LINCHPIN_TOKEN", token.expose())
            .env("LINCHPIN_SH", folder.join("linchpin.sh"))
            .env("PSModulePath", modules(folder));
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
        // Whatever ends this ends all that it started.
        let _group = Group::of(&child);
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
    fn command(&self, run: &LocalRun, file: &Path) -> Command {
        // Only the shell can give it less memory than the hub has. PowerShell reserves hundreds of gigabytes of
        // addresses, and starts with fewer only where its heap has a limit of its own (`DOTNET_GCHeapHardLimit`, in
        // hexadecimal).
        let is_dotnet = run.program == "pwsh";
        let mut command = if cfg!(unix) && !is_dotnet {
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
            .envs(is_dotnet.then(|| ("DOTNET_GCHeapHardLimit", format!("{:X}", self.memory))))
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

/// The folder of a run. It goes with it, however it ends.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "a script's text was left");
        }
    }
}

/// What a folder of a run holds: the script, and what it calls the hub by.
async fn furnish(folder: &Path, file: &Path, body: &str) -> std::io::Result<()> {
    let module = folder.join("Modules").join("Linchpin");
    tokio::fs::create_dir_all(&module).await?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let own = std::fs::Permissions::from_mode(0o700);
        tokio::fs::set_permissions(folder, own).await?;
    }
    tokio::fs::write(module.join("Linchpin.psm1"), MODULE).await?;
    tokio::fs::write(module.join("Linchpin.psd1"), MODULE_MANIFEST).await?;
    tokio::fs::write(folder.join("linchpin.sh"), SH).await?;
    tokio::fs::write(file, body).await
}

/// Where PowerShell looks for modules: ours, and those of the hub's machine.
fn modules(folder: &Path) -> std::ffi::OsString {
    let own = folder.join("Modules");
    let there = std::env::var_os("PSModulePath").unwrap_or_default();
    let paths = std::iter::once(own.clone()).chain(std::env::split_paths(&there));
    std::env::join_paths(paths).unwrap_or_else(|_| own.into_os_string())
}

/// The processes of a script. They end with it, however it ends.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { leader: id.and_then(rustix::process::Pid::from_raw) }
    }

    #[cfg(not(unix))]
    fn of(_: &Child) -> Self {
        Self {}
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(leader) = self.leader
            && let Err(error) =
                rustix::process::kill_process_group(leader, rustix::process::Signal::KILL)
        {
            tracing::debug!(%error, "a script's processes were gone already");
        }
    }
}

/// Ends a process; what it started ends with its group.
async fn end(child: &mut Child) {
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
