#![doc = include_str!("../README.md")]

mod jitter;
mod patch_tuesday;
mod pattern;
mod schedule;
mod wall;

pub use jitter::jitter;
pub use pattern::{Error, Pattern};
pub use schedule::Schedule;
