//! The small language that the statements of this crate are written in, and the few places where
//! SQLite and PostgreSQL must be told different things.
//!
//! - Parameters are `$n`. Lists come as one JSON array each: `key in list($3)` for texts and
//!   `stream_id in ints($1)` for integers, so that a statement has one text however long its lists
//!   are, and is prepared once. Where the list's column is not the first of its index, it is
//!   [`Store::named`] or [`Select::each`] that looks up.
//! - Rows come in multi-row `values` of fixed sizes ([`crate::bulk`]), so that their texts are few and
//!   stay prepared too.
//! - PostgreSQL takes no NUL in a text: [`clean`] replaces it, on both, before anything is compared.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use core_model::RecordKind;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};

use crate::error::Result;
use crate::open::{Backend, Store};
use crate::packed::Packed;

pub(crate) type Query = sqlx::query::Query<'static, Any, AnyArguments>;

/// A statement as it is written here, its table, and its number of rows (0 without `{rows}`).
type Written = (&'static str, &'static str, usize);

/// Statement texts, made once.
#[derive(Default)]
pub(crate) struct Texts(Mutex<HashMap<Written, Arc<str>>>);

impl Texts {
    pub(crate) fn get(
        &self,
        text: &'static str,
        table: &'static str,
        rows: usize,
        make: impl FnOnce() -> String,
    ) -> Arc<str> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry((text, table, rows)).or_insert_with(|| make().into()))
    }
}

impl Store {
    /// A statement of this crate, in the backend's words.
    pub(crate) fn sql(&self, text: &'static str) -> Query {
        self.sql_on(text, "")
    }

    /// The same with `{table}` in it.
    pub(crate) fn sql_on(&self, text: &'static str, table: &'static str) -> Query {
        let backend = self.backend();
        let text =
            self.texts().get(text, table, 0, || lists(backend, &text.replace("{table}", table)));
        sqlx::query(AssertSqlSafe(text))
    }

    /// The steps in which SQLite goes about a statement.
    #[cfg(test)]
    pub(crate) async fn steps(&self, text: &str) -> Vec<String> {
        let query = sqlx::query(AssertSqlSafe(format!("explain query plan {text}")));
        let rows = query.fetch_all(self.readers()).await.unwrap();
        rows.iter().map(|row| row.text(3).unwrap()).collect()
    }

    /// The rows of one kind in a stream that have these keys.
    pub(crate) async fn named<T: AsRef<str>, const N: usize>(
        &self,
        on: &mut AnyConnection,
        (columns, table): ([&str; N], &str),
        (stream, kind): (i64, RecordKind),
        keys: impl IntoIterator<Item = T>,
    ) -> Result<Packed> {
        let mut select = Select::new(format!("select o.{}", columns.join(", o.")));
        let look_up = LookUp {
            table,
            alias: "o",
            conditions: "o.stream_id = {} and o.kind = {} and o.key = v.value",
            arguments: vec![Argument::Int(stream), Argument::Text(kind.as_str().to_owned())],
            join: None,
        };
        select.each(self.backend(), list(keys), look_up);
        self.packed(on, N, select).await
    }
}

/// A `select` whose conditions depend on what is asked for.
pub(crate) struct Select {
    text: String,
    arguments: Vec<Argument>,
}

#[derive(Clone)]
pub(crate) enum Argument {
    Text(String),
    Int(i64),
}

/// Where and how [`Select::each`] looks.
pub(crate) struct LookUp<'a> {
    pub(crate) table: &'a str,
    pub(crate) alias: &'a str,
    pub(crate) conditions: &'a str,
    pub(crate) arguments: Vec<Argument>,
    /// Rows of another table that belong to those found: table, alias and conditions.
    pub(crate) join: Option<(&'a str, &'a str, &'a str)>,
}

