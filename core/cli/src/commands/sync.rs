//! `linchpin sync`.

use crate::cli::{Global, SyncArgs};
use crate::failure::{Exit, Failure};

pub(crate) async fn run(_global: &Global, _args: &SyncArgs) -> Result<Exit, Failure> { Err(Failure::failed("`linchpin sync` is being written")) }
