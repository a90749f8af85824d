//! The filter language of sessions and reports: `SessionType = 'Access' AND NOT IsEnded`.
//!
//! Fields are resolved when a filter is read, so that an unknown one is an error before any
//! session is looked at. Texts are in single quotes, doubled inside, and compared without regard
//! to case; `%` stands for any text after `LIKE`.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use super::fields::Field;

/// Parentheses and `NOT`s deeper than this are refused, so that no filter exhausts the stack.
const MAX_DEPTH: usize = 60;

/// A filter over fields of type `F`.
#[derive(Debug)]
pub(super) enum Filter<F> {
    All(Vec<Filter<F>>),
    Any(Vec<Filter<F>>),
    Not(Box<Filter<F>>),
    /// A field that is true or false by itself.
    Is(F),
    Null(F),
    Like(F, String),
    In(F, Vec<Literal>),
    Compare(F, &'static [Ordering], Literal),
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(f64),
    Flag(bool),
}

/// Reads a filter; the error says what is wrong with it. `resolve` knows the fields.
pub(super) fn parse<F>(
    text: &str,
    resolve: &dyn Fn(&str) -> Option<F>,
) -> Result<Filter<F>, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, resolve };
    let filter = parser.any()?;
    match parser.next() {
        None => Ok(filter),
        Some(token) => Err(format!("Unexpected token: {token:?}")),
    }
}

impl<F> Filter<F> {
    /// Whether something meets the filter; `get` reads its fields.
    pub(super) fn holds(&self, get: &dyn Fn(&F) -> Field) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(get)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(get)),
            Self::Not(part) => !part.holds(get),
            Self::Is(field) => get(field) == Field::Flag(true),
            Self::Null(field) => get(field) == Field::Time(None),
            Self::Like(field, pattern) => match get(field) {
                Field::Text(text) => {
                    crate::automate::matches_pattern(&text.to_lowercase(), pattern)
                }
                _ => false,
            },
            Self::In(field, values) => {
                let value = get(field);
                values.iter().any(|literal| compare(&value, literal) == Some(Ordering::Equal))
            }
            Self::Compare(field, wanted, literal) => {
                compare(&get(field), literal).is_some_and(|order| wanted.contains(&order))
            }
        }
    }
}

fn compare(value: &Field, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Field::Text(a), Literal::Text(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        // Types are stored as numbers and written as names; both are taken.
        (Field::Text(a), Literal::Number(b)) => {
            let a = match a.as_str() {
                "Support" => 0.0,
                "Meeting" => 1.0,
                "Access" => 2.0,
                other => other.parse().ok()?,
            };
            a.partial_cmp(b)
        }
        (Field::Number(a), Literal::Number(b)) => a.partial_cmp(b),
        (Field::Number(a), Literal::Text(b)) => a.partial_cmp(&b.trim().parse().ok()?),
        (Field::Flag(a), Literal::Flag(b)) => Some(a.cmp(b)),
        (Field::Flag(a), Literal::Number(b)) => Some(a.cmp(&(*b != 0.0))),
        (Field::Flag(a), Literal::Text(b)) => {
            Some(a.cmp(&b.to_ascii_lowercase().parse::<bool>().ok()?))
        }
        (Field::Time(a), Literal::Text(b)) => {
            let never = DateTime::<Utc>::MIN_UTC;
            Some(a.unwrap_or(never).cmp(&crate::automate::read_date(b)?))
        }
        _ => None,
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Symbol(String),
    Text(String),
    Word(String),
}

impl Token {
    fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        match c {
            c if c.is_whitespace() => {
                chars.next();
            }
            '(' | ')' | ',' => {
                chars.next();
                tokens.push(match c {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    _ => Token::Comma,
                });
            }
            '\'' => {
                chars.next();
                tokens.push(Token::Text(quoted(&mut chars)?));
            }
            '=' | '<' | '>' | '!' => {
                let mut symbol = String::new();
                while let Some(c) = chars.next_if(|c| matches!(c, '=' | '<' | '>' | '!')) {
                    symbol.push(c);
                }
                tokens.push(Token::Symbol(symbol));
            }
            c if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') => {
                let mut word = String::new();
                while let Some(c) =
                    chars.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
                {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            other => return Err(format!("Unexpected character: {other}")),
        }
    }
    Ok(tokens)
}

/// The rest of a text after its first quote; a doubled quote is one.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            None => return Err("Unterminated string literal".into()),
            Some('\'') if chars.next_if_eq(&'\'').is_some() => text.push('\''),
            Some('\'') => return Ok(text),
            Some(c) => text.push(c),
        }
    }
}

