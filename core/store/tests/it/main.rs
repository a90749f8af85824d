//! One suite for both databases: each body takes a fresh store and runs on SQLite and on PostgreSQL.

#[macro_use]
mod harness;

mod guard;
mod leases;
mod model;
mod observations;
mod opening;
mod pages;
mod queries;
