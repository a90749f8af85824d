//! One binary for all tests that need more than one crate.

mod arch;
mod changes;
mod conformance;
mod contracts;
mod crash;
mod faults;
mod first_light;
mod matrix;
mod scenarios;
mod support;
