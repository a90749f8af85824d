//! Statements: from characters to [`Code`].

use std::rc::Rc;

use super::ast::{Block, Code, Expr, Loop, Param, Pipeline, Spot, Stage, Statement};
use super::read::{Reader, Wrong};

/// Reads a whole script.
pub(super) fn script(text: &str) -> Result<Code, Wrong> {
    let mut parser = Parser { read: Reader::new(text) };
    let code = parser.code(None)?;
    match parser.read.peek() {
        None => Ok(code),
        Some(letter) => {
            parser.read.wrong(format!("Unexpected token '{letter}' in expression or statement."))
        }
    }
}

/// Reads statements, expressions ([`super::express`]) and commands ([`super::command`]).
pub(super) struct Parser {
    pub(super) read: Reader,
}

impl Parser {
    /// Parameters, if there are any, and statements up to a closing letter or the end.
    fn code(&mut self, until: Option<char>) -> Result<Code, Wrong> {
        let from = self.read.at;
        self.read.separators();
        let mut params = Vec::new();
        while self.read.peek() == Some('[') {
            // `[CmdletBinding()]` before `param`.
            let at = self.read.at;
            self.attribute()?;
            self.read.blanks(true);
            if !(self.read.peek() == Some('[') || self.is_param()) {
                self.read.at = at;
                break;
            }
        }
        if self.is_param() && self.read.keyword("param") {
            self.read.blanks(true);
            params = self.params()?;
        }
        let body = self.statements(until)?;
        Ok(Code { text: self.read.text(from, self.read.at).into(), params, body })
    }

    fn is_param(&mut self) -> bool {
        let at = self.read.at;
        let is = self.read.keyword("param");
        self.read.blanks(true);
        let is = is && self.read.peek() == Some('(');
        self.read.at = at;
        is
    }

    pub(super) fn statements(&mut self, until: Option<char>) -> Result<Block, Wrong> {
        let mut block = Vec::new();
        loop {
            self.read.separators();
            match self.read.peek() {
                None => break,
                letter if letter == until => break,
                Some(')' | '}') => break,
                Some(_) => {
                    let line = self.read.line();
                    block.push(Spot { line, statement: self.statement()? });
                    self.read.blanks(false);
                    // A block needs nothing after it; everything else ends with its line.
                    let ended = matches!(self.read.peek(), None | Some('\n' | ';' | ')' | '}'));
                    if !ended && !block.last().is_some_and(|spot| ends_with_block(&spot.statement))
                    {
                        let letter = self.read.peek().unwrap_or(' ');
                        return self.read.wrong(format!(
                            "Unexpected token '{letter}' in expression or statement."
                        ));
                    }
                }
            }
        }
        Ok(block)
    }

    /// `{ ... }` with statements only.
    pub(super) fn block(&mut self) -> Result<Block, Wrong> {
        self.read.blanks(true);
        self.read.expect('{', "Missing statement block.")?;
        self.read.enter()?;
        let block = self.statements(Some('}'))?;
        self.read.expect('}', "Missing closing '}' in statement block or type definition.")?;
        self.read.depth -= 1;
        Ok(block)
    }

    /// `{ ... }` that may have parameters.
    pub(super) fn code_block(&mut self) -> Result<Code, Wrong> {
        self.read.expect('{', "Missing statement block.")?;
        self.read.enter()?;
        let code = self.code(Some('}'))?;
        self.read.expect('}', "Missing closing '}' in statement block or type definition.")?;
        self.read.depth -= 1;
        Ok(code)
    }

    pub(super) fn statement(&mut self) -> Result<Statement, Wrong> {
        self.read.enter()?;
        let statement = self.any_statement()?;
        self.read.depth -= 1;
        Ok(statement)
    }

    fn any_statement(&mut self) -> Result<Statement, Wrong> {
        if !self.read.peek().is_some_and(char::is_alphabetic) {
            return self.simple();
        }
        if self.read.keyword("if") {
            return self.conditional();
        }
        if self.read.keyword("foreach") {
            return self.for_each();
        }
        if let Some(one) = self.repetition()? {
            return Ok(one);
        }
        if self.read.keyword("switch") {
            return self.switch();
        }
        if self.read.keyword("try") {
            return self.attempt();
        }
        if self.read.keyword("function") || self.read.keyword("filter") {
            return self.function();
        }
        for (word, make) in ENDS {
            if self.read.keyword(word) {
                self.read.blanks(false);
                let bare = matches!(self.read.peek(), None | Some('\n' | ';' | '}' | ')'));
                let value = if bare { None } else { Some(Box::new(self.statement()?)) };
                return Ok(make(value));
            }
        }
        if self.read.keyword("break") {
            return Ok(Statement::Break);
        }
        if self.read.keyword("continue") {
            return Ok(Statement::Continue);
        }
        self.simple()
    }

