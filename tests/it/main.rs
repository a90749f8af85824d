//! One binary for all tests that need more than one crate.

#![expect(
    clippy::print_stdout,
    reason = "seeds and figures are printed, so that a failure can be repeated"
)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod accounts;
mod agenda;
mod alike;
mod api;
mod arch;
mod at_once;
mod changes;
#[cfg(unix)]
mod ci;
mod cloud;
mod conformance;
mod conformance_maintenance;
mod contracts;
mod crash;
mod daemon;
mod day;
mod deployments;
mod faults;
mod first_light;
mod following;
mod leases;
mod machines;
mod maintenance;
mod matrix;
mod nights;
mod notifications;
mod onboarding;
mod people;
mod push;
mod resuming;
mod rules;
mod scenarios;
mod sign_in;
mod splits;
mod subscriptions;
mod support;
mod tickets;
mod watched;
