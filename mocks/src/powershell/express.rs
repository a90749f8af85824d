//! Expressions: operators by rank, what may follow a value, strings with values inside.

use std::rc::Rc;

use super::ast::{Binary, Expr, Unary};
use super::parse::Parser;
use super::read::{DEEPEST, Wrong};

/// Operators with a name, those that bind less tightly first: `-and` and its like, comparisons.
const LOGIC: &[&str] = &["and", "or", "xor"];
const BITS: &[&str] = &["band", "bor", "bxor", "shl", "shr"];
const COMPARE: &[&str] = &[
    "eq",
    "ne",
    "gt",
    "ge",
    "lt",
    "le",
    "like",
    "notlike",
    "match",
    "notmatch",
    "contains",
    "notcontains",
    "in",
    "notin",
    "replace",
    "split",
    "join",
    "is",
    "isnot",
    "as",
];

impl Parser {
    pub(super) fn expression(&mut self) -> Result<Expr, Wrong> {
        self.ranked(0, true)
    }

    /// As a default of a parameter: a comma ends it.
    pub(super) fn expression_without_comma(&mut self) -> Result<Expr, Wrong> {
        self.ranked(0, false)
    }

    /// Operators of this rank and of those that bind tighter.
    fn ranked(&mut self, rank: usize, comma: bool) -> Result<Expr, Wrong> {
        self.read.enter()?;
        let made = if rank > 6 { self.unary(comma) } else { self.binary(rank, comma) };
        self.read.depth -= 1;
        made
    }

