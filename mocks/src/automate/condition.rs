//! The `condition` grammar: comparisons of fields with literals, joined by `and` and `or`.
//!
//! Text is in single or double quotes, dates are bare, `not` goes only with `like`, `contains`
//! and `in`. How a quote inside a text is written is nowhere documented, so it is refused.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// Parentheses deeper than this are refused, so that no condition exhausts the stack.
const MAX_DEPTH: usize = 50;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Test(Test),
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Test {
    /// Names from the row down, in lower case.
    pub(super) path: Vec<String>,
    pub(super) operator: Operator,
    /// One value; several for `in`.
    pub(super) values: Vec<Literal>,
}

/// The operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    NotLike,
    Contains,
    NotContains,
    In,
    NotIn,
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    /// The number, and how it was written.
    Number(f64, String),
    Flag(bool),
    Date(DateTime<Utc>),
    Null,
}

impl Expression {
    /// The paths that the condition asks about.
    pub(super) fn paths(&self) -> Vec<&[String]> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::paths).collect(),
            Self::Test(test) => vec![&test.path],
        }
    }
}

/// Reads a condition; the error says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expression = parser.any()?;
    match parser.next() {
        None => Ok(expression),
        Some(token) => Err(format!("{} is not expected", token.shown())),
    }
}

/// A zone-less, zoned or date-only moment; zone-less is UTC.
pub(crate) fn date(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Some(date.with_timezone(&Utc));
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(date) = NaiveDateTime::parse_from_str(text, format) {
            return Some(date.and_utc());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc())
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Symbol(Operator),
    Text(String),
    Word(String),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Open => "'('".into(),
            Self::Close => "')'".into(),
            Self::Comma => "','".into(),
            Self::Symbol(_) => "a second operator".into(),
            Self::Text(text) | Self::Word(text) => format!("'{text}'"),
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some(&(start, c)) = chars.peek() {
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
            '\'' | '"' => {
                chars.next();
                let end =
                    chars.by_ref().find(|(_, other)| *other == c).ok_or("a quote is not closed")?.0;
                tokens.push(Token::Text(text[start + 1..end].to_owned()));
            }
            '=' | '!' | '<' | '>' => {
                let mut symbol = String::new();
                while let Some((_, c)) = chars.next_if(|(_, c)| matches!(c, '=' | '!' | '<' | '>'))
                {
                    symbol.push(c);
                }
                tokens.push(Token::Symbol(symbol_of(&symbol)?));
            }
            _ => {
                let mut word = String::new();
                while let Some((_, c)) = chars.next_if(|(_, c)| is_bare(*c)) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

fn is_bare(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '(' | ')' | ',' | '\'' | '"' | '=' | '!' | '<' | '>')
}

fn symbol_of(symbol: &str) -> Result<Operator, String> {
    Ok(match symbol {
        "=" => Operator::Equal,
        "!=" => Operator::NotEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        other => return Err(format!("'{other}' is not an operator")),
    })
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
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

    fn any(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.all()?];
        while self.next_if_word("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.primary()?];
        while self.next_if_word("and") {
            parts.push(self.primary()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn primary(&mut self) -> Result<Expression, String> {
        match self.next().ok_or("it ends too early")? {
            Token::Open => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(format!("more than {MAX_DEPTH} parentheses in each other"));
                }
                let inner = self.any()?;
                self.depth -= 1;
                match self.next() {
                    Some(Token::Close) => Ok(inner),
                    _ => Err("a parenthesis is not closed".into()),
                }
            }
            Token::Word(name) if is_path(&name) => self.test(&name).map(Expression::Test),
            other => Err(format!("{} is not a field", other.shown())),
        }
    }

    fn test(&mut self, name: &str) -> Result<Test, String> {
        let path = name.split(['.', '/']).map(str::to_ascii_lowercase).collect();
        let operator = self.operator(name)?;
        let values = if matches!(operator, Operator::In | Operator::NotIn) {
            self.list()?
        } else {
            vec![self.literal()?]
        };
        Ok(Test { path, operator, values })
    }

    fn operator(&mut self, name: &str) -> Result<Operator, String> {
        let token = self.next().ok_or_else(|| format!("'{name}' is not compared with anything"))?;
        let (word, negated) = match token {
            Token::Symbol(operator) => return Ok(operator),
            Token::Word(word) if word.eq_ignore_ascii_case("not") => match self.next() {
                Some(Token::Word(word)) => (word, true),
                _ => return Err("'not' goes with like, contains and in".into()),
            },
            Token::Word(word) => (word, false),
            other => return Err(format!("{} is not an operator", other.shown())),
        };
        Ok(match (word.to_ascii_lowercase().as_str(), negated) {
            ("eq", false) => Operator::Equal,
            ("like", false) => Operator::Like,
            ("like", true) => Operator::NotLike,
            ("contains", false) => Operator::Contains,
            ("contains", true) => Operator::NotContains,
            ("in", false) => Operator::In,
            ("in", true) => Operator::NotIn,
            _ => return Err(format!("'{word}' is not an operator")),
        })
    }

    fn list(&mut self) -> Result<Vec<Literal>, String> {
        if self.next() != Some(Token::Open) {
            return Err("'in' needs a list in parentheses".into());
        }
        let mut values = vec![self.literal()?];
        loop {
            match self.next() {
                Some(Token::Comma) => values.push(self.literal()?),
                Some(Token::Close) => return Ok(values),
                _ => return Err("the list of 'in' is not closed".into()),
            }
        }
    }

    fn literal(&mut self) -> Result<Literal, String> {
        match self.next().ok_or("a value is missing")? {
            Token::Text(text) => Ok(Literal::Text(text)),
            Token::Word(word) => {
                // A date with a space before the time comes as two words.
                if let Some(Token::Word(time)) = self.tokens.get(self.at)
                    && let Some(date) = date(&format!("{word} {time}"))
                {
                    self.at += 1;
                    return Ok(Literal::Date(date));
                }
                bare(&word).ok_or_else(|| format!("'{word}' is not a value; quote a text"))
            }
            other => Err(format!("{} is not a value", other.shown())),
        }
    }
}

fn bare(word: &str) -> Option<Literal> {
    if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") {
        return Some(Literal::Flag(word.eq_ignore_ascii_case("true")));
    }
    if word.eq_ignore_ascii_case("null") {
        return Some(Literal::Null);
    }
    let numeric = word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    if numeric && let Ok(number) = word.parse::<f64>() {
        return Some(Literal::Number(number, word.to_owned()));
    }
    date(word).map(Literal::Date)
}

fn is_path(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/'))
        && !["and", "or", "not"].iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}
