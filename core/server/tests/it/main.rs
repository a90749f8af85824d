//! What is answered, to whom, and what never is: the whole router on a store of its own.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

mod access;
mod deeds;
mod described;
mod desk;
mod events;
mod harness;
mod jobs;
mod maintenance;
mod matrix;
mod model;
mod notification;
mod refused;
mod sessions;
mod sign_in;
mod stops;
mod technician;
mod webhooks;
