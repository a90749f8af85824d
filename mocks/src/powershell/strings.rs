//! Strings: as they stand, with values inside, and over several lines.

use super::ast::Expr;
use super::command::taken;
use super::parse::Parser;
use super::read::Wrong;

impl Parser {
    pub(super) fn string(&mut self) -> Result<Expr, Wrong> {
        let Some(mark) = self.read.next() else { return self.read.wrong("A string was expected.") };
        if mark == '"' {
            return self.expanding(false);
        }
        let mut text = String::new();
        loop {
            match self.read.next() {
                None => return self.read.wrong("The string is missing the terminator: '."),
                Some('\'') if !self.read.eat('\'') => return Ok(Expr::Text(text.into())),
                Some(letter) => text.push(letter),
            }
        }
    }

    pub(super) fn here_string(&mut self) -> Result<Expr, Wrong> {
        self.read.at += 1;
        let mark = self.read.next();
        while self.read.peek().is_some_and(|c| c != '\n') {
            if !self.read.next().is_some_and(char::is_whitespace) {
                return self.read.wrong("No characters are allowed after a here-string header.");
            }
        }
        self.read.at += 1;
        if mark == Some('"') {
            return self.expanding(true);
        }
        let from = self.read.at;
        while self.read.peek().is_some() {
            let starts_line =
                self.read.at == from || self.read.text(self.read.at - 1, self.read.at) == "\n";
            if starts_line && self.read.starts("'@") {
                let text = self.read.text(from, self.read.at.saturating_sub(1).max(from));
                self.read.at += 2;
                return Ok(Expr::Text(text.into()));
            }
            self.read.at += 1;
        }
        self.read.wrong("The string is missing the terminator: '@.")
    }

    /// What stands between double quotes.
    fn expanding(&mut self, here: bool) -> Result<Expr, Wrong> {
        let (mut parts, mut text) = (Vec::new(), String::new());
        let from = self.read.at;
        loop {
            let starts_line = self.read.at == from
                || self.read.text(self.read.at.saturating_sub(1), self.read.at) == "\n";
            if here && starts_line && self.read.starts("\"@") {
                self.read.at += 2;
                if text.ends_with('\n') {
                    text.pop();
                }
                break;
            }
            match self.read.peek() {
                None => return self.read.wrong("The string is missing the terminator: \"."),
                Some('"') if !here => {
                    self.read.at += 1;
                    if !self.read.eat('"') {
                        break;
                    }
                    text.push('"');
                }
                Some('`') => {
                    self.read.at += 1;
                    text.extend(self.read.next().map(escaped));
                }
                Some('$') if self.is_variable() => {
                    parts.extend(taken(&mut text));
                    let piece = self.variable_or_sub()?;
                    parts.push(piece);
                }
                Some(letter) => {
                    self.read.at += 1;
                    text.push(letter);
                }
            }
        }
        if parts.is_empty() {
            return Ok(Expr::Text(text.into()));
        }
        parts.extend(taken(&mut text));
        Ok(Expr::Expand(parts))
    }
}

fn escaped(letter: char) -> char {
    match letter {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        other => other,
    }
}
