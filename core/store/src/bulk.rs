//! Statements over many rows.
//!
//! On SQLite the texts of a statement's rows travel as one blob, and a row has only numbers: where each of its texts is
//! in there. A text that is bound by itself is taken from the memory five times and copied three, and given back by
//! another thread; of a first sync that was the greatest part which is not the database's own.

use std::fmt::Write as _;

use core_model::facts::Facts;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::error::Result;
use crate::open::{Backend, Store};
use crate::sql::{Argument, Query, clean};

/// A statement over many rows: `{table}` and the rows of `values {rows}` are filled in, and there are
/// no other parameters than the rows' columns.
pub(crate) struct Bulk {
    pub(crate) text: &'static str,
    /// Columns that differ from row to row. Those that do not come before them, see
    /// [`Store::bulk_of`].
    pub(crate) columns: usize,
}

/// Rows per statement, largest first; any number of rows is a sum of these.
fn sizes(backend: Backend) -> &'static [usize] {
    match backend {
        // It takes 32,766 parameters, and copies each page once per statement.
        Backend::Sqlite => &[1024, 256, 64, 16, 4, 1],
        // Larger ones take more memory and no less time.
        Backend::Postgres => &[256, 64, 16, 4, 1],
    }
}

/// Bytes that a column of many has; more are made room for.
const TEXT: usize = 64;

const ROWS: &str = "values {rows}";
/// What `{or fail}` after `insert` stands for on SQLite. Unless told so, it copies every page before a
/// statement of several rows changes it, to be able to take back the statement and keep the
/// transaction. Nobody here goes on with a transaction after an error.
const OR_FAIL: &str = " or fail";

/// The rows of a statement, as their columns are given one by one.
pub(crate) struct Rows {
    texts: Vec<u8>,
    fields: Vec<Field>,
}

#[derive(Clone, Copy)]
enum Field {
    Int(Option<i64>),
    /// Where it begins, and its bytes.
    Text(Option<(usize, usize)>),
}

/// What a column may be given.
pub(crate) trait Value {
    fn add(&self, rows: &mut Rows);
    /// Adds that there is none.
    fn null(rows: &mut Rows);
}

