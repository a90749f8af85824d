//! `linchpin status`.

use crate::cli::{Global};
use crate::failure::{Exit, Failure};

pub(crate) async fn run(_global: &Global) -> Result<Exit, Failure> { Err(Failure::failed("`linchpin status` is being written")) }
