//! What commands print. Data goes to standard output and nothing else does; a reader that went
//! away (`| head`) ends the program quietly.

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::failure::Exit;

pub(crate) mod fit;
mod table;

pub(crate) use table::{Align, TextTable};

/// A line of data.
pub(crate) fn line(text: &str) {
    if writeln!(std::io::stdout().lock(), "{text}").is_err() {
        std::process::exit(i32::from(Exit::Ok.code()));
    }
}

/// A line for people, on standard error.
pub(crate) fn error_line(text: &str) {
    // Where nobody listens any more, there is nobody to tell.
    writeln!(std::io::stderr().lock(), "{text}").unwrap_or_default();
}

/// One JSON value on a line of its own. Called once it is an object, called often it is NDJSON.
pub(crate) fn json<T: Serialize>(value: &T) {
    match serde_json::to_string(value) {
        Ok(text) => line(&text),
        Err(error) => error_line(&format!("error: an answer cannot be written as JSON: {error}")),
    }
}

/// One JSON value over several lines, for documents that people read too.
pub(crate) fn pretty_json<T: Serialize>(value: &T) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(&text),
        Err(error) => error_line(&format!("error: an answer cannot be written as JSON: {error}")),
    }
}

/// Whether standard error is a terminal, on which progress may be drawn.
pub(crate) fn draws_progress() -> bool {
    std::io::stderr().is_terminal()
}

/// Vendors' texts may hold anything; a terminal must not obey it.
pub(crate) use core_toml::printable;

/// A count with a space between the thousands: `12 345`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
