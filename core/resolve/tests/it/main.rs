//! Resolving against a naive resolver, against itself in other ways, against zones and scenarios.

mod estate;
mod metamorphic;
mod oracle;
mod random;
mod scenarios;
mod zones;
