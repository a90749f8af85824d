//! Plans of a subject that is simulated: scenarios, random graphs against a naive planner, and
//! every way in which a session can go.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

mod flow;
mod held;
mod model;
mod order;
mod prerequisites;
mod reboots;
mod renewal;
mod world;
