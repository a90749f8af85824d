#![doc = include_str!("../README.md")]

mod desk;
mod drift;
mod foreman;
mod report;
mod ways;
mod worker;

pub use drift::{Drift, DriftCause, Other};
pub use foreman::{EngineSettings, Foreman, Unbriefed};
pub use worker::{Stop, Worker, carry};
