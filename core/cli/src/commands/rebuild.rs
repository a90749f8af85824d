//! `linchpin rebuild`.

use crate::cli::{Global, RebuildArgs};
use crate::failure::{Exit, Failure};

pub(crate) async fn run(_global: &Global, _args: &RebuildArgs) -> Result<Exit, Failure> { Err(Failure::failed("`linchpin rebuild` is being written")) }
