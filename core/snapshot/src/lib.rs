#![doc = include_str!("../README.md")]

mod error;
mod feeds;
mod follow;
mod library;
mod load;
mod machines;
mod people;
mod redefined;

pub use error::{Error, Result};
pub use feeds::StreamKinds;
pub use follow::Followed;
pub use library::{Library, rows};
pub use load::{LoadOptions, Loaded, World, load};
