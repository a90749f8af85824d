//! Text that fits: a terminal that breaks lines by itself breaks them in the middle of words, and
//! what was in columns before is a heap of pieces then.

use console::{Term, measure_text_width};

/// Columns beyond which text is hard to read.
pub(crate) const PAGE: usize = 98;

/// Columns of the terminal that standard output is, or those that `COLUMNS` names for whoever reads
/// what is piped; none where there is neither.
pub(crate) fn columns() -> Option<usize> {
    if let Some((_, columns)) = Term::stdout().size_checked() {
        return Some(usize::from(columns));
    }
    std::env::var_os("COLUMNS")?.to_str()?.parse().ok().filter(|columns| *columns > 0)
}

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    measure_text_width(text)
}

/// Text behind a lead, within so many columns; what does not fit goes on that far to the right.
pub(crate) fn wrap(lead: &str, indent: usize, text: &str, page: usize) -> Vec<String> {
    let room = page.saturating_sub(indent).max(1);
    let mut lines = Vec::new();
    let mut line = lead.to_owned();
    let mut is_new = true;
    for word in words(text) {
        if !is_new && width(&line) + 1 + width(&word) > page {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            is_new = true;
        }
        if !is_new {
            line.push(' ');
        }
        let mut pieces = broken(&word, room).into_iter();
        line.push_str(&pieces.next().unwrap_or_default());
        for piece in pieces {
            lines.push(std::mem::replace(&mut line, format!("{}{piece}", " ".repeat(indent))));
        }
        is_new = false;
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// The words of a text. A command between backticks is one, so that it can be copied.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut quoted = false;
    for part in text.split(' ').filter(|part| !part.is_empty()) {
        match words.last_mut().filter(|_| quoted) {
            Some(word) => {
                word.push(' ');
                word.push_str(part);
            }
            None => words.push(part.to_owned()),
        }
        quoted ^= part.matches('`').count() % 2 == 1;
    }
    words
}

/// A word that is longer than a line, in pieces that are not: parted behind what parts a name, if
/// there is such a place. A command stays whole, for a line that a terminal breaks can be copied, and
/// one that is broken here cannot.
fn broken(word: &str, room: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest: Vec<char> = word.chars().collect();
    while rest.len() > room && !word.contains(' ') {
        let parts = |c: &char| matches!(c, '/' | '|' | '@' | '\\' | ',');
        let place = rest[..room].iter().rposition(parts).map(|place| place + 1);
        let later = rest.split_off(place.filter(|&place| place * 3 > room).unwrap_or(room));
        pieces.push(rest.iter().collect());
        rest = later;
    }
    pieces.push(rest.iter().collect());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_by_columns_not_bytes() {
        let text = "wörter ".repeat(40);
        let lines = wrap("  lead    ", 10, &text, 98);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line) <= 98));
        assert!(lines[1].starts_with("          wörter"));
    }

    #[test]
    fn a_command_is_never_broken_over_two_lines() {
        let text = format!("{} run `linchpin sync entra --full` now", "so ".repeat(28));
        let lines = wrap("", 0, &text, 98);
        assert_eq!(lines[1], "`linchpin sync entra --full` now");
        assert_eq!(wrap("", 0, "`linchpin sync entra`", 10), ["`linchpin sync entra`"]);
    }

    #[test]
    fn a_name_that_is_longer_than_the_line_is_parted_where_its_parts_meet() {
        let name = "azure-ad/agent/ad8020ad-8336-49c2-b335-723a15dc288b/756d062e-788f-4568";
        let lines = wrap("  - ", 4, &format!("{name}: host PC-1"), 60);
        assert_eq!(
            lines,
            [
                "  - azure-ad/agent/ad8020ad-8336-49c2-b335-723a15dc288b/",
                "    756d062e-788f-4568: host PC-1"
            ]
        );
        let lines = wrap("", 0, &"x".repeat(25), 10);
        assert_eq!(lines.concat(), "x".repeat(25));
        assert!(lines.iter().all(|line| width(line) <= 10));
    }
}
