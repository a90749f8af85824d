#![doc = include_str!("../README.md")]

mod connector;
mod kind;
mod office;
mod scripts;

pub use connector::{Runners, evidence, is_online};
pub use kind::{Config, RunnerKind};
pub use office::{Office, Refused};
