//! Assignments: to variables, elements and properties.

use std::rc::Rc;

use super::ast::Expr;
use super::run::{LONGEST, Outcome, Run, fail};
use super::value::Value;

impl Run<'_> {
    pub(super) fn assign(
        &mut self,
        target: &Expr,
        operator: Option<char>,
        value: Value,
    ) -> Outcome<()> {
        let value = match operator {
            None => value,
            Some(operator) => {
                let before = self.express(target)?;
                self.arithmetic(operator, before, value)?
            }
        };
        match target {
            Expr::Variable(name) if name == "null" => Ok(()),
            Expr::Variable(name) => self.set(name, value),
            Expr::Cast(kind, inner) => {
                let value = self.cast(kind, value)?;
                self.assign(inner, None, value)
            }
            Expr::Comma(targets) => {
                let mut items = value.items().into_iter();
                for (at, target) in targets.iter().enumerate() {
                    let part = if at + 1 == targets.len() {
                        Value::collected(items.by_ref().collect())
                    } else {
                        items.next().unwrap_or(Value::Null)
                    };
                    self.assign(target, None, part)?;
                }
                Ok(())
            }
            Expr::Member(object, name) if matches!(**object, Expr::Type(_)) => {
                let (kind, name) = (self.express(object)?.show(), self.express(name)?.show());
                super::statics::set(self, &kind, &name, &value)
            }
            Expr::Member(object, name) => {
                let (object, name) = (self.express(object)?, self.express(name)?.show());
                self.put(&object, &name, value)
            }
            Expr::Index(object, index) => {
                let (object, index) = (self.express(object)?, self.express(index)?);
                self.put_at(&object, &index, value)
            }
            _ => fail("", "The assignment expression is not valid."),
        }
    }

    /// Sets an element of an array, or an entry of a table.
    fn put_at(&mut self, object: &Value, index: &Value, value: Value) -> Outcome<()> {
        let outside = || fail("", "Index was outside the bounds of the array.");
        match object {
            Value::List(list) => {
                self.hold(object, &value)?;
                let at = super::operators::place(index, list.items().len());
                match at.and_then(|at| list.change().get_mut(at).map(|there| *there = value)) {
                    Some(()) => Ok(()),
                    None => outside(),
                }
            }
            Value::Bytes(bytes) => {
                let byte = self.cast("byte", value)?.as_int().and_then(|n| u8::try_from(n).ok());
                let at = super::operators::place(index, bytes.borrow().len());
                match (at, byte) {
                    (Some(at), Some(byte)) if at < bytes.borrow().len() => {
                        bytes.borrow_mut()[at] = byte;
                        Ok(())
                    }
                    _ => outside(),
                }
            }
            Value::Object(_) => self.put(object, &index.show(), value),
            Value::Null => fail("", "Cannot index into a null array."),
            other => {
                let kind = other.type_name();
                fail("", format!("Unable to index into an object of type System.{kind}."))
            }
        }
    }

    /// Sets a property of an object, or an entry of a table.
    fn put(&mut self, target: &Value, name: &str, value: Value) -> Outcome<()> {
        match target {
            Value::Object(object) if object.is_table() || object.has(name) => {
                self.hold(target, &value)?;
                object.put(name, value);
                Ok(())
            }
            Value::Thing(thing) if super::things::set(thing, name, &value) => Ok(()),
            _ => fail(
                "",
                format!(
                    "The property '{name}' cannot be found on this object. Verify that the property \
                     exists and can be set."
                ),
            ),
        }
    }

    /// Whether something may be put into a list or a table: what would contain itself may not, and of things
    /// within things there may not be very many.
    pub(super) fn hold(&mut self, holder: &Value, value: &Value) -> Outcome<()> {
        if !matches!(value, Value::List(_) | Value::Object(_)) {
            return Ok(());
        }
        self.held += 1;
        if self.held > MOST_HELD {
            return fail("", "Exception of type 'System.OutOfMemoryException' was thrown.");
        }
        let mut left = LONGEST;
        if holds(value, holder, 0, &mut left) {
            return fail(
                "",
                "A list or table that contains itself is nothing that these machines know.",
            );
        }
        Ok(())
    }
}

/// How often something may be put into what holds others: no chain is longer.
const MOST_HELD: usize = 20_000;

fn holds(value: &Value, wanted: &Value, level: u16, left: &mut usize) -> bool {
    *left = left.saturating_sub(1);
    if *left == 0 || level > 1_000 {
        return true;
    }
    match (value, wanted) {
        (Value::List(one), Value::List(other)) if Rc::ptr_eq(one, other) => return true,
        (Value::Object(one), Value::Object(other)) if Rc::ptr_eq(one, other) => return true,
        _ => {}
    }
    match value {
        Value::List(list) => list.items().iter().any(|item| holds(item, wanted, level + 1, left)),
        Value::Object(object) => {
            object.fields().iter().any(|(_, item)| holds(item, wanted, level + 1, left))
        }
        _ => false,
    }
}