    /// A pipeline, or an assignment.
    fn simple(&mut self) -> Result<Statement, Wrong> {
        let first = self.stage()?;
        self.read.blanks(false);
        if let Stage::Expr(target, _) = &first
            && let Some(operator) = self.assignment()
        {
            if !is_target(target) {
                return self.read.wrong("The assignment expression is not valid.");
            }
            let Stage::Expr(target, _) = first else { return self.read.wrong("unreachable") };
            self.read.blanks(true);
            return Ok(Statement::Assign(target, operator, Box::new(self.statement()?)));
        }
        let mut stages = vec![first];
        loop {
            self.read.blanks(false);
            if self.read.starts("&&") || self.read.starts("||") {
                let token = self.read.text(self.read.at, self.read.at + 2);
                return self.read.wrong(format!(
                    "The token '{token}' is not a valid statement separator in this version."
                ));
            }
            if !self.read.eat('|') {
                return Ok(Statement::Pipeline(Pipeline { stages }));
            }
            self.read.blanks(true);
            stages.push(self.stage()?);
        }
    }

    /// `=`, `+=` and their like: the letter before `=`.
    fn assignment(&mut self) -> Option<Option<char>> {
        match (self.read.peek()?, self.read.ahead(1)) {
            ('=', next) if next != Some('=') => {
                self.read.at += 1;
                Some(None)
            }
            (letter @ ('+' | '-' | '*' | '/' | '%'), Some('=')) => {
                self.read.at += 2;
                Some(Some(letter))
            }
            _ => None,
        }
    }

    fn in_parens(&mut self) -> Result<Statement, Wrong> {
        self.read.blanks(true);
        self.read.expect('(', "Missing '(' in statement.")?;
        self.read.blanks(true);
        let inside = self.statement()?;
        self.read.blanks(true);
        self.read.expect(')', "Missing closing ')' in expression.")?;
        Ok(inside)
    }

    fn conditional(&mut self) -> Result<Statement, Wrong> {
        let mut arms = vec![(self.in_parens()?, self.block()?)];
        loop {
            let at = self.read.at;
            self.read.blanks(true);
            if self.read.keyword("elseif") {
                arms.push((self.in_parens()?, self.block()?));
            } else if self.read.keyword("else") {
                return Ok(Statement::If(arms, Some(self.block()?)));
            } else {
                self.read.at = at;
                return Ok(Statement::If(arms, None));
            }
        }
    }

    fn for_each(&mut self) -> Result<Statement, Wrong> {
        self.read.blanks(true);
        self.read.expect('(', "Missing '(' after 'foreach'.")?;
        self.read.blanks(true);
        self.read.expect('$', "Missing variable name after foreach.")?;
        let name = self.read.name().to_lowercase();
        self.read.blanks(true);
        if !self.read.keyword("in") {
            return self.read.wrong("Missing 'in' after variable in foreach loop.");
        }
        self.read.blanks(true);
        let over = self.statement()?;
        self.read.blanks(true);
        self.read.expect(')', "Missing closing ')' after expression in 'foreach' loop.")?;
        Ok(Statement::ForEach(name, Box::new(over), self.block()?))
    }

    fn repetition(&mut self) -> Result<Option<Statement>, Wrong> {
        let (mut first, mut step) = (None, None);
        if self.read.keyword("while") {
            let test = Some(Box::new(self.in_parens()?));
            let body = self.block()?;
            let made = Loop { first, test, step, body, until: false, body_first: false };
            return Ok(Some(Statement::Loop(made)));
        }
        if self.read.keyword("do") {
            let body = self.block()?;
            self.read.blanks(true);
            let until = self.read.keyword("until");
            if !until && !self.read.keyword("while") {
                return self.read.wrong("The Do statement is missing its test.");
            }
            let test = Some(Box::new(self.in_parens()?));
            let made = Loop { first, test, step, body, until, body_first: true };
            return Ok(Some(Statement::Loop(made)));
        }
        if !self.read.keyword("for") {
            return Ok(None);
        }
        self.read.blanks(true);
        self.read.expect('(', "Missing '(' after 'for'.")?;
        first = self.part_of_for(';')?;
        let test = self.part_of_for(';')?;
        step = self.part_of_for(')')?;
        let body = self.block()?;
        let made = Loop { first, test, step, body, until: false, body_first: false };
        Ok(Some(Statement::Loop(made)))
    }

    fn part_of_for(&mut self, end: char) -> Result<Option<Box<Statement>>, Wrong> {
        self.read.blanks(true);
        if self.read.eat(end) {
            return Ok(None);
        }
        let part = self.statement()?;
        self.read.blanks(true);
        self.read.expect(end, "Missing ')' in 'for' statement.")?;
        Ok(Some(Box::new(part)))
    }

