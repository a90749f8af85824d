//! `MemoryStream`, and the bytes of a file that is open.

use super::members::bytes_of;
use super::run::{LONGEST, Outcome, fail};
use super::value::Value;

/// `MemoryStream`.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) bytes: Vec<u8>,
    pub(super) at: usize,
}

impl Memory {
    pub(super) fn read(&mut self, count: usize) -> Vec<u8> {
        let from = self.at.min(self.bytes.len());
        let to = from.saturating_add(count).min(self.bytes.len());
        self.at = to;
        self.bytes.get(from..to).unwrap_or_default().to_vec()
    }

    pub(super) fn write(&mut self, more: &[u8]) {
        if self.at < self.bytes.len() {
            let over = (self.bytes.len() - self.at).min(more.len());
            self.bytes[self.at..self.at + over].copy_from_slice(&more[..over]);
            self.bytes.extend_from_slice(&more[over..]);
        } else {
            self.bytes.resize(self.at, 0);
            self.bytes.extend_from_slice(more);
        }
        self.at += more.len();
    }

    /// `Seek`: from the beginning, from where it is, or from the end.
    pub(super) fn seek(&mut self, by: i64, from: &str) -> Option<i64> {
        let base = match from.to_ascii_lowercase().as_str() {
            "current" | "1" => self.at,
            "end" | "2" => self.bytes.len(),
            _ => 0,
        };
        let to = i64::try_from(base).ok()?.checked_add(by)?;
        self.at = usize::try_from(to).ok().filter(|to| *to <= LONGEST)?;
        Some(to)
    }

    pub(super) fn property(&self, name: &str) -> Option<Value> {
        Some(match name {
            "length" => Value::count(self.bytes.len()),
            "position" => Value::count(self.at),
            "canread" | "canwrite" | "canseek" => Value::Bool(true),
            _ => return None,
        })
    }

    /// A method of any stream.
    pub(super) fn method(&mut self, name: &str, given: &[Value]) -> Outcome<Option<Value>> {
        let number = |at: usize| given.get(at).and_then(Value::as_int).unwrap_or(0);
        let size = |at: usize| usize::try_from(number(at)).unwrap_or(0);
        Ok(Some(match name {
            "write" => {
                let all = bytes_of(given.first());
                let (from, count) = match given.len() {
                    1 => (0, all.len()),
                    _ => (size(1), size(2)),
                };
                let Some(part) = all.get(from..from.saturating_add(count)) else {
                    return fail(
                        "",
                        "Exception calling \"Write\" with \"3\" argument(s): \"Offset and length were out of bounds for the array or count is greater than the number of elements from index to the end of the source collection.\"",
                    );
                };
                if self.at.saturating_add(part.len()) > LONGEST * 4 {
                    return fail("", "Exception of type 'System.OutOfMemoryException' was thrown.");
                }
                self.write(part);
                Value::Null
            }
            "writebyte" => {
                self.write(&[u8::try_from(number(0)).unwrap_or(0)]);
                Value::Null
            }
            "readbyte" => {
                self.read(1).first().map_or(Value::Int(-1), |byte| Value::Int(i64::from(*byte)))
            }
            "read" => {
                let Some(Value::Bytes(into)) = given.first() else { return Ok(None) };
                let part = self.read(size(2));
                let mut into = into.borrow_mut();
                let from = size(1).min(into.len());
                let count = part.len().min(into.len() - from);
                into[from..from + count].copy_from_slice(&part[..count]);
                Value::count(count)
            }
            "seek" => {
                let from = given.get(1).map(Value::show).unwrap_or_default();
                match self.seek(number(0), &from) {
                    Some(at) => Value::Int(at),
                    None => {
                        return fail(
                            "",
                            "Exception calling \"Seek\" with \"2\" argument(s): \"An attempt was made to move the position before the beginning of the stream.\"",
                        );
                    }
                }
            }
            "setlength" => {
                self.bytes.resize(size(0).min(LONGEST), 0);
                Value::Null
            }
            _ => return Ok(None),
        }))
    }
}
