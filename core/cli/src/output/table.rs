//! Tables of text. As wide as their content where there is room for it; where there is not, columns
//! that may be cut give way; and where that is not enough in a terminal each row
//! becomes a paragraph of its own, in which every value stands behind the name of its column. Nothing
//! is ever broken in the middle of a word by the terminal. Where there is none a row is a line, of a
//! page's width if it can be.

use std::fmt::Display;

use console::truncate_str;

use super::fit::{self, width};
use super::{line, printable};

/// Columns between two columns of text.
const GAP: usize = 2;
/// Between two values of a row that is a paragraph.
const DOT: &str = " · ";
/// How far the second line of such a paragraph is to the right.
const INDENT: usize = 4;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table of text: a heading, then rows.
pub(crate) struct TextTable {
    columns: Vec<(String, Align)>,
    /// Columns that may be cut, and the characters that stay; group by group.
    giving: Vec<Vec<(usize, usize)>>,
    rows: Vec<Vec<String>>,
}

impl TextTable {
    /// A table with these columns.
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        let columns = columns.iter().map(|&(name, align)| (name.to_owned(), align)).collect();
        Self { columns, giving: Vec::new(), rows: Vec::new() }
    }

    /// The same, with columns that may be cut down to so many characters where there is no room, the
    /// widest first: what they say is shown in full elsewhere, and nobody has to type it. Columns of a
    /// second call give way when those of the first cannot any more.
    pub(crate) fn cutting(mut self, least: &[(&str, usize)]) -> Self {
        let place = |name: &str| self.columns.iter().position(|(column, _)| column == name);
        let group = least.iter().filter_map(|&(name, least)| Some((place(name)?, least)));
        self.giving.push(group.collect());
        self
    }

    /// One more row.
    pub(crate) fn row<T: Display>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell.to_string())).collect());
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints it.
    pub(crate) fn print(&self) {
        self.print_indented(0);
    }

    /// Prints it so far to the right.
    pub(crate) fn print_indented(&self, columns: usize) {
        let terminal = fit::columns();
        let room = terminal.unwrap_or(fit::PAGE).saturating_sub(columns);
        for text in self.lines(room, terminal.is_some()) {
            line(&format!("{}{text}", " ".repeat(columns)));
        }
    }

    /// The lines, within so many columns. Where that cannot be, paragraphs or lines that are longer.
    fn lines(&self, room: usize, paragraphs: bool) -> Vec<String> {
        let mut widths = self.widths();
        let used =
            |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        for group in &self.giving {
            while used(&widths) > room {
                let can_give = group.iter().filter(|&&(place, least)| widths[place] > least);
                let widest = can_give.max_by_key(|&&(place, _)| widths[place]);
                let Some(&(widest, _)) = widest else { break };
                widths[widest] -= 1;
            }
        }
        if used(&widths) > room && paragraphs {
            return self.paragraphs(room);
        }
        self.grid(&widths)
    }

    fn widths(&self) -> Vec<usize> {
        let of = |(place, (name, _)): (usize, &(String, Align))| {
            let cells = self.rows.iter().filter_map(|row| row.get(place));
            cells.map(|cell| width(cell)).chain([width(name)]).max().unwrap_or_default()
        };
        self.columns.iter().enumerate().map(of).collect()
    }

    fn grid(&self, widths: &[usize]) -> Vec<String> {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| name.to_uppercase()).collect();
        let mut lines = Vec::with_capacity(self.rows.len() + 1);
        for row in [&names].into_iter().chain(&self.rows) {
            let mut text = String::new();
            for ((cell, (_, align)), &room) in row.iter().zip(&self.columns).zip(widths) {
                let cell = truncate_str(cell, room, "…");
                let blank = " ".repeat(room.saturating_sub(width(&cell)));
                match align {
                    Align::Left => text.extend([&*cell, &blank]),
                    Align::Right => text.extend([&*blank, &cell]),
                }
                text.push_str(&" ".repeat(GAP));
            }
            lines.push(text.trim_end().to_owned());
        }
        lines
    }

    /// A paragraph for each row: the first value, then the others that there are, by name.
    fn paragraphs(&self, room: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for row in &self.rows {
            let mut cells = row.iter().zip(&self.columns);
            let mut text = cells.next().map(|(cell, _)| cell.clone()).unwrap_or_default();
            let named = cells.filter(|(cell, _)| !cell.is_empty());
            for (place, (cell, (name, _))) in named.enumerate() {
                let value = format!("{name} {cell}");
                let lead = if place == 0 { ": " } else { DOT };
                let last = text.lines().last().map_or(0, width);
                // The dot before the next value stands on this line.
                let room = room.saturating_sub(width(DOT.trim_end()));
                if last + width(lead) + width(&value) > room {
                    text.push_str(lead.trim_end());
                    text.push('\n');
                    let pieces = fit::wrap(&" ".repeat(INDENT), INDENT, &value, room);
                    text.push_str(&pieces.join("\n"));
                } else {
                    text.push_str(lead);
                    text.push_str(&value);
                }
            }
            lines.extend(text.lines().map(str::to_owned));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> TextTable {
        let columns = [("name", Align::Left), ("tenant", Align::Left), ("logons", Align::Right)];
        let mut table = TextTable::new(&columns).cutting(&[("tenant", 8)]);
        table.row(["Ana Silva", "Keystone IT Partners, LLC", "7"]);
        table.row(["Müller, Jörg", "", "12"]);
        table
    }

    #[test]
    fn a_table_with_room_is_as_wide_as_its_content() {
        let expected = [
            "NAME          TENANT                     LOGONS",
            "Ana Silva     Keystone IT Partners, LLC       7",
            "Müller, Jörg                                 12",
        ];
        assert_eq!(people().lines(200, true), expected);
        assert_eq!(people().lines(47, true), expected);
    }

    #[test]
    fn without_room_only_what_may_be_cut_is() {
        assert_eq!(
            people().lines(35, true)[1..],
            ["Ana Silva     Keystone IT …       7", "Müller, Jörg                     12"]
        );
    }

    #[test]
    fn in_a_narrow_terminal_each_row_is_a_paragraph_of_whole_words() {
        let lines = people().lines(26, true);
        assert_eq!(
            lines,
            [
                "Ana Silva:",
                "    tenant Keystone IT",
                "    Partners, LLC ·",
                "    logons 7",
                "Müller, Jörg: logons 12"
            ]
        );
        assert!(lines.iter().all(|line| width(line) <= 26));
        assert_eq!(people().lines(26, false).len(), 3, "a line is a row for who searches them");
    }
}
