//! `linchpin demo`.

use crate::cli::{Global, DemoArgs};
use crate::failure::{Exit, Failure};

pub(crate) async fn run(_global: &Global, _args: &DemoArgs) -> Result<Exit, Failure> { Err(Failure::failed("`linchpin demo` is being written")) }
