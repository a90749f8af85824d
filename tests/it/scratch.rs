//! Scratch.

mod changes;
mod crash;
mod faults;
mod first_light;
mod scenarios;
mod support;
