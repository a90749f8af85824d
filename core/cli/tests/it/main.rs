//! The program as its users meet it: what it prints where, and how it ends.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

mod commands;
mod mistakes;
mod plain;
mod push;
mod rules;
mod run;
#[cfg(target_os = "linux")]
mod runner;
#[cfg(unix)]
mod serve;
