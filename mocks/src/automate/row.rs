//! Rows that are built no wider than they are asked for.

use serde_json::{Map, Value};

/// Which columns are wanted, by their top-level name in lower case.
pub(super) enum Want {
    All,
    Only(Vec<String>),
}

impl Want {
    /// The columns that some paths begin with.
    pub(super) fn heads<'p>(paths: impl IntoIterator<Item = &'p [String]>) -> Self {
        Self::Only(paths.into_iter().filter_map(|path| path.first().cloned()).collect())
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)),
        }
    }
}

/// A row in the making.
pub(super) struct Row<'w> {
    want: &'w Want,
    map: Map<String, Value>,
}

impl<'w> Row<'w> {
    pub(super) fn new(want: &'w Want) -> Self {
        Self { want, map: Map::new() }
    }

    /// A column whose value is worked out only if it is wanted.
    pub(super) fn put<V: Into<Value>>(&mut self, name: &str, value: impl FnOnce() -> V) {
        if self.want.has(name) {
            self.map.insert(name.to_owned(), value().into());
        }
    }

    /// Columns with one and the same value.
    pub(super) fn same(&mut self, names: &[&str], value: &Value) {
        for name in names {
            self.put(name, || value.clone());
        }
    }

    pub(super) fn done(self) -> Value {
        Value::Object(self.map)
    }
}

/// Leaves only some paths (all, where none are named), and without others.
pub(super) fn project(row: Value, include: &[Vec<String>], exclude: &[Vec<String>]) -> Value {
    let row = if include.is_empty() { row } else { keep(row, &slices(include)) };
    if exclude.is_empty() { row } else { leave_out(row, &slices(exclude)) }
}

fn slices(paths: &[Vec<String>]) -> Vec<&[String]> {
    paths.iter().map(Vec::as_slice).collect()
}

/// What follows a name in those paths that begin with it.
fn below<'p>(paths: &[&'p [String]], name: &str) -> Vec<&'p [String]> {
    paths
        .iter()
        .filter_map(|path| path.split_first())
        .filter(|(head, _)| head.eq_ignore_ascii_case(name))
        .map(|(_, rest)| rest)
        .collect()
}

fn keep(value: Value, paths: &[&[String]]) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter_map(|(name, value)| {
                    let rest = below(paths, &name);
                    let whole = rest.iter().any(|path| path.is_empty());
                    (!rest.is_empty())
                        .then(|| if whole { (name, value) } else { (name, keep(value, &rest)) })
                })
                .collect(),
        ),
        Value::Array(items) => items.into_iter().map(|item| keep(item, paths)).collect(),
        other => other,
    }
}

fn leave_out(value: Value, paths: &[&[String]]) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter_map(|(name, value)| {
                    let rest = below(paths, &name);
                    if rest.iter().any(|path| path.is_empty()) {
                        return None;
                    }
                    Some(if rest.is_empty() {
                        (name, value)
                    } else {
                        (name, leave_out(value, &rest))
                    })
                })
                .collect(),
        ),
        Value::Array(items) => items.into_iter().map(|item| leave_out(item, paths)).collect(),
        other => other,
    }
}
