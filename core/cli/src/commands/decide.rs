//! `linchpin decide`.

use crate::cli::{Global, DecideArgs};
use crate::failure::{Exit, Failure};

pub(crate) async fn run(_global: &Global, _args: &DecideArgs) -> Result<Exit, Failure> { Err(Failure::failed("`linchpin decide` is being written")) }
