#![doc = include_str!("../README.md")]

mod block;
mod catalogue;
mod desired;
mod digest;
mod found;
mod judge;
mod key;
mod offer;
mod order;
mod outline;
mod plan;
mod request;
mod result;
mod rollout;
mod route;
mod scope;
mod session;
mod step;
mod version;

pub use block::Block;
pub use catalogue::Catalogue;
pub use desired::{Deed, Reason, Verdict, decide, mended};
pub use digest::{Difference, Inputs};
pub use found::{Detected, Detections, Failure, FailureClass, Found, Tested};
pub use key::{BadKey, Key};
pub use offer::{Offer, Pick};
pub use outline::Outline;
pub use plan::{Action, Check, OnChange, Origin, Plan, version_of};
pub use request::{Holds, NoAnswer, RebootPolicy, Request, RunKind, Settings, Wanted, WhenOffline};
pub use result::{ActionResult, Overall};
pub use rollout::{Gate, Gates, Halt, Reached, Rollout, Tally};
pub use route::{Move, Must};
pub use session::{Entry, Next, Report, Session, next};
pub use step::{Answer, Beside, Outcome, Step, Work};
pub use version::{BadVersion, Version};
