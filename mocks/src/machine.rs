//! What machines hold and how scripts change it: installed software, services, files, registry,
//! reboots.
//!
//! A script is worked out when it begins, on a copy of the machine's state and with a clock of its
//! own; what it does becomes due on an agenda, at the time it does it, and comes to nothing if the
//! machine goes off or the script is killed before.

mod agenda;
pub mod catalogue;
mod effects;
mod facts;
mod install;
pub(crate) mod paths;
pub(crate) mod registry;
mod seed;
mod sim;
#[cfg(test)]
mod tests;

pub use self::agenda::settle;
pub(crate) use self::agenda::{Job, Progress, begin, is_due, power, progress, reboot, wiped};
#[cfg(test)]
pub(crate) use self::facts::Facts;
pub(crate) use self::install::NotStarted;
pub use self::seed::state;
pub(crate) use self::seed::{bare, state_mut, stubborn};
pub(crate) use self::sim::{Over, Sim};
