//! Desired states as people write them.

use core_model::library::{DesiredState, ItemId};
use core_toml::{nearest, printable};

const SOFTWARE: &str = "\"latest\", \"= 24.1\", \">= 24.1\", \"<= 24.1\", \"any\", \
                        \"update-if-found\", \"absent\", \"ignored\"";
const TASK: &str = "\"enforce\", \"audit\", \"monitor\", \"ignored\"";

const WORDS: &[(&str, DesiredState)] = &[
    ("latest", DesiredState::Latest),
    ("any", DesiredState::AnyVersion),
    ("update-if-found", DesiredState::UpdateIfFound),
    ("absent", DesiredState::Absent),
    ("enforce", DesiredState::Enforce),
    ("audit", DesiredState::Audit),
    ("monitor", DesiredState::Monitor),
    ("ignored", DesiredState::Ignored),
];

/// The state that a text says of an item; else what is wrong, and the remedy. Without an item any
/// state will do.
pub(super) fn state(text: &str, item: Option<ItemId>) -> Result<DesiredState, (String, String)> {
    let text = text.trim();
    let shown = printable(text);
    let allowed = match item {
        Some(ItemId::Software(_)) => format!("of software: {SOFTWARE}"),
        Some(ItemId::Task(_)) => format!("of a task: {TASK}"),
        None => format!("of software: {SOFTWARE}; of a task: {TASK}"),
    };
    let Some(state) = parse(text) else {
        let help = if text.starts_with(|c: char| c.is_ascii_digit()) {
            format!("write \"= {shown}\", \">= {shown}\" or \"<= {shown}\"")
        } else {
            match nearest(text, WORDS.iter().map(|(word, _)| *word)) {
                Some(near) => format!("did you mean \"{near}\"? Allowed {allowed}"),
                None => format!("allowed {allowed}"),
            }
        };
        return Err((format!("`state` cannot be \"{shown}\""), help));
    };
    match item {
        Some(item) if !state.fits(item) => {
            let other = match item {
                ItemId::Software(_) => "a state of tasks, and this is software",
                ItemId::Task(_) => "a state of software, and this is a task",
            };
            Err((format!("\"{shown}\" is {other}"), format!("allowed {allowed}")))
        }
        _ => Ok(state),
    }
}

fn parse(text: &str) -> Option<DesiredState> {
    if let Some((_, state)) = WORDS.iter().find(|(word, _)| *word == text) {
        return Some(state.clone());
    }
    let forms = [">=", "<=", "="];
    let (sign, version) =
        forms.into_iter().find_map(|sign| Some((sign, text.strip_prefix(sign)?)))?;
    let version = version.trim();
    // `==`, `=>` and the like are slips, and no versions.
    let slip = version.starts_with(['=', '<', '>']);
    if version.is_empty() || slip {
        return None;
    }
    let version = version.to_owned();
    Some(match sign {
        ">=" => DesiredState::NewerOrEqual(version),
        "<=" => DesiredState::OlderOrEqual(version),
        _ => DesiredState::ThisVersion(version),
    })
}

/// A state as it is written in a file.
pub(crate) fn written(state: &DesiredState) -> String {
    match state {
        DesiredState::ThisVersion(version) => format!("= {version}"),
        DesiredState::NewerOrEqual(version) => format!(">= {version}"),
        DesiredState::OlderOrEqual(version) => format!("<= {version}"),
        word => WORDS.iter().find(|(_, other)| other == word).map_or("", |(word, _)| word).into(),
    }
}

#[cfg(test)]
mod tests {
    use core_model::id::{SoftwareId, TaskId};

    use super::*;

    #[test]
    fn states_are_written_as_they_are_read() {
        for text in [
            "latest",
            "= 24.1",
            ">= 24.1",
            "<= 24.1 beta",
            "any",
            "update-if-found",
            "absent",
            "ignored",
            "enforce",
            "audit",
            "monitor",
        ] {
            assert_eq!(written(&state(text, None).unwrap()), text);
        }
        assert_eq!(state(">=24.1", None), state(" >=  24.1 ", None));
    }

    #[test]
    fn a_state_that_is_none_or_does_not_fit_says_what_would() {
        let software = Some(SoftwareId::of_text("a", 0).into());
        let task = Some(TaskId::of_text("a", 0).into());
        for (text, item, what, help) in [
            ("24.1", software, "`state` cannot be \"24.1\"", "write \"= 24.1\", \">= 24.1\""),
            ("latets", software, "cannot be \"latets\"", "did you mean \"latest\"?"),
            ("enforce", software, "\"enforce\" is a state of tasks", "of software: \"latest\""),
            ("absent", task, "\"absent\" is a state of software", "of a task: \"enforce\""),
            ("== 1", software, "cannot be \"== 1\"", "\"= 24.1\""),
            (">=", software, "cannot be \">=\"", "allowed of software"),
            ("", None, "cannot be \"\"", "of a task"),
        ] {
            let (said, remedy) = state(text, item).unwrap_err();
            assert!(said.contains(what), "{said}");
            assert!(remedy.contains(help), "{remedy}");
        }
    }
}