struct Parser<'r, F> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    resolve: &'r dyn Fn(&str) -> Option<F>,
}

impl<F> Parser<'_, F> {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn next_if_word(&mut self, word: &str) -> bool {
        let there = self.tokens.get(self.at).is_some_and(|token| token.is_word(word));
        self.at += usize::from(there);
        there
    }

    fn any(&mut self) -> Result<Filter<F>, String> {
        let mut parts = vec![self.all()?];
        while self.next_if_word("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn all(&mut self) -> Result<Filter<F>, String> {
        let mut parts = vec![self.unary()?];
        while self.next_if_word("and") {
            parts.push(self.unary()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn unary(&mut self) -> Result<Filter<F>, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("Expression is nested too deeply".into());
        }
        let filter = if self.next_if_word("not") {
            Filter::Not(Box::new(self.unary()?))
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn primary(&mut self) -> Result<Filter<F>, String> {
        match self.next() {
            Some(Token::Open) => {
                let inner = self.any()?;
                match self.next() {
                    Some(Token::Close) => Ok(inner),
                    _ => Err("Expected: )".into()),
                }
            }
            Some(Token::Word(name)) => {
                let field =
                    (self.resolve)(&name).ok_or_else(|| format!("Unknown variable: {name}"))?;
                self.test(field)
            }
            Some(other) => Err(format!("Unexpected token: {other:?}")),
            None => Err("Unexpected end of expression".into()),
        }
    }

    fn test(&mut self, field: F) -> Result<Filter<F>, String> {
        if self.next_if_word("is") {
            let negated = self.next_if_word("not");
            if !self.next_if_word("null") {
                return Err("Expected: NULL".into());
            }
            return Ok(negate(Filter::Null(field), negated));
        }
        // `NOT` after a field belongs to the LIKE or IN behind it.
        let negated = self.next_if_word("not");
        if self.next_if_word("like") {
            return match self.next() {
                Some(Token::Text(pattern)) => {
                    Ok(negate(Filter::Like(field, pattern.to_lowercase()), negated))
                }
                _ => Err("Expected: a string after LIKE".into()),
            };
        }
        if self.next_if_word("in") {
            return Ok(negate(Filter::In(field, self.list()?), negated));
        }
        if negated {
            return Err("Expected: LIKE or IN after NOT".into());
        }
        let Some(Token::Symbol(symbol)) = self.tokens.get(self.at).cloned() else {
            return Ok(Filter::Is(field));
        };
        self.at += 1;
        let literal = self.literal()?;
        let wanted: &'static [Ordering] = match symbol.as_str() {
            "=" => &[Ordering::Equal],
            "<>" | "!=" => &[Ordering::Less, Ordering::Greater],
            "<" => &[Ordering::Less],
            "<=" => &[Ordering::Less, Ordering::Equal],
            ">" => &[Ordering::Greater],
            ">=" => &[Ordering::Greater, Ordering::Equal],
            other => return Err(format!("Unknown operator: {other}")),
        };
        Ok(Filter::Compare(field, wanted, literal))
    }

    fn list(&mut self) -> Result<Vec<Literal>, String> {
        if self.next() != Some(Token::Open) {
            return Err("Expected: (".into());
        }
        let mut values = vec![self.literal()?];
        loop {
            match self.next() {
                Some(Token::Comma) => values.push(self.literal()?),
                Some(Token::Close) => return Ok(values),
                _ => return Err("Expected: )".into()),
            }
        }
    }

    fn literal(&mut self) -> Result<Literal, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Ok(Literal::Flag(true)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => {
                Ok(Literal::Flag(false))
            }
            Some(Token::Word(word)) => {
                word.parse().map(Literal::Number).map_err(|_| format!("Unknown variable: {word}"))
            }
            Some(other) => Err(format!("Unexpected token: {other:?}")),
            None => Err("Unexpected end of expression".into()),
        }
    }
}

fn negate<F>(filter: Filter<F>, negated: bool) -> Filter<F> {
    if negated { Filter::Not(Box::new(filter)) } else { filter }
}