impl Select {
    /// Starts with a text that ends in its first condition (`… where true`-like).
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), arguments: Vec::new() }
    }

    /// Appends a text; each `{}` in it stands for one argument.
    pub(crate) fn push(&mut self, text: &str, arguments: impl IntoIterator<Item = Argument>) {
        let mut parts = text.split("{}");
        self.text.push_str(parts.next().unwrap_or_default());
        for (part, argument) in parts.zip(arguments) {
            self.arguments.push(argument);
            // Writing to a string cannot fail.
            write!(self.text, "${}", self.arguments.len()).unwrap_or_default();
            self.text.push_str(part);
        }
    }

    /// Appends a `from` that looks each text of a list up by itself, and a `where` to be gone on
    /// with. The conditions name the text `v.value`.
    ///
    /// This is for lists whose column is not the first of its index. There PostgreSQL, as long as
    /// it has no statistics of a table that was just filled, takes the columns before it to be
    /// enough, and reads the whole stream for each list. A lateral query with an offset is not
    /// merged into the outer one, so that each look-up has the whole index to go by; what is joined
    /// is looked up in the same way, row by row.
    ///
    /// It is also for lists that a table is asked for while it fills. A plan that was made when it
    /// was empty reads all of it for a list, and is kept; one for a single text goes by the index.
    pub(crate) fn each(&mut self, backend: Backend, texts: String, look_up: LookUp<'_>) {
        let LookUp { table, alias, conditions, arguments, join } = look_up;
        let text = match backend {
            Backend::Sqlite => {
                let join = join.map(|(table, alias, on)| format!(" join {table} {alias} on {on}"));
                let join = join.unwrap_or_default();
                format!(
                    " from json_each({{}}) as v cross join {table} {alias}{join} where {conditions}"
                )
            }
            Backend::Postgres => {
                let first = lateral(table, alias, conditions);
                let join = join.map(|(table, alias, on)| lateral(table, alias, on));
                let join = join.unwrap_or_default();
                format!(
                    " from json_array_elements_text({{}}::json) as v(value){first}{join} \
                     where 1 = 1"
                )
            }
        };
        self.push(&text, std::iter::once(Argument::Text(texts)).chain(arguments));
    }

    pub(crate) fn query(self, backend: Backend) -> Query {
        let (text, arguments) = self.finish(backend);
        arguments.into_iter().fold(sqlx::query(AssertSqlSafe(text)), Argument::bind)
    }

    /// The text in the backend's words, and what stands for its `$n`.
    pub(crate) fn finish(self, backend: Backend) -> (String, Vec<Argument>) {
        (lists(backend, &self.text), self.arguments)
    }
}

/// Rows of a table that PostgreSQL looks up for each row before them.
fn lateral(table: &str, alias: &str, conditions: &str) -> String {
    format!(
        " cross join lateral (select * from {table} {alias} where {conditions} offset 0) as {alias}"
    )
}

impl Argument {
    pub(crate) fn bind(query: Query, argument: Argument) -> Query {
        match argument {
            Argument::Text(text) => query.bind(text),
            Argument::Int(int) => query.bind(int),
        }
    }
}

/// Columns of a row, by their place.
pub(crate) trait Columns {
    fn text(&self, at: usize) -> Result<String>;
    fn opt_text(&self, at: usize) -> Result<Option<String>>;
    fn int(&self, at: usize) -> Result<i64>;
    fn opt_int(&self, at: usize) -> Result<Option<i64>>;
}

impl Columns for AnyRow {
    fn text(&self, at: usize) -> Result<String> {
        Ok(self.try_get(at)?)
    }

    fn opt_text(&self, at: usize) -> Result<Option<String>> {
        Ok(self.try_get(at)?)
    }

    fn int(&self, at: usize) -> Result<i64> {
        Ok(self.try_get(at)?)
    }

    fn opt_int(&self, at: usize) -> Result<Option<i64>> {
        Ok(self.try_get(at)?)
    }
}

/// A text without NUL.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// The same, to be bound.
pub(crate) fn owned(text: &str) -> String {
    clean(text).into_owned()
}

/// The same, of an optional text.
pub(crate) fn opt(text: Option<&str>) -> Option<String> {
    text.map(owned)
}

/// A list of texts for `in list($n)`, each once and in order, which is the order of the indexes.
pub(crate) fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<T> = texts.into_iter().collect();
    let mut texts: Vec<_> = texts.iter().map(|text| clean(text.as_ref())).collect();
    texts.sort_unstable();
    texts.dedup();
    // A list of texts is always JSON.
    serde_json::to_string(&texts).unwrap_or_default()
}

/// A list of integers for `in ints($n)`.
pub(crate) fn ints(values: impl IntoIterator<Item = i64>) -> String {
    serde_json::Value::Array(values.into_iter().map(Into::into).collect()).to_string()
}

/// A pattern for `like … escape '\'` that finds the text wherever it stands between `before` and
/// `after`.
pub(crate) fn pattern(before: &str, text: &str, after: &str) -> String {
    let text = owned(text).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("{before}{text}{after}")
}

/// A number of rows as the database counts them.
pub(crate) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// A count of the database; they are never negative.
pub(crate) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// Puts the backend's words for `in list($n)` and `in ints($n)`.
fn lists(backend: Backend, text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some((before, name, argument, after)) = next_list(rest) {
        out.push_str(before);
        match (backend, name) {
            (Backend::Sqlite, _) => {
                write!(out, "in (select value from json_each({argument}))").unwrap_or_default();
            }
            (Backend::Postgres, "list") => {
                write!(out, "= any(array(select json_array_elements_text({argument}::json)))")
                    .unwrap_or_default();
            }
            (Backend::Postgres, _) => {
                let each = format!("json_array_elements_text({argument}::json)::bigint");
                write!(out, "= any(array(select {each}))").unwrap_or_default();
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn next_list(text: &str) -> Option<(&str, &str, &str, &str)> {
    ["list", "ints"]
        .into_iter()
        .filter_map(|name| {
            let (before, after) = text.split_once(&format!("in {name}("))?;
            let (argument, after) = after.split_once(')')?;
            Some((before, name, argument, after))
        })
        .min_by_key(|(before, ..)| before.len())
}
