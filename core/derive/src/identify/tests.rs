//! Identification, by the numbers of its scenarios and of its rules.

use crate as derive;

mod assets;
mod decisions;
mod junk;
mod known;
mod rules;
mod scenarios;
mod support;
