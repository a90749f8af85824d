//! Sessions carried out on a machine that runs `sh` for real, with ways that can be lost and a hub that can die
//! between any two words.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

mod around;
mod callback;
mod crash;
mod estate;
mod flow;
mod graphs;
mod modes;
mod stops;
mod ways;
