//! Where the newest refresh token is kept: sealed in the hub's store, or in a file, or in both, so that
//! the file can be given up. What is kept has two lines: the token, and a digest of the configured
//! token that it descends from. When the admin signs the partner user in anew and changes the setting,
//! what was kept is of no use any more.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Error, ErrorKind, KeepSecret, Result, Secret};
use core_http::auth::KeepToken;
use sha2::{Digest, Sha256};

/// What it is called in the store.
const NAME: &str = "refresh_token";

/// The places of the newest refresh token.
pub(super) struct Kept {
    file: Option<KeptFile>,
    store: Option<Arc<dyn KeepSecret>>,
    origin: String,
}

impl Kept {
    /// These places, for tokens that descend from the configured one.
    ///
    /// # Errors
    /// `Config` where the file cannot be read.
    pub(super) fn new(
        file: Option<PathBuf>,
        store: Option<Arc<dyn KeepSecret>>,
        configured: &Secret,
    ) -> Result<Self> {
        let digest = Sha256::digest(configured.expose().as_bytes());
        let origin = format!("origin {digest:x}");
        let file = file.map(|path| KeptFile { path, origin: origin.clone() });
        if let Some(file) = &file {
            file.read()?;
        }
        Ok(Self { file, store, origin })
    }

    /// Puts a token into the store, unless another process put a newer one there since this one was
    /// read: both are good, and what it has may have been used by now.
    async fn store(&self, store: &dyn KeepSecret, used: &Secret, next: &Secret) -> Result<()> {
        let there = store.kept(NAME).await?;
        let newer = there.as_ref().and_then(|there| token_of(there.expose(), &self.origin));
        if newer.is_some_and(|newer| newer.expose() != used.expose()) {
            return Ok(());
        }
        let text = Secret::new(text_of(next, &self.origin));
        store.replace(NAME, there.as_ref(), &text).await.map(|_| ())
    }
}

#[async_trait]
impl KeepToken for Kept {
    async fn newest(&self) -> Result<Option<Secret>> {
        if let Some(store) = &self.store {
            let there = store.kept(NAME).await?;
            let token = there.and_then(|there| token_of(there.expose(), &self.origin));
            if token.is_some() {
                return Ok(token);
            }
        }
        self.file.as_ref().map_or(Ok(None), KeptFile::read)
    }

    async fn keep(&self, used: &Secret, next: &Secret) {
        if let Some(file) = &self.file {
            file.write(next);
        }
        if let Some(store) = &self.store
            && let Err(error) = self.store(store.as_ref(), used, next).await
        {
            tracing::error!(
                %error, remedy = error.remedy(),
                "the newest refresh token could not be kept; after a restart an older one is used"
            );
        }
    }
}

/// The token of a kept text; none where it descends from another setting. A text without a second
/// line was put there by hand, and counts.
fn token_of(text: &str, origin: &str) -> Option<Secret> {
    let mut lines = text.lines().map(str::trim);
    let token = lines.next().filter(|token| !token.is_empty());
    let ours = lines.next().is_none_or(|line| line.is_empty() || line == origin);
    token.filter(|_| ours).map(Secret::new)
}

fn text_of(token: &Secret, origin: &str) -> String {
    format!("{}\n{origin}\n", token.expose())
}

/// A file that only its owner may read.
struct KeptFile {
    path: PathBuf,
    origin: String,
}

impl KeptFile {
    fn read(&self) -> Result<Option<Secret>> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(token_of(&text, &self.origin)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.directory_is_there().map(|()| None)
            }
            Err(error) => Err(self.wrong(&error)),
        }
    }

    /// Keeps this token instead. The old one still works for a while, so a disk that is full
    /// stops nobody; it is said in the log each time.
    fn write(&self, token: &Secret) {
        if let Err(error) = self.replace(token) {
            tracing::error!(
                file = %self.path.display(), %error,
                "the newest refresh token could not be kept; after a restart an older one is used"
            );
        }
    }

    /// Writes a new file beside the old one and puts it in its place, so that a reader sees the
    /// one or the other, whole.
    fn replace(&self, token: &Secret) -> std::io::Result<()> {
        let beside = self.path.with_extension(format!("new-{}", uuid::Uuid::new_v4().simple()));
        let written = write_private(&beside, &text_of(token, &self.origin))
            .and_then(|()| std::fs::rename(&beside, &self.path));
        if written.is_err() {
            std::fs::remove_file(&beside).ok();
        }
        written
    }

    fn directory_is_there(&self) -> Result<()> {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        match parent {
            Some(parent) if !parent.is_dir() => {
                Err(self.wrong(&format!("there is no directory {}", parent.display())))
            }
            _ => Ok(()),
        }
    }

    fn wrong(&self, why: &dyn std::fmt::Display) -> Error {
        let detail = format!("{}: {why}", self.path.display());
        Error::new(ErrorKind::Config, "setting `refresh_token_file`", detail)
            .with_remedy("name a file that this program may read and write")
    }
}

/// Creates a file that only its owner may read, from its first byte on.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
