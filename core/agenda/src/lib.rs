#![doc = include_str!("../README.md")]

mod batch;
mod occasion;

pub use batch::{Batch, Firing, Unknown, aim, batch};
pub use occasion::{Coming, Occasion, occasions, upcoming, zone_words};
