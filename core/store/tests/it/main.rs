//! One suite for both databases: each body takes a fresh store and runs on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

#[macro_use]
mod harness;

mod accounts;
mod agenda;
mod books;
mod definitions;
mod deliveries;
mod firsts;
mod guard;
mod jobs;
mod known_pages;
mod leases;
mod model;
mod notifications;
mod observations;
mod opening;
mod pages;
mod passed;
mod plans;
mod pushes;
mod queries;
mod queue;
mod requests;
mod rollouts;
mod runners;
mod schedules;
mod script_runs;
mod sessions;
mod stops;
mod subscriptions;
mod tickets;
mod tokens;
