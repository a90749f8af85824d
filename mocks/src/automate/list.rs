//! Every list of the API: filtered, ordered, cut into pages, with `Total-Count`.
//!
//! A page of a plain list costs one pass over the keys and the rows of that page; conditions and
//! orders build no more columns than they look at.

use serde_json::Value;

use super::evaluate;
use super::problem::Problem;
use super::query::{Options, Order};
use super::row::{Want, project};
use crate::vendor::Reply;

/// Something that can be listed.
pub(super) trait Source {
    /// Keys of all rows that are there.
    fn keys(&self) -> Vec<usize>;
    /// The id of a row, which `ids` names and which lists are ordered by.
    fn id(&self, key: usize) -> u64;
    /// The column that holds the id, in lower case.
    fn id_column(&self) -> &'static str {
        "id"
    }
    /// A row with (at least) the wanted columns.
    fn row(&self, key: usize, want: &Want) -> Value;
    /// Columns that a row may lack, in lower case: no reason to refuse a condition.
    fn sometimes(&self) -> &'static [&'static str] {
        &[]
    }
}

/// The page of a source that was asked for.
pub(super) fn page(source: &dyn Source, options: &Options) -> Result<Reply, Problem> {
    let mut keys = source.keys();
    keys.sort_by_key(|key| source.id(*key));
    if let Some(ids) = &options.ids {
        keys.retain(|key| ids.contains(&source.id(*key)));
    }
    check_columns(source, &keys, options)?;
    if let Some(condition) = &options.condition {
        let want = Want::heads(condition.paths());
        keys.retain(|key| evaluate::holds(condition, &source.row(*key, &want)));
    }
    let keys = ordered(source, keys, &options.order);
    let want = wanted(options);
    let rows: Vec<Value> = keys
        .iter()
        .skip((options.page - 1).saturating_mul(options.page_size))
        .take(options.page_size)
        .map(|key| project(source.row(*key, &want), &options.include, &options.exclude))
        .collect();
    let total = keys.len().to_string();
    Ok(Reply::json(200, &Value::Array(rows)).with_header("total-count", &total))
}

/// One row by its id; 404 where it is not there.
pub(super) fn one(
    source: &dyn Source,
    options: &Options,
    what: &str,
    id: u64,
) -> Result<Reply, Problem> {
    let keys = source.keys();
    let key = keys
        .into_iter()
        .find(|key| source.id(*key) == id)
        .ok_or_else(|| Problem::missing(what, id))?;
    Ok(single(source.row(key, &wanted(options)), options))
}

/// A single object, with its fields included and excluded as asked.
pub(super) fn single(row: Value, options: &Options) -> Reply {
    Reply::json(200, &project(row, &options.include, &options.exclude))
}

/// The columns that the included fields begin with.
pub(super) fn wanted(options: &Options) -> Want {
    if options.include.is_empty() {
        Want::All
    } else {
        Want::heads(options.include.iter().map(Vec::as_slice))
    }
}

/// A list whose rows are at hand.
pub(super) struct Fixed {
    /// The rows.
    pub(super) rows: Vec<Value>,
    /// The column that holds the id.
    pub(super) id: &'static str,
}

impl Source for Fixed {
    fn keys(&self) -> Vec<usize> {
        (0..self.rows.len()).collect()
    }

    fn id(&self, key: usize) -> u64 {
        let id = self.rows.get(key).and_then(|row| evaluate::at(row, &[self.id.to_owned()]));
        id.and_then(super::request::number).unwrap_or_default()
    }

    fn id_column(&self) -> &'static str {
        self.id
    }

    fn row(&self, key: usize, _want: &Want) -> Value {
        self.rows.get(key).cloned().unwrap_or(Value::Null)
    }
}

/// Refuses conditions and orders by columns that nobody knows.
fn check_columns(source: &dyn Source, keys: &[usize], options: &Options) -> Result<(), Problem> {
    let mut paths: Vec<&[String]> =
        options.condition.as_ref().map(|condition| condition.paths()).unwrap_or_default();
    paths.extend(options.order.iter().map(|order| order.path.as_slice()));
    let Some(sample) = keys.first().filter(|_| !paths.is_empty()) else {
        return Ok(());
    };
    let sample = source.row(*sample, &Want::All);
    for path in paths {
        let Some(head) = path.first() else { continue };
        let known = source.sometimes().contains(&head.as_str())
            || evaluate::at(&sample, std::slice::from_ref(head)).is_some();
        if !known {
            return Err(Problem::bad(format!("'{}' is not a known field.", path.join("."))));
        }
    }
    Ok(())
}

fn ordered(source: &dyn Source, mut keys: Vec<usize>, orders: &[Order]) -> Vec<usize> {
    let Some(first) = orders.first() else {
        return keys;
    };
    // Keys come in the order of their ids, so this one needs no sorting.
    if first.path == [source.id_column()] {
        if first.descending {
            keys.reverse();
        }
        return keys;
    }
    let want = Want::heads(orders.iter().map(|order| order.path.as_slice()));
    let mut rows: Vec<(Value, usize)> =
        keys.into_iter().map(|key| (source.row(key, &want), key)).collect();
    rows.sort_by(|(left, _), (right, _)| {
        orders
            .iter()
            .map(|order| {
                let by = evaluate::order(
                    evaluate::at(left, &order.path),
                    evaluate::at(right, &order.path),
                );
                if order.descending { by.reverse() } else { by }
            })
            .find(|by| by.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    rows.into_iter().map(|(_, key)| key).collect()
}
