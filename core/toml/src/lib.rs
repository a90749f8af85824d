#![doc = include_str!("../README.md")]

mod document;
mod problem;
mod schema;
mod shape;

pub use document::{Document, Entry, Item, Node};
pub use problem::{Problem, Problems};
pub use schema::{is_secret, properties, resolve};
pub use shape::{choices, compare, nearest};

/// A text of somebody else on one line of a terminal: what would steer it is shown as `�`.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
