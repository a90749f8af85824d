//! Identification of whole planted estates, through the public interface only.
#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

use core_derive as derive;

mod estate;
mod planted;
#[path = "../../src/identify/tests/support.rs"]
#[allow(dead_code, reason = "one small language for all tests; not every test says everything")]
mod support;