impl Store {
    /// Runs a statement over many rows; gives the number of rows that it changed.
    pub(crate) async fn bulk<T: Sync>(
        &self,
        on: &mut AnyConnection,
        bulk: (&Bulk, &'static str),
        rows: &[T],
        bind: impl Fn(Rows, &T) -> Rows + Send + Sync,
    ) -> Result<u64> {
        self.bulk_of(on, bulk, &[], rows, bind).await
    }

    /// The same, where every row begins with these columns: they are sent once, not with each row.
    pub(crate) async fn bulk_of<T: Sync>(
        &self,
        on: &mut AnyConnection,
        (bulk, table): (&Bulk, &'static str),
        shared: &[Argument],
        mut rows: &[T],
        bind: impl Fn(Rows, &T) -> Rows + Send + Sync,
    ) -> Result<u64> {
        let mut changed = 0;
        for &size in sizes(self.backend()) {
            while rows.len() >= size {
                let (now, later) = rows.split_at(size);
                rows = later;
                let given = now.iter().fold(Rows::of(size * bulk.columns), &bind);
                let text = self.texts().get(bulk.text, table, size, || {
                    let first = given.fields.get(..bulk.columns).unwrap_or_default();
                    let (or_fail, rows) = match self.backend() {
                        Backend::Sqlite => (OR_FAIL, select(size, shared.len(), first)),
                        Backend::Postgres => ("", values(size, shared.len(), bulk.columns)),
                    };
                    let text = bulk.text.replace("{or fail}", or_fail);
                    text.replace("{table}", table).replace(ROWS, &rows)
                });
                let query = sqlx::query(AssertSqlSafe(text));
                let query = match self.backend() {
                    Backend::Sqlite => given.numbers(query),
                    Backend::Postgres => given.each(query),
                };
                let query = shared.iter().cloned().fold(query, Argument::bind);
                let query = match self.backend() {
                    Backend::Sqlite => query.bind(given.texts),
                    Backend::Postgres => query,
                };
                changed += query.execute(&mut *on).await?.rows_affected();
            }
        }
        Ok(changed)
    }
}

impl Rows {
    fn of(fields: usize) -> Self {
        // Of nothing but empty texts there would be no blob, and what is cut from that is null.
        let mut texts = Vec::with_capacity(fields * TEXT);
        texts.push(0);
        Self { texts, fields: Vec::with_capacity(fields) }
    }

    /// Gives the next column.
    pub(crate) fn bind(mut self, value: impl Value) -> Self {
        value.add(&mut self);
        self
    }

    fn text(&mut self, text: &str) {
        self.fields.push(Field::Text(Some((self.texts.len(), text.len()))));
        self.texts.extend_from_slice(text.as_bytes());
    }

    /// The numbers of all fields, as SQLite's `select` takes them.
    fn numbers(&self, query: Query) -> Query {
        self.fields.iter().fold(query, |query, field| match *field {
            Field::Int(int) => query.bind(int),
            // SQLite counts from one, and takes no blob as long as a number that does not fit.
            Field::Text(place) => {
                query.bind(place.map(|(start, length)| ((start as i64 + 1) << 32) | length as i64))
            }
        })
    }

    /// Each field by itself.
    fn each(&self, query: Query) -> Query {
        self.fields.iter().fold(query, |query, field| match *field {
            Field::Int(int) => query.bind(int),
            Field::Text(place) => query.bind(place.and_then(|(start, length)| {
                let text = self.texts.get(start..start + length)?;
                String::from_utf8(text.to_vec()).ok()
            })),
        })
    }
}

impl Value for Facts {
    fn add(&self, rows: &mut Rows) {
        // JSON has no NUL that would have to be taken out.
        let start = rows.texts.len();
        self.write_json(&mut rows.texts);
        rows.fields.push(Field::Text(Some((start, rows.texts.len() - start))));
    }

    fn null(rows: &mut Rows) {
        str::null(rows);
    }
}

impl Value for str {
    fn add(&self, rows: &mut Rows) {
        rows.text(&clean(self));
    }

    fn null(rows: &mut Rows) {
        rows.fields.push(Field::Text(None));
    }
}

impl Value for String {
    fn add(&self, rows: &mut Rows) {
        self.as_str().add(rows);
    }

    fn null(rows: &mut Rows) {
        str::null(rows);
    }
}

impl Value for i64 {
    fn add(&self, rows: &mut Rows) {
        rows.fields.push(Field::Int(Some(*self)));
    }

    fn null(rows: &mut Rows) {
        rows.fields.push(Field::Int(None));
    }
}

impl<T: Value + ?Sized> Value for &T {
    fn add(&self, rows: &mut Rows) {
        (**self).add(rows);
    }

    fn null(rows: &mut Rows) {
        T::null(rows);
    }
}

impl<T: Value> Value for Option<T> {
    fn add(&self, rows: &mut Rows) {
        match self {
            Some(value) => value.add(rows),
            None => T::null(rows),
        }
    }

    fn null(rows: &mut Rows) {
        T::null(rows);
    }
}

/// The rows as SQLite is told them: columns that all of them share, and columns of their own.
///
/// SQLite looks the name of each named parameter up in a list, once per parameter and execution:
/// with thousands of them that costs more than the rows. Nameless ones cost nothing; sqlx gives them
/// the arguments in order, and one of the name `$n` the argument of that number, so that what is
/// shared comes last: the shared columns, and the texts.
fn select(rows: usize, shared: usize, own: &[Field]) -> String {
    let numbers = rows * own.len();
    let texts = numbers + shared + 1;
    let mut columns: Vec<String> = (1..=shared).map(|one| format!("${}", numbers + one)).collect();
    columns.extend(own.iter().zip(1..).map(|(field, place)| match field {
        Field::Int(_) => format!("p.column{place}"),
        Field::Text(_) => format!(
            "cast(substr(${texts}, p.column{place} >> 32, p.column{place} & 4294967295) as text)"
        ),
    }));
    let columns: Vec<String> = (1..)
        .zip(columns)
        .map(|(place, column): (usize, _)| format!("{column} as column{place}"))
        .collect();
    let row = format!("({})", vec!["?"; own.len()].join(","));
    let rows = vec![row.as_str(); rows].join(", ");
    // Without a condition, what may come after it would be taken for one of a join.
    format!("select {} from (values {rows}) as p where true", columns.join(", "))
}

/// The rows as PostgreSQL is told them.
fn values(rows: usize, shared: usize, columns: usize) -> String {
    let mut text = "values ".to_owned();
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..shared + columns {
            let number = match column.checked_sub(shared) {
                Some(own) => row * columns + own + 1,
                None => rows * columns + column + 1,
            };
            let between = if column == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            write!(text, "{between}${number}").unwrap_or_default();
        }
        text.push(')');
    }
    text
}
