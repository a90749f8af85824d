#![doc = include_str!("../README.md")]

mod letter;
mod listed;
mod templates;

pub use letter::{After, Before, Letter, reboot_word};
pub use listed::{Listed, Outcome, done, to_do};
pub use templates::{BadTemplate, NAMES, Templates};
