//! What commands print. Data goes to standard output and nothing else does; a reader that went
//! away (`| head`) ends the program quietly.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use serde::Serialize;

use crate::failure::Exit;

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

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table of text: a heading, then rows. It is as wide as the terminal lets it be, and as wide as
/// its content where there is no terminal.
pub(crate) struct TextTable(Table);

impl TextTable {
    /// A table with these columns.
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        let mut table = Table::new();
        table.load_preset(NOTHING);
        if std::io::stdout().is_terminal() {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        table.set_header(columns.iter().map(|(name, _)| Cell::new(name.to_uppercase())));
        for (column, (_, align)) in table.column_iter_mut().zip(columns) {
            column.set_padding((0, 2));
            if *align == Align::Right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self(table)
    }

    /// One more row.
    pub(crate) fn row<T: Display>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.0.add_row(cells.into_iter().map(|cell| printable(&cell.to_string())));
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines, without spaces at their ends.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Prints it.
    pub(crate) fn print(&self) {
        for text in self.lines() {
            line(&text);
        }
    }
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
