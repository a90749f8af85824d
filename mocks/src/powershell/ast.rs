//! What a script consists of, once it is read.

use std::rc::Rc;

/// A script, a function or a script block: its parameters and its statements.
#[derive(Debug)]
pub(super) struct Code {
    /// As it was written.
    pub(super) text: Rc<str>,
    pub(super) params: Vec<Param>,
    pub(super) body: Block,
}

/// Statements, one after the other.
pub(super) type Block = Vec<Spot>;

/// A statement, and the line that it begins in.
#[derive(Debug)]
pub(super) struct Spot {
    pub(super) line: u32,
    pub(super) statement: Statement,
}

/// A declared parameter.
#[derive(Debug)]
pub(super) struct Param {
    pub(super) name: String,
    pub(super) kind: Option<String>,
    pub(super) default: Option<Expr>,
}

impl Param {
    pub(super) fn is_switch(&self) -> bool {
        self.kind.as_deref() == Some("switch")
    }
}

#[derive(Debug)]
pub(super) enum Statement {
    Pipeline(Pipeline),
    /// `target = value`; the operator before `=`, if there is one.
    Assign(Expr, Option<char>, Box<Self>),
    If(Vec<(Self, Block)>, Option<Block>),
    Loop(Loop),
    ForEach(String, Box<Self>, Block),
    /// What is looked at, options in lower case, cases.
    Switch(Box<Self>, Vec<String>, Vec<(Option<Expr>, Block)>),
    Try(Block, Option<Block>, Option<Block>),
    Throw(Option<Box<Self>>),
    Return(Option<Box<Self>>),
    Exit(Option<Box<Self>>),
    Break,
    Continue,
    Function(String, Rc<Code>),
}

/// `while`, `do` and `for`.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) first: Option<Box<Statement>>,
    /// None is for ever.
    pub(super) test: Option<Box<Statement>>,
    pub(super) step: Option<Box<Statement>>,
    pub(super) body: Block,
    /// Ends when the test holds, and not when it fails.
    pub(super) until: bool,
    /// The body comes before the first test.
    pub(super) body_first: bool,
}

#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) stages: Vec<Stage>,
}

#[derive(Debug)]
pub(super) enum Stage {
    Expr(Expr, Vec<Redirect>),
    Command(Command),
}

#[derive(Debug)]
pub(super) struct Command {
    pub(super) name: Expr,
    /// `.` stands before it, and not `&`: it runs in the scope that is there.
    pub(super) dot: bool,
    pub(super) args: Vec<Argument>,
    pub(super) redirects: Vec<Redirect>,
}

#[derive(Debug)]
pub(super) enum Argument {
    /// `-Name`, with what is attached to it by a colon.
    Name(String, Option<Expr>),
    Value(Expr),
    /// `@variable`.
    Splat(String),
}

/// `2>$null`, `> file`, `2>&1`.
#[derive(Debug)]
pub(super) struct Redirect {
    /// `1`, `2`, `*`...
    pub(super) stream: char,
    pub(super) append: bool,
    /// None is `&1`.
    pub(super) target: Option<Expr>,
}

#[derive(Debug)]
pub(super) enum Expr {
    Int(i64),
    Real(f64),
    Text(Rc<str>),
    /// A string with parts that are worked out.
    Expand(Vec<Self>),
    Variable(String),
    Comma(Vec<Self>),
    /// `@( ... )`
    Array(Block),
    /// `$( ... )`
    Sub(Block),
    /// `( ... )`
    Paren(Box<Statement>),
    Table(Vec<(Self, Statement)>, bool),
    Code(Rc<Code>),
    Type(String),
    Cast(String, Box<Self>),
    Unary(Unary, Box<Self>),
    Binary(Binary, Box<Self>, Box<Self>),
    Member(Box<Self>, Box<Self>),
    Call(Box<Self>, Box<Self>, Vec<Self>),
    Index(Box<Self>, Box<Self>),
    /// `++` and `--`: by how much, and whether the value before it is meant.
    Step(Box<Self>, i64, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Not,
    BitNot,
    Minus,
    Plus,
    Comma,
    Split,
    Join,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Range,
    Format,
    And,
    Or,
    Xor,
    /// A comparison or another operator with a name: `eq`, `clike`, `notmatch`...
    Named(String),
}
