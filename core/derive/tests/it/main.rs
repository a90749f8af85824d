//! Identification of whole planted estates, through the public interface only.
#![allow(clippy::unwrap_used, reason = "tests say what went wrong by failing")]

use core_derive as derive;

mod estate;
mod planted;
#[path = "../../src/identify/tests/support.rs"]
#[allow(dead_code, reason = "one small language for all tests; not every test says everything")]
mod support;
