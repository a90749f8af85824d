//! Commands and their arguments: where a word is a word and not an expression.

use super::ast::{Argument, Command, Expr, Redirect, Stage};
use super::parse::Parser;
use super::read::Wrong;

impl Parser {
    /// One stage of a pipeline.
    pub(super) fn stage(&mut self) -> Result<Stage, Wrong> {
        self.read.blanks(false);
        let called = match (self.read.peek(), self.read.ahead(1)) {
            (Some('&'), _) => true,
            (Some('.'), Some(next)) => {
                next.is_whitespace() || matches!(next, '{' | '$' | '\'' | '"' | '(')
            }
            _ => false,
        };
        if called {
            let dot = self.read.peek() == Some('.');
            self.read.at += 1;
            self.read.blanks(false);
            let name = self.argument()?;
            return self.command(name, dot);
        }
        let word = self.read.peek().is_some_and(|c| {
            c.is_alphabetic() || matches!(c, '%' | '?' | '_' | '\\' | '~' | '*' | '/')
        }) || (self.read.peek() == Some('.')
            && matches!(self.read.ahead(1), Some('\\' | '.' | '/')));
        if word {
            let name = self.word()?;
            return self.command(name, false);
        }
        let expression = self.expression()?;
        Ok(Stage::Expr(expression, self.redirects()?))
    }

    fn command(&mut self, name: Expr, dot: bool) -> Result<Stage, Wrong> {
        let (mut args, mut redirects) = (Vec::new(), Vec::new());
        loop {
            self.read.blanks(false);
            let Some(letter) = self.read.peek() else { break };
            if matches!(letter, '\n' | ';' | '|' | ')' | '}') || self.read.starts("&&") {
                break;
            }
            if letter == '&' {
                return self.read.wrong(
                    "The ampersand (&) character is not allowed. The & operator is reserved for \
                     future use; wrap an ampersand in double quotation marks (\"&\") to pass it as \
                     part of a string.",
                );
            }
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            args.push(self.one_argument(letter)?);
        }
        Ok(Stage::Command(Command { name, dot, args, redirects }))
    }

    fn one_argument(&mut self, letter: char) -> Result<Argument, Wrong> {
        let next = self.read.ahead(1);
        if letter == '@' && next.is_some_and(|c| c.is_alphabetic() || c == '_') {
            self.read.at += 1;
            return Ok(Argument::Splat(self.read.name().to_lowercase()));
        }
        if letter == '-' && next.is_some_and(|c| c.is_alphabetic() || c == '_' || c == '?') {
            let from = self.read.at;
            self.read.at += 1;
            let name = self.read.name();
            match self.read.peek() {
                Some(':') => {
                    self.read.at += 1;
                    self.read.blanks(false);
                    let value = self.list()?;
                    return Ok(Argument::Name(name, Some(value)));
                }
                None | Some(' ' | '\t' | '\n' | ';' | '|' | ')' | '}' | '`' | ',' | '\r') => {
                    return Ok(Argument::Name(name, None));
                }
                // A word of a program that begins with a dash: `-foo=bar`.
                _ => self.read.at = from,
            }
        }
        Ok(Argument::Value(self.list()?))
    }

    /// Arguments with commas between them.
    fn list(&mut self) -> Result<Expr, Wrong> {
        let mut parts = vec![self.argument()?];
        loop {
            let at = self.read.at;
            self.read.blanks(false);
            if !self.read.eat(',') {
                self.read.at = at;
                break;
            }
            self.read.blanks(true);
            parts.push(self.argument()?);
        }
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            return Ok(only);
        }
        Ok(Expr::Comma(parts))
    }

    /// One argument: an expression that cannot be taken for a word, or a word.
    pub(super) fn argument(&mut self) -> Result<Expr, Wrong> {
        self.read.enter()?;
        let start = self.read.peek();
        let made = match (start, self.read.ahead(1)) {
            (Some('$' | '(' | '\'' | '"' | '{'), _) | (Some('@'), Some('(' | '{' | '\'' | '"')) => {
                let expression = self.postfix(false)?;
                if start == Some('$') && self.read.peek().is_some_and(is_word) {
                    // `$env:TEMP\setup.exe` is one word.
                    self.rest_of_word(vec![expression])?
                } else {
                    expression
                }
            }
            _ => self.word()?,
        };
        self.read.depth -= 1;
        Ok(made)
    }

    /// A word as it stands; a number is one.
    pub(super) fn word(&mut self) -> Result<Expr, Wrong> {
        self.rest_of_word(Vec::new())
    }

    fn rest_of_word(&mut self, mut parts: Vec<Expr>) -> Result<Expr, Wrong> {
        let mut text = String::new();
        while let Some(letter) = self.read.peek() {
            match letter {
                '`' => {
                    self.read.at += 1;
                    text.extend(self.read.next());
                }
                '$' if self.is_variable() => {
                    parts.extend(taken(&mut text));
                    let piece = self.variable_or_sub()?;
                    parts.push(piece);
                }
                '"' | '\'' => {
                    parts.extend(taken(&mut text));
                    let piece = self.string()?;
                    parts.push(piece);
                }
                letter if is_word(letter) => {
                    self.read.at += 1;
                    text.push(letter);
                }
                _ => break,
            }
        }
        if parts.is_empty() {
            if text.is_empty() {
                let letter = self.read.peek().map_or_else(String::new, String::from);
                return self
                    .read
                    .wrong(format!("Unexpected token '{letter}' in expression or statement."));
            }
            return Ok(super::express::number(&text).unwrap_or_else(|| Expr::Text(text.into())));
        }
        parts.extend(taken(&mut text));
        Ok(Expr::Expand(parts))
    }

    fn redirects(&mut self) -> Result<Vec<Redirect>, Wrong> {
        let mut redirects = Vec::new();
        loop {
            self.read.blanks(false);
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(redirects),
            }
        }
    }

    fn redirect(&mut self) -> Result<Option<Redirect>, Wrong> {
        let stream = match (self.read.peek(), self.read.ahead(1)) {
            (Some('>'), _) => '1',
            (Some(stream @ ('1'..='6' | '*')), Some('>')) => {
                self.read.at += 1;
                stream
            }
            _ => return Ok(None),
        };
        self.read.at += 1;
        let append = self.read.eat('>');
        if self.read.starts("&1") {
            self.read.at += 2;
            return Ok(Some(Redirect { stream, append, target: None }));
        }
        self.read.blanks(false);
        let target = Some(self.argument()?);
        Ok(Some(Redirect { stream, append, target }))
    }
}

/// The text that was collected, if there is any.
pub(super) fn taken(text: &mut String) -> Option<Expr> {
    (!text.is_empty()).then(|| Expr::Text(std::mem::take(text).into()))
}

fn is_word(letter: char) -> bool {
    !letter.is_whitespace()
        && !matches!(letter, ';' | '|' | '&' | '(' | ')' | '{' | '}' | ',' | '\'' | '"' | '>' | '<')
}
