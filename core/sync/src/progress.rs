//! What whoever watches is told.

use core_model::run::Run;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum ProgressEvent<'a> {
    /// A stream is being read.
    Started {
        /// Its run.
        run: &'a Run,
    },
    /// A page was read. It is stored within a second, with those around it.
    Page {
        /// The run, with its counts so far: pages read, and what those of them changed that are stored.
        run: &'a Run,
    },
    /// A stream was read, or not.
    Ended {
        /// The run.
        run: &'a Run,
    },
    /// Machines are being asked.
    Asking {
        /// How many have answered or failed.
        done: usize,
        /// How many are asked.
        total: usize,
    },
    /// The model was derived.
    Derived {
        /// How many entities changed.
        events: u64,
    },
}

/// Is told what happens.
pub trait Progress: Send + Sync {
    /// Something happened.
    fn event(&self, event: &ProgressEvent<'_>);
}

/// Tells nobody.
pub struct Quiet;

impl Progress for Quiet {
    fn event(&self, _event: &ProgressEvent<'_>) {}
}
