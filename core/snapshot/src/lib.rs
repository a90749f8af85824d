#![doc = include_str!("../README.md")]

mod devices;
mod error;
mod feeds;
mod follow;
mod library;
mod live;
mod load;
mod machines;
mod names;
mod passed;
mod people;
mod redefined;

pub use error::{Error, Result};
pub use feeds::StreamKinds;
pub use follow::Followed;
pub use library::{definitions, library, rows};
pub use live::{Live, Renewed};
pub use load::{LoadOptions, Loaded, World, load};
pub use names::names;
pub use passed::note_passed;
