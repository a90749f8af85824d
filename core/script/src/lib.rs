#![doc = include_str!("../README.md")]

mod arguments;
mod error;
mod frame;
mod job;
mod local;
mod mask;
mod posix;
pub mod quote;
mod secret;
mod stage;
mod windows;

pub use arguments::{Arguments, Variables};
pub use error::ScriptError;
pub use frame::{Answer, Finished, Kept, LastValue, NotRun, parts_stored, read};
pub use job::{Caps, CommandShell, Delivery, Job, Limits, Nonce, deliver};
pub use local::{LocalRun, local};
pub use mask::{MASK, Mask, MaskStream};
pub use secret::{SecretFetch, secret_document};
