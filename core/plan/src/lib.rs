//! The maintenance planner.

mod version;

pub use version::{BadVersion, Version};