    fn binary(&mut self, rank: usize, comma: bool) -> Result<Expr, Wrong> {
        // The levels between are no nesting of the script's.
        self.read.depth -= 1;
        let first = self.ranked(rank + 1, comma);
        self.read.depth += 1;
        let mut left = first?;
        for links in 0.. {
            let at = self.read.at;
            self.read.blanks(false);
            let Some(operator) = self.operator(rank) else {
                self.read.at = at;
                break;
            };
            if links > DEEPEST {
                return self.read.wrong("The expression is too long.");
            }
            self.read.blanks(true);
            let right = self.ranked(rank + 1, comma)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operator(&mut self, rank: usize) -> Option<Binary> {
        let next = self.read.ahead(1);
        let single = |operator| (next != Some('=')).then_some((1, operator));
        let (length, operator) = match (rank, self.read.peek()?) {
            (0, '-') => return self.named(LOGIC),
            (1, '-') => return self.named(BITS),
            (2, '-') => return self.named(COMPARE),
            (3, '+') if next != Some('+') => single(Binary::Add)?,
            (3, '-') if next != Some('-') && !next.is_some_and(char::is_alphabetic) => {
                single(Binary::Sub)?
            }
            (4, '*') => single(Binary::Mul)?,
            (4, '/') => single(Binary::Div)?,
            (4, '%') => single(Binary::Rem)?,
            (5, '-') if matches!(next, Some('f' | 'F')) => {
                let ends = self.read.ahead(2).is_none_or(|c| !c.is_alphanumeric());
                ends.then_some((2, Binary::Format))?
            }
            (6, '.') if next == Some('.') => (2, Binary::Range),
            _ => return None,
        };
        self.read.at += length;
        Some(operator)
    }

    fn named(&mut self, among: &[&str]) -> Option<Binary> {
        let from = self.read.at + 1;
        let mut to = from;
        while self.read.ahead(to - self.read.at).is_some_and(char::is_alphabetic) {
            to += 1;
        }
        let name = self.read.text(from, to).to_lowercase();
        // `-ieq` is `-eq`, `-ceq` minds the case.
        let plain = name.strip_prefix(['c', 'i']).filter(|rest| among.contains(rest));
        let known = among.contains(&name.as_str());
        if !known && plain.is_none() {
            return None;
        }
        self.read.at = to;
        Some(match name.as_str() {
            "and" => Binary::And,
            "or" => Binary::Or,
            "xor" => Binary::Xor,
            _ if !known && name.starts_with('i') => Binary::Named(name[1..].to_owned()),
            _ => Binary::Named(name),
        })
    }

    fn unary(&mut self, comma: bool) -> Result<Expr, Wrong> {
        self.read.enter()?;
        let made = self.any_unary(comma);
        self.read.depth -= 1;
        made
    }

    fn any_unary(&mut self, comma: bool) -> Result<Expr, Wrong> {
        let signs = [
            ("!", Unary::Not),
            ("-not", Unary::Not),
            ("-bnot", Unary::BitNot),
            ("-split", Unary::Split),
            ("-join", Unary::Join),
        ];
        for (sign, operator) in signs {
            if sign == "!" && self.read.eat('!') || sign.len() > 1 && self.read.keyword(sign) {
                self.read.blanks(true);
                return Ok(Expr::Unary(operator, Box::new(self.unary(comma)?)));
            }
        }
        for (sign, by) in [("++", 1), ("--", -1)] {
            if self.read.starts(sign) {
                self.read.at += 2;
                return Ok(Expr::Step(Box::new(self.postfix(true)?), by, false));
            }
        }
        let sign = match self.read.peek() {
            Some('-') => Some(Unary::Minus),
            Some('+') => Some(Unary::Plus),
            Some(',') => Some(Unary::Comma),
            _ => None,
        };
        if let Some(sign) = sign {
            self.read.at += 1;
            self.read.blanks(true);
            return Ok(Expr::Unary(sign, Box::new(self.unary(comma)?)));
        }
        if comma { self.commas() } else { self.cast() }
    }

    fn commas(&mut self) -> Result<Expr, Wrong> {
        let mut parts = vec![self.cast()?];
        loop {
            let at = self.read.at;
            self.read.blanks(false);
            if !self.read.eat(',') {
                self.read.at = at;
                break;
            }
            self.read.blanks(true);
            parts.push(self.cast()?);
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => {
                parts.extend(last);
                Ok(Expr::Comma(parts))
            }
        }
    }

    /// `[int] $x`, `-not` inside a comma list too.
    fn cast(&mut self) -> Result<Expr, Wrong> {
        if self.read.peek() != Some('[') {
            return self.postfix(true);
        }
        self.read.enter()?;
        let at = self.read.at;
        let name = self.type_name()?;
        self.read.blanks(false);
        let operand = match self.read.peek() {
            Some('$' | '(' | '\'' | '"' | '@' | '[' | '{') => true,
            Some(letter) => {
                letter.is_ascii_digit() || (letter == '-' && self.read.ahead(1) != Some('-'))
            }
            None => false,
        };
        // An operator after a type: `-is [string] -and`.
        let named =
            self.read.peek() == Some('-') && self.read.ahead(1).is_some_and(char::is_alphabetic);
        let made = if operand && !named {
            Expr::Cast(name, Box::new(self.unary(false)?))
        } else {
            self.read.at = at;
            self.postfix(true)?
        };
        self.read.depth -= 1;
        Ok(made)
    }

    pub(super) fn type_name(&mut self) -> Result<String, Wrong> {
        self.read.expect('[', "Missing type name after '['.")?;
        let from = self.read.at;
        let mut depth = 1;
        while let Some(letter) = self.read.next() {
            match letter {
                '[' => depth += 1,
                ']' => depth -= 1,
                letter if letter.is_alphanumeric() || matches!(letter, '.' | '_' | ',' | ' ') => {}
                _ => return self.read.wrong("Unable to find type."),
            }
            if depth == 0 {
                let name = self.read.text(from, self.read.at - 1);
                return Ok(name.trim().to_lowercase().trim_start_matches("system.").to_owned());
            }
        }
        self.read.wrong("Missing ']' at end of type literal.")
    }

    /// A value with members, calls and indexes behind it.
    pub(super) fn postfix(&mut self, steps: bool) -> Result<Expr, Wrong> {
        let mut value = self.primary()?;
        for links in 0.. {
            if links > DEEPEST {
                return self.read.wrong("The expression is too long.");
            }
            let next = self.read.ahead(1);
            match self.read.peek() {
                Some('.')
                    if next.is_some_and(|c| {
                        c.is_alphabetic() || matches!(c, '_' | '$' | '(' | '\'' | '"')
                    }) =>
                {
                    self.read.at += 1;
                    let name = self.member()?;
                    value = self.called(value, name)?;
                }
                Some(':') if next == Some(':') => {
                    self.read.at += 2;
                    let name = self.member()?;
                    value = self.called(value, name)?;
                }
                Some('[') => {
                    self.read.at += 1;
                    self.read.blanks(true);
                    let index = self.expression()?;
                    self.read.blanks(true);
                    self.read.expect(']', "Missing ] at end of index expression.")?;
                    value = Expr::Index(Box::new(value), Box::new(index));
                }
                Some('+') if steps && next == Some('+') => {
                    self.read.at += 2;
                    value = Expr::Step(Box::new(value), 1, true);
                }
                Some('-') if steps && next == Some('-') => {
                    self.read.at += 2;
                    value = Expr::Step(Box::new(value), -1, true);
                }
                _ => break,
            }
        }
        Ok(value)
    }

    fn member(&mut self) -> Result<Expr, Wrong> {
        match self.read.peek() {
            Some('$') => self.variable_or_sub(),
            Some('(' | '\'' | '"') => self.primary(),
            _ => {
                let name = self.read.name();
                if name.is_empty() {
                    return self.read.wrong("Missing property name after reference operator.");
                }
                Ok(Expr::Text(name.into()))
            }
        }
    }

    fn called(&mut self, value: Expr, name: Expr) -> Result<Expr, Wrong> {
        if !self.read.eat('(') {
            return Ok(Expr::Member(Box::new(value), Box::new(name)));
        }
        let mut args = Vec::new();
        loop {
            self.read.blanks(true);
            if self.read.eat(')') {
                return Ok(Expr::Call(Box::new(value), Box::new(name), args));
            }
            args.push(self.expression_without_comma()?);
            self.read.blanks(true);
            if !self.read.eat(',') && self.read.peek() != Some(')') {
                return self.read.wrong("Missing ')' in method call.");
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, Wrong> {
        self.read.enter()?;
        let made = self.any_primary();
        self.read.depth -= 1;
        made
    }

    fn any_primary(&mut self) -> Result<Expr, Wrong> {
        let next = self.read.ahead(1);
        match self.read.peek() {
            Some('$') => self.variable_or_sub(),
            Some('\'' | '"') => self.string(),
            Some('@') if matches!(next, Some('\'' | '"')) => self.here_string(),
            Some('@') if next == Some('(') => {
                self.read.at += 2;
                let block = self.statements(Some(')'))?;
                self.read.expect(')', "Missing closing ')' in subexpression.")?;
                Ok(Expr::Array(block))
            }
            Some('@') if next == Some('{') => self.table(false),
            Some('(') => {
                self.read.at += 1;
                self.read.blanks(true);
                let inside = self.statement()?;
                self.read.blanks(true);
                self.read.expect(')', "Missing closing ')' in expression.")?;
                Ok(Expr::Paren(Box::new(inside)))
            }
            Some('{') => Ok(Expr::Code(Rc::new(self.code_block()?))),
            Some('[') => {
                let name = self.type_name()?;
                if name == "ordered" && self.read.starts("@{") {
                    return self.table(true);
                }
                Ok(Expr::Type(name))
            }
            Some(letter) if letter.is_ascii_digit() || letter == '.' => self.digits(),
            Some(letter) => {
                self.read.wrong(format!("Unexpected token '{letter}' in expression or statement."))
            }
            None => self.read.wrong("An expression was expected."),
        }
    }

    fn digits(&mut self) -> Result<Expr, Wrong> {
        let from = self.read.at;
        while let Some(letter) = self.read.peek() {
            let range = letter == '.' && self.read.ahead(1) == Some('.');
            if range || !(letter.is_alphanumeric() || letter == '.') {
                break;
            }
            self.read.at += 1;
        }
        let text = self.read.text(from, self.read.at);
        match number(&text) {
            Some(number) => Ok(number),
            None => self.read.wrong(format!("The numeric constant {text} is not valid.")),
        }
    }

    fn table(&mut self, ordered: bool) -> Result<Expr, Wrong> {
        self.read.at += 2;
        let mut rows = Vec::new();
        loop {
            self.read.separators();
            if self.read.eat('}') {
                return Ok(Expr::Table(rows, ordered));
            }
            let key = match self.read.peek() {
                Some(letter) if letter.is_alphabetic() || letter == '_' => {
                    Expr::Text(self.read.name().into())
                }
                _ => self.postfix(false)?,
            };
            self.read.blanks(true);
            self.read.expect('=', "Missing '=' operator after key in hash literal.")?;
            self.read.blanks(true);
            rows.push((key, self.statement()?));
        }
    }

    /// Whether a dollar sign begins a variable or an expression here.
    pub(super) fn is_variable(&self) -> bool {
        let next = self.read.ahead(1);
        next.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '(' | '{' | '?' | '^' | '$'))
    }

    /// `$name`, `$scope:name`, `${name}`, `$( ... )`.
    pub(super) fn variable_or_sub(&mut self) -> Result<Expr, Wrong> {
        self.read.expect('$', "A variable was expected.")?;
        match self.read.peek() {
            Some('(') => {
                self.read.at += 1;
                self.read.enter()?;
                let block = self.statements(Some(')'))?;
                self.read.expect(')', "Missing closing ')' in subexpression.")?;
                self.read.depth -= 1;
                Ok(Expr::Sub(block))
            }
            Some('{') => {
                let from = self.read.at + 1;
                while self.read.next().is_some_and(|letter| letter != '}') {}
                let name = self.read.text(from, self.read.at.saturating_sub(1));
                Ok(Expr::Variable(name.to_lowercase()))
            }
            Some(letter @ ('?' | '^' | '$')) => {
                self.read.at += 1;
                Ok(Expr::Variable(letter.to_string()))
            }
            _ => {
                let mut name = self.read.name();
                let scoped = self.read.ahead(1).is_some_and(|c| c.is_alphanumeric() || c == '_');
                if self.read.peek() == Some(':') && scoped && !name.is_empty() {
                    self.read.at += 1;
                    name = format!("{name}:{}", self.read.name());
                }
                if name.is_empty() {
                    return self.read.wrong("Variable reference is not valid.");
                }
                Ok(Expr::Variable(name.to_lowercase()))
            }
        }
    }
}

/// `12`, `0x1F`, `1.5`, `10MB`.
pub(super) fn number(text: &str) -> Option<Expr> {
    let lower = text.to_ascii_lowercase();
    let (sign, digits) = match lower.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, lower.as_str()),
    };
    if let Some(hex) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok()?.checked_mul(sign).map(Expr::Int);
    }
    let units = [("kb", 10), ("mb", 20), ("gb", 30), ("tb", 40), ("l", 0)];
    let unit = units.into_iter().find_map(|(unit, by)| Some((digits.strip_suffix(unit)?, by)));
    let (digits, by) = unit.unwrap_or((digits, 0));
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !digits.chars().all(|c| c.is_ascii_digit() || c == '.')
    {
        return None;
    }
    if let Ok(whole) = digits.parse::<i64>() {
        return whole.checked_mul(1 << by)?.checked_mul(sign).map(Expr::Int);
    }
    let real: f64 = digits.parse().ok()?;
    let sign = if sign < 0 { -1.0 } else { 1.0 };
    // Powers of two up to 2^40 are exact.
    Some(Expr::Real(sign * real * 2_f64.powi(by)))
}
