//! The runner's folder: who it is, what it has run, where scripts are staged. Nobody else reads it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::powershell;

/// Who a runner is. It does not print: it holds the runner's key.
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    /// The hub's address.
    pub hub: String,
    /// Its id there; none while the enrolment is under way.
    pub runner: Option<Uuid>,
    /// Its own key.
    pub key: String,
    /// The hub's public key; empty while the enrolment is under way.
    pub hub_key: String,
    /// Of this installation.
    pub installation: Uuid,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({:?} at {})", self.runner, self.hub)
    }
}

/// The folder.
#[derive(Clone, Debug)]
pub struct State {
    folder: PathBuf,
}

impl State {
    /// The folder, made where it is not there; nobody but its owner gets in.
    ///
    /// # Errors
    /// Where it cannot be made, or others may write into it.
    pub fn open(folder: &Path) -> Result<Self> {
        // Scripts are staged in it from wherever they run.
        let folder = std::path::absolute(folder).map_err(|error| Error::state(folder, error))?;
        let state = Self { folder };
        if cfg!(windows) {
            // What is made in it has its access list from it.
            let folder = &state.folder;
            powershell::private_folder(folder).map_err(|why| Error::state(folder, why))?;
        }
        for path in [state.folder.clone(), state.journal(), state.runs(), state.packages()] {
            private_folder(&path).map_err(|error| Error::state(&path, error))?;
        }
        Ok(state)
    }

    /// It.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the journal is.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.folder.join("journal")
    }

    /// Where scripts are staged.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }

    /// Where installers are fetched to.
    #[must_use]
    pub fn packages(&self) -> PathBuf {
        self.folder.join("packages")
    }

    fn file(&self) -> PathBuf {
        self.folder.join("runner.json")
    }

    /// Who the runner is; nothing where nobody has begun to enrol it.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn identity(&self) -> Result<Option<Identity>> {
        let path = self.file();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::state(&path, error)),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| Error::state(&path, error))
    }

    /// Keeps who the runner is.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn keep(&self, identity: &Identity) -> Result<()> {
        let path = self.file();
        let text = serde_json::to_vec(identity).map_err(|error| Error::state(&path, error))?;
        replace(&path, &text).map_err(|error| Error::state(&path, error))
    }
}

/// Writes a file in one piece: after a crash the old one is there, or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension("part");
    let mut file = private(&part, true)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    moved(&part, path)?;
    match path.parent() {
        // Only then the name lasts, too. A folder cannot be opened everywhere.
        Some(folder) if cfg!(unix) => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Gives a file the name of another. On Windows a virus scanner may have either of them open for a moment, which is
/// refused then.
fn moved(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut tries = 0;
    loop {
        match fs::rename(from, to) {
            Err(error)
                if cfg!(windows)
                    && error.kind() == std::io::ErrorKind::PermissionDenied
                    && tries < 50 =>
            {
                tries += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

/// A new file that its owner alone reads.
pub(crate) fn private(path: &Path, truncate: bool) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.create(true).write(true).truncate(truncate).append(!truncate);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path)?.permissions().mode();
        if mode & 0o022 != 0 {
            let why = "others may write into it: chmod go-w";
            return Err(std::io::Error::other(why));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_wherever_a_command_runs() {
        // The folder of a test is that of its crate; what is built is not kept.
        let state = State::open(Path::new("../../target/tmp/runner-state")).unwrap();
        assert!(state.runs().is_absolute() && state.packages().is_absolute());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        State::open(&state).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
        let error = State::open(&state).unwrap_err().to_string();
        assert!(error.contains("others may write into it"), "{error}");
    }
}
