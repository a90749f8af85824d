//! A question for records, or for what belongs to them, in parts that one statement each can answer.

use core_model::RecordKind;

use crate::open::Backend;
use crate::sql::{Argument, LookUp, Select, ints, list, owned};

/// The streams that a part is about.
#[derive(Clone)]
pub(super) enum Streams<'a> {
    /// All of a connection, however many these are.
    Of(&'a str),
    /// These.
    Ids(Vec<i64>),
}

impl Streams<'_> {
    /// The condition on the stream of a table's row.
    fn condition(&self, alias: &str) -> (String, Argument) {
        match self {
            // A row's stream is looked up by its id. As an `exists` PostgreSQL turns it about, and tries
            // every stream of the connection, of which each tenant may have its own.
            Streams::Of(connection) => (
                format!(
                    "(select s.connection from stream s where s.id = {alias}.stream_id) = {{}}"
                ),
                Argument::Text(owned(connection)),
            ),
            Streams::Ids(ids) => (
                format!("{alias}.stream_id in ints({{}})"),
                Argument::Text(ints(ids.iter().copied())),
            ),
        }
    }
}

/// A part of what is asked for that one statement can answer. No two parts of a question overlap.
pub(crate) struct Part<'a> {
    pub(super) streams: Streams<'a>,
    pub(super) keys: Option<(RecordKind, Vec<&'a str>)>,
    pub(super) clients: Option<Vec<&'a str>>,
}

impl Part<'_> {
    /// Appends the `from` and the conditions: the rows of a table with stream, kind and key, named
    /// `o`, of these kinds where any are given.
    pub(crate) fn of(
        &self,
        select: &mut Select,
        backend: Backend,
        table: &str,
        kinds: &[RecordKind],
    ) {
        let records = table == "source_record";
        let of_kinds = |alias: &str| {
            let kinds = Argument::Text(list(kinds.iter().map(|kind| kind.as_str())));
            (format!(" and {alias}.kind in list({{}})"), kinds)
        };
        match (&self.keys, &self.clients) {
            (Some((kind, keys)), clients) => {
                let (condition, argument) = self.streams.condition("o");
                let on = same_record("r", "o");
                let join =
                    (!records && clients.is_some()).then_some(("source_record", "r", on.as_str()));
                let look_up = LookUp {
                    table,
                    alias: "o",
                    conditions: &format!("{condition} and o.kind = {{}} and o.key = v.value"),
                    arguments: vec![argument, Argument::Text(kind.as_str().to_owned())],
                    join,
                };
                select.each(backend, list(keys), look_up);
                if let Some(clients) = clients {
                    let of = if records { "o" } else { "r" };
                    let condition = format!(" and {of}.client in list({{}})");
                    select.push(&condition, [Argument::Text(list(clients))]);
                }
            }
            // A client is written on the record; an observation is found by its record. A client has
            // many records of which few are of these kinds: its index tells them apart.
            (None, Some(clients)) => {
                let alias = if records { "o" } else { "r" };
                let (condition, argument) = self.streams.condition(alias);
                let mut conditions = format!("{alias}.client = v.value and {condition}");
                let mut arguments = vec![argument];
                if !kinds.is_empty() {
                    let (condition, argument) = of_kinds(alias);
                    conditions.push_str(&condition);
                    arguments.push(argument);
                }
                let on = same_record("o", "r");
                let join = (!records).then_some((table, "o", on.as_str()));
                let conditions = &conditions;
                let look_up = LookUp { table: "source_record", alias, conditions, arguments, join };
                return select.each(backend, list(clients), look_up);
            }
            (None, None) => {
                let (condition, argument) = self.streams.condition("o");
                select.push(&format!(" from {table} o where {condition}"), [argument]);
            }
        }
        if !kinds.is_empty() {
            let (condition, argument) = of_kinds("o");
            select.push(&condition, [argument]);
        }
    }
}

/// Rows of one record.
fn same_record(this: &str, other: &str) -> String {
    format!(
        "{this}.stream_id = {other}.stream_id and {this}.kind = {other}.kind \
         and {this}.key = {other}.key"
    )
}
