//! Reads PowerShell and cmd by their documented rules, and shares nothing with what writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const SINGLE: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
const DOUBLE: [char; 4] = ['"', '\u{201c}', '\u{201d}', '\u{201e}'];

/// A literal in single quotes at the beginning of a text: what it means, and what follows it
/// (about_Quoting_Rules: two quotes are one, and typographic ones are quotes).
pub(crate) fn literal(text: &str) -> Option<(String, &str)> {
    let mut characters = text.char_indices().peekable();
    let (_, first) = characters.next()?;
    if !SINGLE.contains(&first) {
        return None;
    }
    let mut meaning = String::new();
    while let Some((at, c)) = characters.next() {
        if !SINGLE.contains(&c) {
            meaning.push(c);
        } else if characters.peek().is_some_and(|(_, next)| SINGLE.contains(next)) {
            meaning.push(c);
            characters.next();
        } else {
            return Some((meaning, &text[at + c.len_utf8()..]));
        }
    }
    None
}

/// Whether every quote, bracket and here-string of a program is closed: what breaks first when a text is put
/// together wrongly.
pub(crate) fn check(program: &str) -> Result<(), String> {
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut rest = program;
    let line = |rest: &str| program[..program.len() - rest.len()].matches('\n').count() + 1;
    while let Some(c) = rest.chars().next() {
        let here = line(rest);
        if rest.starts_with("@'\n") {
            let end = rest.find("\n'@").ok_or(format!("line {here}: a here-string has no end"))?;
            check(&rest[3..end]).map_err(|why| format!("line {here}, inside: {why}"))?;
            rest = &rest[end + 3..];
            continue;
        }
        if SINGLE.contains(&c) {
            rest = literal(rest).ok_or(format!("line {here}: a quote has no end"))?.1;
            continue;
        }
        if DOUBLE.contains(&c) {
            rest = expandable(&rest[c.len_utf8()..])
                .ok_or(format!("line {here}: a double quote has no end"))?;
            continue;
        }
        match c {
            '(' | '{' | '[' => open.push((c, here)),
            ')' | '}' | ']' => {
                let due = match c {
                    ')' => '(',
                    '}' => '{',
                    _ => '[',
                };
                match open.pop() {
                    Some((found, _)) if found == due => {}
                    other => return Err(format!("line {here}: {c} closes {other:?}")),
                }
            }
            _ => {}
        }
        rest = &rest[c.len_utf8()..];
    }
    match open.pop() {
        None => Ok(()),
        Some((c, here)) => Err(format!("line {here}: {c} has no end")),
    }
}

/// What follows an expandable string whose quote is open.
fn expandable(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '`' => {
                characters.next();
            }
            '$' if characters.peek().is_some_and(|(_, next)| *next == '(') => {
                characters.next();
                depth += 1;
            }
            '(' if depth > 0 => depth += 1,
            ')' if depth > 0 => depth -= 1,
            _ if DOUBLE.contains(&c) && depth == 0 => return Some(&text[at + c.len_utf8()..]),
            _ => {}
        }
    }
    None
}

/// The bytes in base64 that follow a text.
pub(crate) fn bytes_after(program: &str, before: &str) -> Vec<u8> {
    let at = program.find(before).unwrap_or_else(|| panic!("no `{before}` in {program}"));
    let (data, _) = literal(&program[at + before.len()..]).unwrap();
    STANDARD.decode(data).unwrap()
}

/// The values of a table, by name: the letter of the type, and the value.
pub(crate) fn table(bytes: &[u8]) -> Vec<(String, String, String)> {
    let text = std::str::from_utf8(bytes).unwrap();
    let decode = |text: &str| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
    let row = |line: &str| {
        let parts: Vec<&str> = line.split(' ').collect();
        assert_eq!(parts.len(), 3, "{line}");
        (decode(parts[0]), parts[1].to_owned(), decode(parts[2]))
    };
    text.lines().map(row).collect()
}

/// What `cmd.exe` makes of `set X=…`: percent signs first, then carets and quotes. Nothing where something in it
/// would be more than text.
pub(crate) fn cmd(text: &str, batch: bool) -> Option<String> {
    let mut first = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        first.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if batch {
            rest = rest.strip_prefix('%')?;
        } else if let Some(end) = rest.find('%') {
            // No variable has such a name, so on a line all of it stays.
            let name = rest[..end].split(':').next().unwrap_or_default();
            if !name.ends_with('^') && !name.contains('^') {
                return None;
            }
        }
        first.push('%');
    }
    first.push_str(rest);
    let mut meaning = String::new();
    let mut characters = first.chars();
    while let Some(c) = characters.next() {
        match c {
            '^' => meaning.push(characters.next()?),
            '&' | '|' | '<' | '>' | '(' | ')' | '"' | '\n' | '\r' => return None,
            c => meaning.push(c),
        }
    }
    Some(meaning)
}
