//! The grammar of `$filter` and `$search`, as far as clients use it.

use serde_json::Value;

use super::{Expr, Op, TextTest};

/// Reads a filter; `None` on a syntax error.
pub(super) fn filter(text: &str) -> Option<Expr> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expr = parser.either()?;
    (parser.at == parser.tokens.len()).then_some(expr)
}

/// Reads a search: quoted clauses joined by AND and OR.
pub(super) fn search(text: &str) -> Option<Expr> {
    let mut found: Option<Expr> = None;
    let mut rest = text.trim();
    let mut both = true;
    while !rest.is_empty() {
        let body = rest.strip_prefix('"')?;
        let (clause, after) = body.split_once('"')?;
        let (name, term) = clause.split_once(':')?;
        let test = Expr::Text(TextTest::Contains, name.trim().into(), term.trim().into());
        found = Some(match found {
            None => test,
            Some(before) if both => Expr::And(Box::new(before), Box::new(test)),
            Some(before) => Expr::Or(Box::new(before), Box::new(test)),
        });
        rest = after.trim_start();
        both = !rest.starts_with("OR ");
        rest = rest.strip_prefix("OR ").or_else(|| rest.strip_prefix("AND ")).unwrap_or(rest);
        rest = rest.trim_start();
    }
    found
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Colon,
    Quoted(String),
    Word(String),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            '\'' => {
                let mut quoted = String::new();
                loop {
                    match chars.next()? {
                        '\'' if chars.peek() == Some(&'\'') => {
                            chars.next();
                            quoted.push('\'');
                        }
                        '\'' => break,
                        other => quoted.push(other),
                    }
                }
                tokens.push(Token::Quoted(quoted));
            }
            // The colon of a lambda stands after a bare name; those of an instant after digits.
            ':' => tokens.push(Token::Colon),
            first => {
                let mut word = String::from(first);
                while let Some(next) = chars.peek().copied() {
                    let instant = next == ':' && word.starts_with(|c: char| c.is_ascii_digit());
                    if next.is_whitespace() || "(),'".contains(next) || (next == ':' && !instant) {
                        break;
                    }
                    word.push(next);
                    chars.next();
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Some(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, token: &Token) -> Option<()> {
        (self.next()? == *token).then_some(())
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Option<Expr> {
        let mut left = self.both()?;
        while self.keyword("or") {
            left = Expr::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Expr> {
        let mut left = self.single()?;
        while self.keyword("and") {
            left = Expr::And(Box::new(left), Box::new(self.single()?));
        }
        Some(left)
    }

    fn single(&mut self) -> Option<Expr> {
        self.depth += 1;
        let expr = if self.depth > 50 { None } else { self.term() };
        self.depth -= 1;
        expr
    }

    fn term(&mut self) -> Option<Expr> {
        if self.keyword("not") {
            return Some(Expr::Not(Box::new(self.single()?)));
        }
        match self.next()? {
            Token::Open => {
                let inner = self.either()?;
                self.take(&Token::Close)?;
                Some(inner)
            }
            Token::Word(word) if self.tokens.get(self.at) == Some(&Token::Open) => {
                self.at += 1;
                self.call(&word)
            }
            Token::Word(path) => self.comparison(path),
            _ => None,
        }
    }

    fn call(&mut self, name: &str) -> Option<Expr> {
        if let Some(path) = strip_suffix_any_case(name, "/any") {
            return self.lambda(path);
        }
        let test = match name.to_ascii_lowercase().as_str() {
            "startswith" => TextTest::Starts,
            "endswith" => TextTest::Ends,
            "contains" => TextTest::Contains,
            _ => return None,
        };
        let Token::Word(path) = self.next()? else { return None };
        self.take(&Token::Comma)?;
        let Token::Quoted(text) = self.next()? else { return None };
        self.take(&Token::Close)?;
        if self.keyword("eq") {
            let wanted = self.literal()?;
            let expr = Expr::Text(test, path, text);
            let yes = wanted == Value::Bool(true);
            return Some(if yes { expr } else { Expr::Not(Box::new(expr)) });
        }
        Some(Expr::Text(test, path, text))
    }

    fn lambda(&mut self, path: &str) -> Option<Expr> {
        if self.tokens.get(self.at) == Some(&Token::Close) {
            self.at += 1;
            return Some(Expr::Any(path.into(), String::new(), None));
        }
        let Token::Word(variable) = self.next()? else { return None };
        self.take(&Token::Colon)?;
        let inner = self.either()?;
        self.take(&Token::Close)?;
        Some(Expr::Any(path.into(), variable, Some(Box::new(inner))))
    }

    fn comparison(&mut self, path: String) -> Option<Expr> {
        let Some(Token::Word(word)) = self.tokens.get(self.at) else {
            return Some(Expr::Truth(path));
        };
        let op = match word.to_ascii_lowercase().as_str() {
            "eq" => Op::Eq,
            "ne" => Op::Ne,
            "gt" => Op::Gt,
            "ge" => Op::Ge,
            "lt" => Op::Lt,
            "le" => Op::Le,
            "in" => {
                self.at += 1;
                return self.list(path);
            }
            "and" | "or" => return Some(Expr::Truth(path)),
            _ => return None,
        };
        self.at += 1;
        Some(Expr::Compare(path, op, self.literal()?))
    }

    fn list(&mut self, path: String) -> Option<Expr> {
        self.take(&Token::Open)?;
        let mut values = vec![self.literal()?];
        loop {
            match self.next()? {
                Token::Comma => values.push(self.literal()?),
                Token::Close => return Some(Expr::In(path, values)),
                _ => return None,
            }
        }
    }

    fn literal(&mut self) -> Option<Value> {
        match self.next()? {
            Token::Quoted(text) => Some(Value::String(text)),
            Token::Word(word) => Some(match word.to_ascii_lowercase().as_str() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => match word.parse::<i64>() {
                    Ok(number) => Value::from(number),
                    // A bare GUID or instant.
                    Err(_) if word.starts_with(|c: char| c.is_ascii_hexdigit()) => {
                        Value::String(word)
                    }
                    Err(_) => return None,
                },
            }),
            _ => None,
        }
    }
}

fn strip_suffix_any_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    let (head, tail) = text.split_at_checked(at)?;
    tail.eq_ignore_ascii_case(suffix).then_some(head)
}
