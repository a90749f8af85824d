//! `linchpin link`.

use crate::cli::{Global, LinkArgs};
use crate::failure::{Exit, Failure};

pub(crate) async fn run(_global: &Global, _args: &LinkArgs) -> Result<Exit, Failure> { Err(Failure::failed("`linchpin link` is being written")) }
