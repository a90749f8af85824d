//! The interface of one run, called by a real `sh` with `curl`, and read as text.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

mod interface;
mod module;
mod shell;

use std::process::{Output, Stdio};

use core_callback::{Asked, CallLimits, Desk, SH};
use tokio::io::AsyncWriteExt as _;

/// Answers every call by a function, for as long as something else takes.
pub(crate) async fn answering<T>(
    desk: &mut Desk,
    mut answers: impl FnMut(Asked),
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Some(asked) = desk.next() => answers(asked),
        }
    }
}

pub(crate) async fn desk() -> Desk {
    Desk::open(CallLimits::default()).await.unwrap()
}

/// What a run is given.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Given {
    pub(crate) fn of(desk: &Desk) -> Self {
        Self { url: desk.url.clone(), token: desk.token.expose().to_owned() }
    }
}

/// What `sh` makes of a script that has the run's environment, and the functions.
pub(crate) async fn sh(given: Given, script: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let functions = folder.path().join("linchpin.sh");
    std::fs::write(&functions, SH).unwrap();
    let child = tokio::process::Command::new("sh")
        .arg("-s")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LINCHPIN_URL", &given.url)
        .env("LINCHPIN_TOKEN", &given.token)
        .env("LINCHPIN_SH", &functions)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = child.unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let script = format!(". \"$LINCHPIN_SH\"\n{script}");
    tokio::spawn(async move { stdin.write_all(script.as_bytes()).await.unwrap() });
    child.wait_with_output().await.unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
