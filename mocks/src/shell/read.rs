//! Reads a script: statements, assignments, strings with expressions inside, concatenation.

use std::collections::HashMap;

use super::probe::Probe;

/// A run of a script.
pub(super) struct Run<'a> {
    probe: Probe<'a>,
    /// Variables, as the text of the expression that was assigned.
    variables: HashMap<String, String>,
    printed: Vec<String>,
}

impl<'a> Run<'a> {
    pub(super) fn new(probe: Probe<'a>) -> Self {
        Self { probe, variables: HashMap::new(), printed: Vec::new() }
    }

    pub(super) fn printed(self) -> Vec<String> {
        self.printed
    }

    /// Runs one statement: it prints, assigns or does nothing.
    pub(super) fn statement(&mut self, statement: &str) {
        let text = unwrapped(statement);
        if text.is_empty() || silent(text) {
            return;
        }
        if let Some((name, value)) = assignment(text) {
            let value = self.resolved(value);
            self.variables.insert(name.to_lowercase(), value);
            return;
        }
        let expression = without_print(text);
        let value = self.value(expression);
        self.printed.extend(value.split('\n').map(|l| l.trim_end_matches('\r').to_owned()));
    }

    /// The value of an expression: its parts between top-level `+`, one after the other.
    fn value(&self, expression: &str) -> String {
        let expression = parens_off(expression.trim());
        let parts = split(expression, '+');
        if parts.len() > 1 {
            return parts.iter().map(|part| self.value(part)).collect();
        }
        if let Some(text) = quoted(expression, '\'') {
            return text.replace("''", "'");
        }
        if let Some(text) = quoted(expression, '"') {
            return self.interpolated(text);
        }
        self.probe.value(&self.resolved(expression))
    }

    /// The expression with variables replaced by what was assigned to them.
    fn resolved(&self, expression: &str) -> String {
        let mut text = expression.to_owned();
        for (name, value) in &self.variables {
            let mut from = 0;
            let wanted = format!("${name}");
            while let Some(at) = text[from..].to_ascii_lowercase().find(&wanted).map(|at| at + from)
            {
                let end = at + wanted.len();
                let next = text[end..].chars().next();
                if next.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                    from = end;
                    continue;
                }
                text.replace_range(at..end, value);
                from = at + value.len();
            }
        }
        text
    }

    /// A double-quoted string: `$(...)` and `$name` inside are expressions.
    fn interpolated(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let end = if after.starts_with('(') {
                closing(after).map(|close| close + 1)
            } else {
                let name = after.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
                Some(name.unwrap_or(after.len())).filter(|end| *end > 0)
            };
            let Some(end) = end else {
                out.push('$');
                rest = after;
                continue;
            };
            let expression = if after.starts_with('(') {
                after[1..end - 1].to_owned()
            } else {
                format!("${}", &after[..end])
            };
            out.push_str(self.value(&expression).trim_end());
            rest = &after[end..];
        }
        out.push_str(rest);
        out.replace("`\"", "\"").replace("`n", "\n").replace("`t", "\t")
    }
}

/// The statements of a script, without comments and the RMM's own first lines.
pub(super) fn statements(script: &str) -> Vec<String> {
    let lines = script.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let lines = lines.filter(|l| !l.to_lowercase().starts_with("rem ") && !l.starts_with("@echo"));
    lines
        .flat_map(|line| split(line, ';').into_iter().map(str::to_owned).collect::<Vec<_>>())
        .flat_map(|part| part.split(" && ").map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// Without `try {`, `catch { ... }`, braces.
fn unwrapped(statement: &str) -> &str {
    let mut text = statement.trim();
    if let Some(at) = text.to_ascii_lowercase().find("catch {").or_else(|| text.find("catch{")) {
        text = text[..at].trim();
    }
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("try") && text[3..].trim_start().starts_with('{') {
        text = text[3..].trim_start();
    }
    if text.starts_with('{') && !text.contains("}-") {
        text = text[1..].trim_start();
    }
    if text.matches('}').count() > text.matches('{').count() {
        text = text.trim_end_matches('}').trim_end();
    }
    text
}

fn silent(text: &str) -> bool {
    const QUIET: &[&str] = &[
        "set-strictmode",
        "function ",
        "import-module",
        "set-executionpolicy",
        "[console]::outputencoding",
        "[system.net.",
        "[net.",
        "set-location",
        "cd ",
        "exit",
        "return",
        "param(",
        "chcp ",
        "}",
        "{",
        "$progresspreference",
        "$erroractionpreference",
        "$warningpreference",
        "$null =",
    ];
    let lower = text.to_ascii_lowercase();
    QUIET.iter().any(|word| lower.starts_with(word))
}

/// `$name = value`.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('$')?;
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    let value = rest[end..].trim_start().strip_prefix('=')?;
    (!value.starts_with('=')).then(|| (&rest[..end], value.trim()))
}

fn without_print(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    for word in ["write-output ", "write-host ", "echo "] {
        if lower.starts_with(word) {
            let rest = text[word.len()..].trim();
            let rest = rest.strip_prefix("-InputObject ").unwrap_or(rest);
            return if word == "echo " && !rest.starts_with(['\'', '"', '$', '(']) {
                // `cmd` prints the rest of the line as it is: the caller must see a literal.
                text
            } else {
                rest
            };
        }
    }
    text
}

fn parens_off(text: &str) -> &str {
    let inside = text.starts_with('(') && closing(text) == Some(text.len() - 1);
    if inside { parens_off(text[1..text.len() - 1].trim()) } else { text }
}

fn quoted(text: &str, mark: char) -> Option<&str> {
    let inside = text.strip_prefix(mark)?.strip_suffix(mark)?;
    // A string, and not an expression between two strings.
    split(text, ' ').len().eq(&1).then_some(inside)
}

/// Index of the bracket that closes the one the text starts with, strings aside.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut string = None;
    for (at, letter) in text.char_indices() {
        match (string, letter) {
            (Some(mark), _) if letter == mark => string = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => string = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Splits at a letter outside strings and brackets.
fn split(text: &str, letter: char) -> Vec<&str> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0_i32);
    let mut string: Option<char> = None;
    for (at, here) in text.char_indices() {
        match string {
            Some('"') if here == '(' => depth += 1,
            Some('"') if here == ')' => depth -= 1,
            // Quotes inside `$( ... )` of a string do not end it.
            Some(mark) if here == mark && (mark == '\'' || depth == 0) => string = None,
            Some(_) => {}
            None if depth == 0 && matches!(here, '\'' | '"') => string = Some(here),
            None if matches!(here, '(' | '{' | '[') => depth += 1,
            None if matches!(here, ')' | '}' | ']') => depth -= 1,
            None if here == letter && depth == 0 => {
                parts.push(&text[from..at]);
                from = at + here.len_utf8();
            }
            None => {}
        }
    }
    parts.push(&text[from..]);
    parts
}
