//! Many rows as one: the database writes them behind one another into a single text.
//!
//! A row that comes by itself costs a message between two threads (SQLite's own and ours) and a
//! copy of every column's description, which together is several times what reading it costs. Of
//! hundreds of thousands of small rows that was the greatest part of a sync.
//!
//! Each field is its length in bytes, a colon and its text; a null is a dash.

use std::fmt::Write as _;

use sqlx::{AnyConnection, AssertSqlSafe};

use crate::error::{Error, Result};
use crate::open::{Backend, Store};
use crate::sql::{Argument, Columns, Select};

/// The rows of a statement.
pub(crate) struct Packed {
    text: String,
    /// Where each field is; a null ends before it begins.
    fields: Vec<(usize, usize)>,
    columns: usize,
}

/// One of them.
pub(crate) struct PackedRow<'a> {
    text: &'a str,
    fields: &'a [(usize, usize)],
}

const NULL: (usize, usize) = (1, 0);

impl Store {
    /// The rows of a statement of so many columns, in its order.
    pub(crate) async fn packed(
        &self,
        on: &mut AnyConnection,
        columns: usize,
        select: Select,
    ) -> Result<Packed> {
        let (text, arguments) = select.finish(self.backend());
        let text = wrap(self.backend(), columns, &text);
        let query = arguments.into_iter().fold(sqlx::query(AssertSqlSafe(text)), Argument::bind);
        let row = query.fetch_one(on).await?;
        Packed::parse(row.opt_text(0)?.unwrap_or_default(), columns)
    }
}

/// The statement that gives the rows of another as one text.
fn wrap(backend: Backend, columns: usize, text: &str) -> String {
    let mut names = String::new();
    let mut fields = String::new();
    for column in 1..=columns {
        let between = if column == 1 { ("", "") } else { (", ", " || ") };
        // Writing to a string cannot fail.
        write!(names, "{}c{column}", between.0).unwrap_or_default();
        let field = format!("cast(c{column} as text)");
        write!(fields, "{}coalesce(octet_length({field}) || ':' || {field}, '-')", between.1)
            .unwrap_or_default();
    }
    let join = match backend {
        Backend::Sqlite => "group_concat",
        Backend::Postgres => "string_agg",
    };
    format!("with packed({names}) as ({text}) select {join}({fields}, '') from packed")
}

impl Packed {
    fn parse(text: String, columns: usize) -> Result<Self> {
        let mut fields = Vec::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('-') {
                fields.push(NULL);
                rest = after;
                continue;
            }
            let (length, after) = rest.split_once(':').ok_or_else(broken)?;
            let length: usize = length.parse().map_err(|_| broken())?;
            let start = text.len() - after.len();
            fields.push((start, start + length));
            rest = after.get(length..).ok_or_else(broken)?;
        }
        if fields.len() % columns != 0 {
            return Err(broken());
        }
        Ok(Self { text, fields, columns })
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = PackedRow<'_>> {
        self.fields.chunks(self.columns).map(|fields| PackedRow { text: &self.text, fields })
    }
}

/// What the database answered is not what was asked for.
pub(crate) fn broken() -> Error {
    Error::corrupt("an answer of the database")
}

impl<'a> PackedRow<'a> {
    /// A field as it stands in the answer.
    pub(crate) fn str(&self, at: usize) -> Result<&'a str> {
        self.field(at)?.ok_or_else(broken)
    }

    fn field(&self, at: usize) -> Result<Option<&'a str>> {
        let (start, end) = *self.fields.get(at).ok_or_else(broken)?;
        if end < start {
            return Ok(None);
        }
        self.text.get(start..end).map(Some).ok_or_else(broken)
    }
}

impl Columns for PackedRow<'_> {
    fn text(&self, at: usize) -> Result<String> {
        Ok(self.str(at)?.to_owned())
    }

    fn opt_text(&self, at: usize) -> Result<Option<String>> {
        Ok(self.field(at)?.map(str::to_owned))
    }

    fn int(&self, at: usize) -> Result<i64> {
        self.str(at)?.parse().map_err(|_| broken())
    }

    fn opt_int(&self, at: usize) -> Result<Option<i64>> {
        self.field(at)?.map(|text| text.parse().map_err(|_| broken())).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_hold_anything() {
        let packed = Packed::parse("3:a:-0:-2:é1:7".to_owned(), 5).unwrap();
        let rows: Vec<_> = packed.rows().collect();
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!(row.text(0).unwrap(), "a:-");
        assert_eq!(row.opt_text(1).unwrap().as_deref(), Some(""));
        assert_eq!(row.opt_text(2).unwrap(), None);
        assert_eq!(row.str(3).unwrap(), "é");
        assert_eq!(row.int(4).unwrap(), 7);
    }

    #[test]
    fn nothing_is_no_row_and_a_torn_answer_is_an_error() {
        assert_eq!(Packed::parse(String::new(), 3).unwrap().rows().count(), 0);
        for torn in ["3:ab", "x:ab", "12", "1:a", "2:é-", "1:é-"] {
            let parsed = Packed::parse(torn.to_owned(), 2);
            let read =
                parsed.and_then(|packed| packed.rows().try_for_each(|row| row.str(0).map(drop)));
            assert!(read.is_err() || torn == "2:é-", "{torn}");
        }
    }
}
