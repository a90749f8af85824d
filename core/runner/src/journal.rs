//! What was run: written down before a command is begun, so that none is begun twice, and kept until the hub has
//! its answer, so that none is forgotten.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::sign::FURTHEST_S;
use crate::state::replace;
use crate::wire::{Order, Outcome};

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum Phase {
    /// It is about to be begun: it may have been, where the runner died then.
    Beginning,
    /// It runs.
    Running {
        /// Its process, which leads a group.
        process: u32,
        /// When that was started, as the system counts: another process of the same number is not it.
        started: Option<u64>,
        /// Seconds since 1970.
        began_s: i64,
    },
    /// It is over, and the hub does not know it yet.
    Over(Outcome),
    /// The hub knows. It is remembered until its order has expired for good.
    Told,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its order.
    pub order: Order,
    /// How far it is.
    #[serde(flatten)]
    pub phase: Phase,
}

/// The journal, in a folder: for each run a file, and beside it what it prints.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    entries: BTreeMap<Uuid, Entry>,
}

impl Journal {
    /// Reads it.
    ///
    /// # Errors
    /// Where an entry cannot be read: a runner that does not know what it ran runs nothing.
    pub fn open(folder: &Path) -> Result<Self> {
        let mut entries = BTreeMap::new();
        let listed = fs::read_dir(folder).map_err(|error| Error::state(folder, error))?;
        for file in listed {
            let path = file.map_err(|error| Error::state(folder, error))?.path();
            if path.extension().is_none_or(|kind| kind != "json") {
                continue;
            }
            let text = fs::read(&path).map_err(|error| Error::state(&path, error))?;
            let entry: Entry =
                serde_json::from_slice(&text).map_err(|error| Error::state(&path, error))?;
            entries.insert(entry.order.run, entry);
        }
        Ok(Self { folder: folder.to_owned(), entries })
    }

    /// A file of a run.
    #[must_use]
    pub fn file(&self, run: Uuid, kind: &str) -> PathBuf {
        self.folder.join(format!("{run}.{kind}"))
    }

    /// What is known of a run.
    #[must_use]
    pub fn get(&self, run: Uuid) -> Option<&Entry> {
        self.entries.get(&run)
    }

    /// Runs that the hub waits for.
    #[must_use]
    pub fn open_runs(&self) -> Vec<Entry> {
        self.entries.values().filter(|entry| entry.phase != Phase::Told).cloned().collect()
    }

    /// Writes how far a run is.
    ///
    /// # Errors
    /// Where it cannot be written; then nothing may be begun.
    pub fn write(&mut self, order: &Order, phase: Phase) -> Result<()> {
        let entry = Entry { order: order.clone(), phase };
        let path = self.file(order.run, "json");
        let text = serde_json::to_vec(&entry).map_err(|error| Error::state(&path, error))?;
        replace(&path, &text).map_err(|error| Error::state(&path, error))?;
        if matches!(entry.phase, Phase::Told) {
            self.clear(order.run);
        }
        self.entries.insert(order.run, entry);
        Ok(())
    }

    /// Forgets runs whose orders nobody could accept any more.
    pub fn forget(&mut self, now_s: i64) {
        let old = |entry: &Entry| {
            entry.phase == Phase::Told && entry.order.not_after_s + FURTHEST_S < now_s
        };
        let runs: Vec<Uuid> =
            self.entries.values().filter(|entry| old(entry)).map(|entry| entry.order.run).collect();
        for run in runs {
            self.clear(run);
            // What stays is read again the next time.
            if fs::remove_file(self.file(run, "json")).is_ok() {
                self.entries.remove(&run);
            }
        }
    }

    /// Removes what a run left: its text, what it printed, how it ended.
    fn clear(&self, run: Uuid) {
        for kind in ["sh", "ps1", "wrapper.ps1", "out", "exit", "lock"] {
            let path = self.file(run, kind);
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(file = %path.display(), %error, "what a run left could not be removed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Shell;

    fn order(run: u128) -> Order {
        Order {
            runner: Uuid::from_u128(1),
            run: Uuid::from_u128(run),
            shell: Shell::Sh,
            text_sha256: "00".to_owned(),
            stdin_sha256: None,
            limit_s: 1,
            output_limit: 1,
            not_after_s: 1000,
        }
    }

    #[test]
    fn what_was_begun_is_known_after_a_restart_and_forgotten_when_nobody_could_send_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        let running = Phase::Running { process: 7, started: Some(3), began_s: 5 };
        journal.write(&order(1), Phase::Beginning).unwrap();
        journal.write(&order(1), running.clone()).unwrap();
        journal.write(&order(2), Phase::Told).unwrap();
        let mut again = Journal::open(folder.path()).unwrap();
        assert_eq!(again.get(Uuid::from_u128(1)).unwrap().phase, running);
        assert_eq!(again.open_runs().len(), 1);
        again.forget(1000 + FURTHEST_S);
        assert!(again.get(Uuid::from_u128(2)).is_some(), "its order could be accepted yet");
        again.forget(1001 + FURTHEST_S);
        assert!(again.get(Uuid::from_u128(2)).is_none());
        assert!(again.get(Uuid::from_u128(1)).is_some(), "the hub waits for it");
        assert_eq!(Journal::open(folder.path()).unwrap().entries.len(), 1);
    }

    #[test]
    fn a_journal_that_cannot_be_read_is_no_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.json"), "{").unwrap();
        let error = Journal::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("x.json"), "{error}");
    }
}
