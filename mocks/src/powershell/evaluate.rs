//! Expressions, as they are worked out.

use std::rc::Rc;

use super::ast::{Expr, Unary};
use super::joint::Out;
use super::run::{LONGEST, Outcome, Run, fail};
use super::value::Value;

impl Run<'_> {
    pub(super) fn express(&mut self, expression: &Expr) -> Outcome<Value> {
        self.enter()?;
        let value = self.any_expression(expression);
        self.leave();
        value
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each expression")]
    fn any_expression(&mut self, expression: &Expr) -> Outcome<Value> {
        match expression {
            Expr::Int(number) => Ok(Value::Int(*number)),
            Expr::Real(number) => Ok(Value::Real(*number)),
            Expr::Text(text) => Ok(Value::Text(Rc::clone(text))),
            Expr::Expand(parts) => self.expand(parts),
            Expr::Variable(name) => Ok(self.read_variable(name)),
            Expr::Comma(parts) => {
                let items: Outcome<Vec<Value>> =
                    parts.iter().map(|part| self.express(part)).collect();
                Ok(Value::list(items?))
            }
            Expr::Array(block) => {
                let mut out = Out::default();
                self.block(block, &mut out)?;
                Ok(Value::list(out.take()))
            }
            Expr::Sub(block) => {
                let mut out = Out::default();
                self.block(block, &mut out)?;
                Ok(Value::collected(out.take()))
            }
            Expr::Paren(statement) => {
                // An assignment in parentheses gives what it assigned.
                if let super::ast::Statement::Assign(target, ..) = &**statement {
                    self.value_of(statement)?;
                    return self.express(target);
                }
                if let super::ast::Statement::Pipeline(pipeline) = &**statement
                    && let [super::ast::Stage::Expr(Expr::Step(..), _)] = pipeline.stages.as_slice()
                {
                    return self.value_of(statement);
                }
                self.value_of(statement)
            }
            Expr::Table(rows, ordered) => {
                let mut fields: Vec<(Rc<str>, Value)> = Vec::new();
                for (key, value) in rows {
                    let key = self.express(key)?.show();
                    let value = self.value_of(value)?;
                    fields.push((key.as_str().into(), value));
                }
                let kind = if *ordered { "ordered" } else { "hashtable" };
                Ok(Value::object(kind, fields))
            }
            Expr::Code(code) => Ok(Value::Code(Rc::clone(code))),
            Expr::Type(name) => Ok(Value::text(name).into_type()),
            Expr::Cast(kind, inner) => {
                let value = self.express(inner)?;
                self.cast(kind, value)
            }
            Expr::Unary(operator, inner) => self.unary(*operator, inner),
            Expr::Binary(operator, left, right) => self.binary(operator, left, right),
            Expr::Member(object, name) => {
                let object = self.express(object)?;
                let name = self.express(name)?.show();
                self.member(&object, &name)
            }
            Expr::Call(object, name, args) => self.method_call(object, name, args),
            Expr::Index(object, index) => {
                let object = self.express(object)?;
                let index = self.express(index)?;
                Ok(indexed(&object, &index))
            }
            Expr::Step(target, by, after) => self.step_by(target, *by, *after),
        }
    }

    fn expand(&mut self, parts: &[Expr]) -> Outcome<Value> {
        let mut text = String::new();
        for part in parts {
            let value = self.express(part)?;
            if super::run::weight(&value, LONGEST) + text.len() > LONGEST {
                return fail("", "Exception of type 'System.OutOfMemoryException' was thrown.");
            }
            text.push_str(&value.show());
        }
        Ok(Value::text(text))
    }

    fn read_variable(&mut self, name: &str) -> Value {
        match name {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            "?" => Value::Bool(self.ok),
            "_" | "psitem" => self.variable("_").cloned().unwrap_or(Value::Null),
            "pid" => Value::Int(i64::from(self.sim.pid())),
            "error" => Value::List(Rc::clone(&self.errors)),
            "myinvocation" => {
                let path = self.variable("pscommandpath").cloned().unwrap_or(Value::Null);
                let own = Value::of(
                    "ScriptInfo",
                    vec![("Path", path), ("Definition", Value::text(&self.file))],
                );
                Value::of("InvocationInfo", vec![("MyCommand", own)])
            }
            "host" | "psversiontable" => Value::of(
                "hashtable",
                vec![
                    (
                        "PSVersion",
                        Value::text("5.1.22621.4391")
                            .as_version()
                            .map_or(Value::Null, Value::Version),
                    ),
                    ("PSEdition", Value::text("Desktop")),
                ],
            ),
            _ => {
                if let Some(value) = self.variable(name) {
                    return value.clone();
                }
                match name.split_once(':') {
                    Some(("env", name)) => self.environment(name).map_or(Value::Null, Value::text),
                    _ => Value::Null,
                }
            }
        }
    }

    /// A variable of the environment, as the agent's own account has it.
    pub(super) fn environment(&self, name: &str) -> Option<String> {
        self.sim.environment(name)
    }

    fn unary(&mut self, operator: Unary, inner: &Expr) -> Outcome<Value> {
        let value = self.express(inner)?;
        match operator {
            Unary::Not => Ok(Value::Bool(!value.truth())),
            Unary::Minus => self.arithmetic('-', Value::Int(0), value),
            Unary::Plus => self.arithmetic('+', Value::Int(0), value),
            Unary::BitNot => match value.as_int() {
                Some(number) => Ok(Value::Int(!number)),
                None => fail("", "Cannot convert value to type \"System.Int64\"."),
            },
            Unary::Comma => Ok(Value::list(vec![value])),
            Unary::Join => Ok(Value::text(super::operators::join(&value, "")?)),
            Unary::Split => {
                let text = value.show();
                Ok(Value::list(text.split_whitespace().map(Value::text).collect()))
            }
        }
    }

    fn step_by(&mut self, target: &Expr, by: i64, after: bool) -> Outcome<Value> {
        let before = self.express(target)?;
        let new = self.arithmetic('+', before.clone(), Value::Int(by))?;
        self.assign(target, None, new.clone())?;
        Ok(if after { before } else { new })
    }
}

impl Value {
    fn into_type(self) -> Self {
        match self {
            Self::Text(name) => Self::Type(name),
            other => other,
        }
    }
}

fn indexed(object: &Value, index: &Value) -> Value {
    if let Value::List(places) = index {
        return Value::list(places.items().iter().map(|place| indexed(object, place)).collect());
    }
    match object {
        Value::List(list) => super::operators::place(index, list.items().len())
            .and_then(|at| list.items().get(at).cloned())
            .unwrap_or(Value::Null),
        Value::Bytes(bytes) => super::operators::place(index, bytes.borrow().len())
            .and_then(|at| bytes.borrow().get(at).copied())
            .map_or(Value::Null, |byte| Value::Int(i64::from(byte))),
        Value::Text(text) => {
            let letters: Vec<char> = text.chars().collect();
            let at = super::operators::place(index, letters.len());
            at.and_then(|at| letters.get(at)).map_or(Value::Null, |c| Value::text(c.to_string()))
        }
        Value::Object(object) => match object.get(&index.show()) {
            Some(value) => value,
            None if index.as_int() == Some(0) && !object.is_table() => {
                Value::Object(Rc::clone(object))
            }
            None => Value::Null,
        },
        Value::Null => Value::Null,
        other if index.as_int() == Some(0) || index.as_int() == Some(-1) => other.clone(),
        _ => Value::Null,
    }
}
