#![doc = include_str!("../README.md")]

mod desk;
mod foreman;
mod onboarding;
mod report;
mod skip;
mod ways;
mod worker;

pub use foreman::{EngineSettings, Foreman, Unbriefed};
pub use onboarding::{Onboarded, settle_onboarded};
pub use worker::{Stop, Worker, carry};
