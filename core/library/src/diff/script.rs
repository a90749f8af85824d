//! What is different between two scripts: how many lines, and the first of them.

use std::collections::BTreeMap;

use core_model::library::{NobodyLoggedOn, Script, ScriptContext};
use core_toml::printable;
use similar::{ChangeTag, TextDiff};

/// Lines that are shown.
const SHOWN: usize = 8;
/// Letters of a line that are shown.
const WIDTH: usize = 100;
/// Lines of both together up to which they are compared one by one: it takes their product at worst.
const COMPARED: usize = 4_000;

/// `powershell, 12 lines, as user, 60 s`.
pub(super) fn in_short(script: &Script) -> String {
    let lines = match script.body.lines().count() {
        1 => "1 line".to_owned(),
        lines => format!("{lines} lines"),
    };
    let mut parts = vec![printable(script.language.word()), lines];
    if script.context != ScriptContext::System {
        parts.push(script.context.word().to_owned());
    }
    parts.extend(script.time_limit_s.map(|limit| format!("{limit} s")));
    if script.nobody_logged_on == NobodyLoggedOn::Fail {
        parts.push("fails where nobody is logged on".to_owned());
    }
    if script.ignores_business_hours {
        parts.push("in business hours too".to_owned());
    }
    if !script.needs.is_empty() {
        let words: Vec<&str> = script.needs.iter().map(|need| need.word()).collect();
        parts.push(format!("needs {}", words.join(", ")));
    }
    parts.join(", ")
}

/// What is different, the lines of the text below.
pub(super) fn between(old: &Script, new: &Script) -> String {
    let mut parts = Vec::new();
    let mut lines = String::new();
    if old.body != new.body {
        let (words, below) = of_bodies(&old.body, &new.body);
        parts.push(words);
        lines = below;
    }
    // Everything else, as far as it is different.
    let bare = |script: &Script| Script { body: new.body.clone(), ..script.clone() };
    if bare(old) != *new {
        parts.push(format!("{} → {}", in_short(&bare(old)), in_short(new)));
    }
    format!("{}{lines}", parts.join("; "))
}

fn of_bodies(old: &str, new: &str) -> (String, String) {
    if old.lines().count() + new.lines().count() > COMPARED {
        let (added, removed) = counted(old, new);
        return (counts(added, removed), String::new());
    }
    let diff = TextDiff::from_lines(old, new);
    let changed: Vec<(char, &str)> = diff
        .iter_all_changes()
        .filter_map(|change| match change.tag() {
            ChangeTag::Equal => None,
            ChangeTag::Delete => Some(('-', change.value())),
            ChangeTag::Insert => Some(('+', change.value())),
        })
        .collect();
    let of = |sign: char| changed.iter().filter(|(other, _)| *other == sign).count();
    let mut below = String::new();
    for (sign, line) in changed.iter().take(SHOWN) {
        let line: String =
            printable(line.trim_end_matches(['\n', '\r'])).chars().take(WIDTH).collect();
        below.push_str(&format!("\n        {sign} {line}"));
    }
    if changed.len() > SHOWN {
        below.push_str(&format!("\n        … and {} more", changed.len() - SHOWN));
    }
    (counts(of('+'), of('-')), below)
}

/// How many lines came and went, whatever their order.
fn counted(old: &str, new: &str) -> (usize, usize) {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for line in old.lines() {
        *left.entry(line).or_default() += 1;
    }
    let mut added = 0;
    for line in new.lines() {
        match left.get_mut(line) {
            Some(count) if *count > 0 => *count -= 1,
            _ => added += 1,
        }
    }
    (added, left.values().sum())
}

fn counts(added: usize, removed: usize) -> String {
    let lines = |count: usize| if count == 1 { "line" } else { "lines" };
    match (added, removed) {
        (0, 0) => "the order of its lines".to_owned(),
        (0, removed) => format!("{removed} {} removed", lines(removed)),
        (added, 0) => format!("{added} {} added", lines(added)),
        (added, removed) => format!("{added} {} added, {removed} removed", lines(added)),
    }
}

#[cfg(test)]
mod tests {
    use core_model::library::ScriptLanguage;

    use super::*;

    #[test]
    fn the_lines_that_came_and_went_are_counted_and_shown() {
        let old = Script::new("a\nb\nc\n");
        let new = Script::new("a\nB\nc\nd\u{1b}\n");
        let words = between(&old, &new);
        assert_eq!(
            words,
            "2 lines added, 1 removed\n        - b\n        + B\n        + d\u{fffd}"
        );
        let long: String = (0..20).map(|line| format!("{line}\n")).collect();
        let words = between(&old, &Script::new(&long));
        assert!(words.starts_with("20 lines added, 3 removed"), "{words}");
        assert!(words.ends_with("… and 15 more") && words.lines().count() == 10, "{words}");
    }

    #[test]
    fn how_a_script_runs_is_told_beside_its_text() {
        let old = Script::new("a");
        let new = old.clone().in_context(ScriptContext::User).in_language(ScriptLanguage::Cmd);
        assert_eq!(between(&old, &new), "powershell, 1 line → cmd, 1 line, user");
        let slow = Script { time_limit_s: Some(60), ..Script::new("a\nb") };
        let words = between(&old, &slow);
        assert!(words.starts_with("2 lines added, 1 removed; powershell, 2 lines →"), "{words}");
    }

    #[test]
    fn long_scripts_are_counted_only() {
        let long =
            |from: usize| -> String { (from..from + 4_000).map(|n| format!("{n}\n")).collect() };
        let words = between(&Script::new(&long(0)), &Script::new(&long(10)));
        assert_eq!(words, "10 lines added, 10 removed");
        let mut turned: Vec<String> = long(0).lines().map(|line| format!("{line}\n")).collect();
        turned.reverse();
        let words = between(&Script::new(&long(0)), &Script::new(&turned.concat()));
        assert_eq!(words, "the order of its lines");
    }
}
