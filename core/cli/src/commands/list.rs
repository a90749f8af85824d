//! `linchpin list`.

use crate::cli::{Global, ListArgs};
use crate::failure::{Exit, Failure};

pub(crate) async fn run(_global: &Global, _args: &ListArgs) -> Result<Exit, Failure> { Err(Failure::failed("`linchpin list` is being written")) }
