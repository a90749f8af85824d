#![doc = include_str!("../README.md")]

mod connector;
mod kind;
mod office;
mod scripts;

pub use connector::Runners;
pub use kind::{Config, RunnerKind};
pub use office::{Office, Refused};
