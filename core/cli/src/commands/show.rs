//! `linchpin show`.

use crate::cli::{Global, ShowArgs};
use crate::failure::{Exit, Failure};

pub(crate) async fn run(_global: &Global, _args: &ShowArgs) -> Result<Exit, Failure> { Err(Failure::failed("`linchpin show` is being written")) }
