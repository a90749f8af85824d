//! The file that keeps the newest refresh token. Its first line is the token, its second names the
//! configured token that it descends from: when the admin signs the partner user in anew and
//! changes the setting, what was kept is of no use any more.

use std::io::Write;
use std::path::{Path, PathBuf};

use core_connector::{Error, ErrorKind, Result, Secret};
use sha2::{Digest, Sha256};

/// Where the newest refresh token is kept.
pub(super) struct KeptToken {
    path: PathBuf,
    origin: String,
}

impl KeptToken {
    /// The file, for tokens that descend from the configured one.
    pub(super) fn new(path: PathBuf, configured: &Secret) -> Self {
        let digest = Sha256::digest(configured.expose().as_bytes());
        Self { path, origin: format!("origin {digest:x}") }
    }

    /// The kept token; `None` where there is none, or one that descends from another setting. A
    /// file without a second line was put there by hand, and counts.
    pub(super) fn read(&self) -> Result<Option<Secret>> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return self.directory_is_there().map(|()| None);
            }
            Err(error) => return Err(self.wrong(&error)),
        };
        let mut lines = text.lines().map(str::trim);
        let token = lines.next().filter(|token| !token.is_empty());
        let ours = lines.next().is_none_or(|origin| origin.is_empty() || origin == self.origin);
        Ok(token.filter(|_| ours).map(Secret::new))
    }

    /// Keeps this token instead. The old one still works for a while, so a disk that is full
    /// stops nobody; it is said in the log each time.
    pub(super) fn write(&self, token: &Secret) {
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
        let written = write_private(&beside, &format!("{}\n{}\n", token.expose(), self.origin))
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
mod tests {
    use super::*;

    #[test]
    fn the_newest_token_is_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let kept = KeptToken::new(path.clone(), &Secret::new("first"));
        assert!(kept.read().unwrap().is_none());
        kept.write(&Secret::new("second"));
        kept.write(&Secret::new("third"));
        assert_eq!(kept.read().unwrap().unwrap().expose(), "third");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_newly_configured_refresh_token_beats_the_kept_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        KeptToken::new(path.clone(), &Secret::new("first")).write(&Secret::new("rotated"));
        assert!(KeptToken::new(path.clone(), &Secret::new("anew")).read().unwrap().is_none());
        std::fs::write(&path, "by hand\n").unwrap();
        let kept = KeptToken::new(path, &Secret::new("anew")).read().unwrap();
        assert_eq!(kept.unwrap().expose(), "by hand");
    }

    #[test]
    fn a_missing_directory_is_a_wrong_setting() {
        let kept = KeptToken::new("/no/such/directory/token".into(), &Secret::new("first"));
        let error = kept.read().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("refresh_token_file"), "{error}");
    }
}
