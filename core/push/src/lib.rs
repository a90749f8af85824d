#![doc = include_str!("../README.md")]

mod decide;
mod plan;
mod retry;

pub use decide::{Mark, Verdict, decide, same};
pub use plan::{Asset, Contact, Item, Place, TenantModel, Wanted, Wish, plan};
pub use retry::wait_us;
