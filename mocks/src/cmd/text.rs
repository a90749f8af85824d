//! Lines of a batch file, taken apart.

/// Where a stream of a command goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// It is standard error.
    pub(super) error: bool,
    /// To a file; to the other stream where none is named.
    pub(super) target: Option<String>,
    pub(super) append: bool,
}

/// The lines of a file: what a caret or a bracket holds together is one.
pub(super) fn logical(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines: Vec<String> = Vec::new();
    let (mut open, mut joins) = (0_usize, false);
    for line in text.lines() {
        let line = line.trim();
        let closes = line.starts_with(')');
        if closes {
            open = open.saturating_sub(1);
        }
        let carries = line.ends_with('^') && !line.ends_with("^^");
        let bare = if carries { line[..line.len() - 1].trim_end() } else { line };
        match lines.last_mut() {
            Some(last) if joins || closes || open > 0 => {
                let between = if joins || closes || last.ends_with('(') { " " } else { " & " };
                if !bare.is_empty() {
                    last.push_str(between);
                    last.push_str(bare);
                }
            }
            _ if bare.is_empty() => {}
            _ => lines.push(bare.to_owned()),
        }
        joins = carries;
        if line.ends_with('(') && !is_comment(line) {
            open += 1;
        }
    }
    lines
}

fn is_comment(line: &str) -> bool {
    let lower = line.trim_start_matches('@').to_lowercase();
    lower.starts_with("rem ") || lower.starts_with(':') || lower.starts_with("echo ")
}

/// The first command of a line, what joins the next to it, and the rest; not inside quotes or
/// brackets.
pub(super) fn first_command(line: &str) -> (&str, &str, &str) {
    let lower = line.trim_start().trim_start_matches('@').to_lowercase();
    // A condition or a loop holds for the rest of its line.
    let holds = lower.starts_with("if ") || lower.starts_with("for ");
    let brackets = holds || lower.starts_with('(');
    let (mut quoted, mut depth, mut closed) = (false, 0_i32, false);
    let mut letters = line.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '^' if !quoted => {
                letters.next();
            }
            '"' => quoted = !quoted,
            '(' if !quoted && brackets => depth += 1,
            ')' if !quoted && brackets => {
                depth -= 1;
                closed = true;
            }
            '&' | '|' if !quoted && depth <= 0 && (!holds || closed) => {
                let redirects = line[..at].ends_with('>');
                if letter == '&' && redirects {
                    continue;
                }
                let length = if line[at + 1..].starts_with(letter) { 2 } else { 1 };
                return (&line[..at], &line[at..at + length], &line[at + length..]);
            }
            _ => {}
        }
    }
    (line, "", "")
}

/// The first word, which may be quoted, and the rest.
pub(super) fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let mut quoted = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            letter if letter.is_whitespace() && !quoted => {
                return (&text[..at], text[at..].trim_start());
            }
            _ => {}
        }
    }
    (text, "")
}

/// `(yes) else (no)`, or only what is done.
pub(super) fn branches(text: &str) -> (String, String) {
    let text = text.trim();
    let Some(inside) = text.strip_prefix('(') else { return (text.to_owned(), String::new()) };
    let mut depth = 1;
    for (at, letter) in inside.char_indices() {
        depth += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth == 0 {
            let rest = inside[at + 1..].trim();
            let word: String = rest.chars().take(4).collect();
            let no = if word.eq_ignore_ascii_case("else") { rest[4..].trim() } else { "" };
            let bare = no.strip_prefix('(').and_then(|no| no.strip_suffix(')')).unwrap_or(no);
            return (inside[..at].trim().to_owned(), bare.to_owned());
        }
    }
    (inside.to_owned(), String::new())
}

/// The command without its redirections and carets, and where its streams go.
pub(super) fn redirections(command: &str) -> (String, Vec<Way>) {
    let letters: Vec<char> = command.chars().collect();
    let (mut kept, mut ways) = (String::new(), Vec::new());
    let (mut quoted, mut at) = (false, 0);
    while let Some(letter) = letters.get(at).copied() {
        match letter {
            '^' if !quoted => {
                at += 1;
                kept.extend(letters.get(at));
                at += 1;
                continue;
            }
            '"' => quoted = !quoted,
            '>' | '<' if !quoted => {
                let digit = kept.chars().last().filter(char::is_ascii_digit);
                let before = kept.chars().rev().nth(1);
                let stream = digit.filter(|_| before.is_none_or(char::is_whitespace));
                if stream.is_some() {
                    kept.pop();
                }
                let (way, next) = way(&letters, at, stream == Some('2'));
                if letter == '>' {
                    ways.push(way);
                }
                at = next;
                continue;
            }
            _ => {}
        }
        kept.push(letter);
        at += 1;
    }
    // `>file 2>&1`: errors join the output, and then all of it goes where the output goes.
    ways.sort_by_key(|way: &Way| way.target.is_some());
    (kept, ways)
}

fn way(letters: &[char], from: usize, error: bool) -> (Way, usize) {
    let mut at = from + 1;
    let append = letters.get(at) == Some(&'>');
    at += usize::from(append);
    if letters.get(at) == Some(&'&') {
        return (Way { error, target: None, append }, (at + 2).min(letters.len()));
    }
    while letters.get(at).is_some_and(|c| c.is_whitespace()) {
        at += 1;
    }
    let (mut target, mut quoted) = (String::new(), false);
    while let Some(letter) = letters.get(at).copied() {
        match letter {
            '"' => quoted = !quoted,
            letter if !quoted && (letter.is_whitespace() || matches!(letter, '>' | '<')) => break,
            letter => target.push(letter),
        }
        at += 1;
    }
    (Way { error, target: Some(target), append }, at)
}
