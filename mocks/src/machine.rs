//! What machines hold and how scripts change it: installed software, services, files, registry,
//! reboots.
//!
//! A script is worked out when it begins, on a copy of the machine's state and with a clock of its
//! own; what it does becomes due on an agenda, at the time it does it, and comes to nothing if the
//! machine goes off or the script is killed before.

mod access;
mod agenda;
pub mod catalogue;
mod direct;
mod effects;
mod environment;
mod facts;
mod install;
pub(crate) mod paths;
mod process;
pub(crate) mod registry;
mod seed;
mod shells;
mod sim;
#[cfg(test)]
mod tests;

pub use self::agenda::settle;
pub(crate) use self::agenda::{
    Job, Progress, begin, enter, is_due, power, progress, reboot, wiped,
};
pub use self::direct::{begin_line, heard, run_line};
#[cfg(test)]
pub(crate) use self::facts::Facts;
pub(crate) use self::install::NotStarted;
pub(crate) use self::process::{Account, Started};
pub use self::seed::state;
pub(crate) use self::seed::{bare, state_mut, stubborn};
pub(crate) use self::shells::{NEVER_RAN, shell_process};
pub(crate) use self::sim::{Over, Sim};
