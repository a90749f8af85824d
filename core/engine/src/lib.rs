#![doc = include_str!("../README.md")]

mod around;
mod desk;
mod drift;
mod foreman;
mod modes;
mod onboarding;
mod report;
mod skip;
mod ways;
mod worker;

pub use drift::{Drift, DriftCause, Other};
pub use foreman::{EngineSettings, Foreman, Unbriefed};
pub use onboarding::{Onboarded, settle_onboarded};
pub use worker::{Stop, Worker, carry};
