#![doc = include_str!("../README.md")]

mod around;
mod desk;
mod foreman;
mod modes;
mod report;
mod ways;
mod worker;

pub use foreman::{EngineSettings, Foreman, Unbriefed};
pub use worker::{Stop, Worker, carry};
