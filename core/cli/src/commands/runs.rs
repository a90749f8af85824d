//! `linchpin runs`.

use crate::cli::{Global, RunsArgs};
use crate::failure::{Exit, Failure};

pub(crate) async fn run(_global: &Global, _args: &RunsArgs) -> Result<Exit, Failure> { Err(Failure::failed("`linchpin runs` is being written")) }
