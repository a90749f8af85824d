//! The way to read the truth and to change the world while it is served.
//!
//! Everything that HTTP can do here ([`answer`], under `/_estate`) is a plain function too:
//! [`apply`] for one [`Change`], [`random_changes`] for many, [`truth`](crate::truth::truth).

mod change;
mod clients;
mod contracts;
mod http;
mod machines;
mod people;
mod random;
mod software;
mod tab;

pub use self::change::{Change, ChangeError, Done, Pick, RmmSystem, System, apply};
pub(crate) use self::http::answer;
pub use self::random::{KINDS, random_changes};

#[cfg(test)]
mod tests;
