//! Identification of whole planted estates, through the public interface only.

use core_derive as derive;

mod estate;
mod planted;
#[path = "../../src/identify/tests/support.rs"]
#[allow(dead_code, reason = "one small language for all tests; not every test says everything")]
mod support;
