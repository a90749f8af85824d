//! One imaginary managed service provider and the four vendor APIs it is seen through.
//!
//! [`world`] is what is true. [`vendor`] is what a face must offer; [`graph`], [`automate`],
//! [`control`] and [`halo`] are the faces, written from the vendors' pages alone. [`server`]
//! serves them over real HTTP, with [`faults`] in between and [`estate`] as the way to read the
//! truth and to change the world; [`machine`] is what machines hold and how scripts change it. Nothing here is shared with the connectors: a mock that shares
//! wire types with its connector repeats its mistakes.

pub mod automate;
mod cmd;
pub mod control;
pub mod estate;
pub mod faults;
pub mod generate;
pub mod graph;
pub mod halo;
pub mod machine;
pub mod once;
mod powershell;
pub mod provider;
pub mod score;
pub mod server;
pub mod shell;
pub mod smtp;
pub mod truth;
pub mod vendor;
pub mod world;
