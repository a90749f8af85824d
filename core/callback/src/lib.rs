#![doc = include_str!("../README.md")]

mod call;
mod desk;
mod limit;
mod plain;
mod reply;
mod texts;

pub use call::{Call, CallAnswer, Fault, Invocation, Report};
pub use desk::{Asked, Desk};
pub use limit::CallLimits;
pub use texts::{MODULE, MODULE_MANIFEST, SH};
