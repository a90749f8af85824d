#![doc = include_str!("../README.md")]

mod desk;
mod foreman;
mod report;
mod ways;
mod worker;

pub use foreman::{EngineSettings, Foreman, Unbriefed};
pub use worker::{Stop, Worker, carry};