    fn switch(&mut self) -> Result<Statement, Wrong> {
        self.read.blanks(true);
        let mut options = Vec::new();
        while self.read.eat('-') {
            options.push(self.read.name().to_lowercase());
            self.read.blanks(true);
        }
        let over = Box::new(self.in_parens()?);
        self.read.blanks(true);
        self.read.expect('{', "Missing statement block in switch statement.")?;
        let mut arms = Vec::new();
        loop {
            self.read.separators();
            if self.read.eat('}') {
                return Ok(Statement::Switch(over, options, arms));
            }
            if self.read.peek().is_none() {
                return self.read.wrong("Missing closing '}' in switch statement.");
            }
            let pattern = if self.read.keyword("default") { None } else { Some(self.argument()?) };
            arms.push((pattern, self.block()?));
        }
    }

    fn attempt(&mut self) -> Result<Statement, Wrong> {
        let body = self.block()?;
        let (mut caught, mut finally) = (None, None);
        loop {
            let at = self.read.at;
            self.read.blanks(true);
            if self.read.keyword("catch") {
                self.read.blanks(true);
                while self.read.peek() == Some('[') {
                    self.attribute()?;
                    self.read.blanks(true);
                    self.read.eat(',');
                    self.read.blanks(true);
                }
                let block = self.block()?;
                // Which kind is caught makes no difference here: the first one is it.
                caught.get_or_insert(block);
            } else if self.read.keyword("finally") {
                finally = Some(self.block()?);
            } else {
                self.read.at = at;
                break;
            }
        }
        if caught.is_none() && finally.is_none() {
            return self.read.wrong("The Try statement is missing its Catch or Finally block.");
        }
        Ok(Statement::Try(body, caught, finally))
    }

    fn function(&mut self) -> Result<Statement, Wrong> {
        self.read.blanks(true);
        let from = self.read.at;
        while self.read.peek().is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':'))
        {
            self.read.at += 1;
        }
        let name = self.read.text(from, self.read.at).to_lowercase();
        if name.is_empty() {
            return self.read.wrong("Missing name after 'function' keyword.");
        }
        self.read.blanks(true);
        let given = if self.read.peek() == Some('(') { self.params()? } else { Vec::new() };
        self.read.blanks(true);
        let mut code = self.code_block()?;
        if code.params.is_empty() {
            code.params = given;
        }
        Ok(Statement::Function(name.trim_start_matches("global:").to_owned(), Rc::new(code)))
    }

    /// `( [Parameter(...)] [string] $name = default, ... )`
    fn params(&mut self) -> Result<Vec<Param>, Wrong> {
        self.read.expect('(', "Missing '(' in parameter list.")?;
        let mut params = Vec::new();
        loop {
            self.read.blanks(true);
            if self.read.eat(')') {
                return Ok(params);
            }
            let mut kind = None;
            while self.read.peek() == Some('[') {
                let attribute = self.attribute()?;
                if !attribute.contains('(') {
                    kind = Some(attribute.to_lowercase());
                }
                self.read.blanks(true);
            }
            self.read.expect('$', "Missing ')' in function parameter list.")?;
            let name = self.read.name().to_lowercase();
            self.read.blanks(true);
            let default = if self.read.eat('=') {
                self.read.blanks(true);
                Some(self.expression_without_comma()?)
            } else {
                None
            };
            params.push(Param { name, kind, default });
            self.read.blanks(true);
            self.read.eat(',');
        }
    }

    /// `[ ... ]`, whatever is inside.
    fn attribute(&mut self) -> Result<String, Wrong> {
        let from = self.read.at + 1;
        let mut depth = 0_usize;
        while let Some(letter) = self.read.next() {
            match letter {
                '[' => depth += 1,
                ']' if depth == 1 => return Ok(self.read.text(from, self.read.at - 1)),
                ']' => depth -= 1,
                _ => {}
            }
        }
        self.read.wrong("Missing ']' at end of attribute or type literal.")
    }
}

type Make = fn(Option<Box<Statement>>) -> Statement;
const ENDS: [(&str, Make); 3] =
    [("throw", Statement::Throw), ("return", Statement::Return), ("exit", Statement::Exit)];

fn is_target(target: &Expr) -> bool {
    match target {
        Expr::Variable(_) | Expr::Member(..) | Expr::Index(..) => true,
        Expr::Cast(_, inner) => is_target(inner),
        Expr::Comma(parts) => parts.iter().all(is_target),
        _ => false,
    }
}

fn ends_with_block(statement: &Statement) -> bool {
    !matches!(
        statement,
        Statement::Pipeline(_)
            | Statement::Assign(..)
            | Statement::Throw(_)
            | Statement::Return(_)
            | Statement::Exit(_)
            | Statement::Break
            | Statement::Continue
    )
}
