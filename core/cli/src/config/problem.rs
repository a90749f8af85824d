//! Mistakes in the settings file, for people and machines.

use std::io::IsTerminal;

pub(crate) use core_toml::{Problem, Problems};

use crate::failure::Failure;

/// The mistakes, laid out for where they go: standard error.
pub(crate) fn laid_out(problems: &Problems) -> String {
    problems.text(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        let count = problems.list().len();
        let noun = if count == 1 { "mistake" } else { "mistakes" };
        let what = format!("{count} {noun} in the settings file {}", problems.name());
        let text = format!("{}error: {what}", laid_out(&problems));
        Failure::usage(what).with_report(text, problems.json())
    }
}
