//! Runs a command on a machine without a server between: for tests, and for whoever measures.

use chrono::Duration;

use super::agenda::{self, Job, Progress};
use crate::shell::{self, Language};
use crate::world::{MachineNo, World};

/// Runs a command line, as an agent of Automate gets it, and lets the world's clock go on until it has
/// ended. What it printed; nothing where nobody will hear of it: it never ends, or the machine went off.
pub fn run_line(world: &mut World, no: MachineNo, line: &str) -> Option<String> {
    let run = begin_line(world, no, line);
    heard(world, run)
}

/// Begins a command line now; the number of the run. [`heard`] tells what came of it.
pub fn begin_line(world: &mut World, no: MachineNo, line: &str) -> u64 {
    let text = shell::decode(line);
    let job = Job { language: Language::of(line), text: &text, limit: None };
    let at = world.now();
    agenda::begin(world, no, &job, at)
}

/// Lets the world's clock go on until a run has ended: what it printed; nothing where nobody will hear of it.
pub fn heard(world: &mut World, run: u64) -> Option<String> {
    // A machine that went down may have to come up before it is heard.
    for _ in 0..200 {
        agenda::settle(world);
        match agenda::progress(world, run) {
            Progress::Ended(_, printed) => return printed,
            Progress::Lost | Progress::Runs(None) => return None,
            Progress::Runs(Some(end)) => {
                let left = end.signed_duration_since(world.now()).max(Duration::zero());
                world.clock_ahead += left.num_seconds() + 1;
            }
        }
    }
    None
}
