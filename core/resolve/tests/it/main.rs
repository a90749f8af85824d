//! Resolving against a naive resolver, against itself in other ways, against zones and scenarios.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]
#![expect(clippy::print_stdout, reason = "what a failing test was about: its seeds, its scenario")]

mod estate;
mod metamorphic;
mod offers;
mod oracle;
mod random;
mod reports;
mod rings;
mod scenarios;
mod zones;
