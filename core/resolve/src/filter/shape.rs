//! How a filter is joined of parts by and, or and not: each part then runs for itself, once for each distinct set of
//! the values that it reads, and they are as many as their sum, not their product.

use std::collections::BTreeSet;
use std::sync::Arc;

use cel::IdedExpr;
use cel::common::ast::{Expr, operators};

use super::Root;
use crate::set::Truth;

/// What parts, by their places, are joined to. What is not known stays so unless another part decides alone, as CEL
/// has it of errors.
pub(super) enum Shape {
    Part(usize),
    Not(Box<Shape>),
    And(Vec<Shape>),
    Or(Vec<Shape>),
}

impl Shape {
    /// Takes an expression apart.
    pub(super) fn of(expression: &IdedExpr, parts: &mut Vec<IdedExpr>) -> Self {
        let mut all = |args: &[IdedExpr]| args.iter().map(|arg| Self::of(arg, parts)).collect();
        if let Expr::Call(call) = &expression.expr
            && call.target.is_none()
        {
            match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::LOGICAL_AND, args) => return Shape::And(all(args)),
                (operators::LOGICAL_OR, args) => return Shape::Or(all(args)),
                (operators::LOGICAL_NOT, [one]) => {
                    return Shape::Not(Box::new(Self::of(one, parts)));
                }
                _ => {}
            }
        }
        parts.push(expression.clone());
        Shape::Part(parts.len() - 1)
    }

    /// The whole, of what its parts are; a part that no longer matters is not asked.
    pub(super) fn truth(&self, part: &mut impl FnMut(usize) -> Truth) -> Truth {
        match self {
            Shape::Part(at) => part(*at),
            Shape::Not(shape) => shape.truth(part).not(),
            Shape::And(shapes) => joined(shapes, Truth::Out, part),
            Shape::Or(shapes) => joined(shapes, Truth::In, part),
        }
    }
}

/// One that is `decides` decides alone; else it is unknown if one is, else the opposite.
fn joined(shapes: &[Shape], decides: Truth, part: &mut impl FnMut(usize) -> Truth) -> Truth {
    let mut all = decides.not();
    for shape in shapes {
        match shape.truth(part) {
            truth if truth == decides => return decides,
            Truth::Unknown => all = Truth::Unknown,
            _ => {}
        }
    }
    all
}

/// The facts that an expression which may run reads.
pub(super) fn fields_of(expression: &IdedExpr) -> BTreeSet<(Root, Arc<str>)> {
    match &expression.expr {
        Expr::Select(select) => {
            let Expr::Ident(name) = &select.operand.expr else { return BTreeSet::new() };
            let read = Root::named(name).map(|root| (root, select.field.as_str().into()));
            read.into_iter().collect()
        }
        Expr::List(list) => list.elements.iter().flat_map(fields_of).collect(),
        Expr::Call(call) => {
            call.target.as_deref().into_iter().chain(&call.args).flat_map(fields_of).collect()
        }
        _ => BTreeSet::new(),
    }
}
