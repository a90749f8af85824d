//! Query parameters as Halo reads them.
//!
//! Names are compared without regard to case and the last of several wins. What nobody knows is
//! ignored without a word: a misspelt filter returns the whole tenant. Nothing here warns about it.

use serde_json::Value;

use super::wire;
use crate::vendor::{Call, Reply};

/// Rows that an API agent gets where the caller does not page.
pub(super) const DEFAULT_ROWS: usize = 50;
/// The most rows on a page, whatever was asked for.
pub(super) const MOST_ROWS: usize = 100;

/// The query of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a>(&'a Call);

impl<'a> Query<'a> {
    /// Of this call.
    pub(super) fn of(call: &'a Call) -> Self {
        Self(call)
    }

    /// A text; empty counts as absent.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0.param(name).map(str::trim).filter(|v| !v.is_empty())
    }

    /// Whether the parameter says `true`, in any case. `1` does not (`orderdesc=1` has no effect).
    pub(super) fn flag(self, name: &str) -> bool {
        self.switch(name).unwrap_or(false)
    }

    /// `true` or `false`, where the parameter says one of them.
    pub(super) fn switch(self, name: &str) -> Option<bool> {
        let value = self.text(name)?;
        let is = |word: &str| value.eq_ignore_ascii_case(word);
        is("true").then_some(true).or_else(|| is("false").then_some(false))
    }

    /// A whole number; anything else is refused by model binding, `18.0` too.
    pub(super) fn int(self, name: &str) -> Result<Option<i64>, Reply> {
        let Some(value) = self.text(name) else { return Ok(None) };
        value.parse().map(Some).map_err(|_| wire::not_valid(name, value))
    }

    /// A filter by id. Zero and negative ids are no filter: Halo's own pages send -1 for "any".
    pub(super) fn id(self, name: &str) -> Result<Option<i64>, Reply> {
        Ok(self.int(name)?.filter(|id| *id > 0))
    }

    /// A list of ids, separated by commas; what is no number is left out.
    pub(super) fn ids(self, name: &str) -> Option<Vec<i64>> {
        Some(self.text(name)?.split(',').filter_map(|v| v.trim().parse().ok()).collect())
    }

    /// An instant; the documented (and senseless) booleans and anything unreadable are no filter.
    pub(super) fn instant(self, name: &str) -> Option<chrono::NaiveDateTime> {
        wire::instant(self.text(name)?)
    }
}

/// Which part of a listing to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    /// A page: its number from 1 and the effective (capped) size.
    Page { no: usize, size: usize },
    /// No paging: the first rows only. `total` says whether the count of all was asked for.
    Head { rows: usize, total: bool },
}

impl Window {
    /// What the call asks for. Without `pageinate=true` the page parameters mean nothing; with it,
    /// the size means nothing unless a page number is there.
    pub(super) fn of(query: Query<'_>) -> Result<Self, Reply> {
        let (no, size) = (query.int("page_no")?, query.int("page_size")?);
        if query.flag("pageinate") {
            let size = size.filter(|_| no.is_some()).and_then(|s| usize::try_from(s).ok());
            let size = size.filter(|s| *s > 0).map_or(DEFAULT_ROWS, |s| s.min(MOST_ROWS));
            let no = no.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(1);
            return Ok(Self::Page { no, size });
        }
        let count = query.text("count");
        let rows = count.and_then(|c| c.parse::<usize>().ok()).filter(|c| *c > 0);
        Ok(Self::Head { rows: rows.unwrap_or(DEFAULT_ROWS), total: query.flag("count") })
    }

    /// The positions this window shows of a list of `len`, as start and end.
    pub(super) fn range(self, len: usize) -> (usize, usize) {
        match self {
            Self::Page { no, size } => {
                let start = (no - 1).saturating_mul(size).min(len);
                (start, start.saturating_add(size).min(len))
            }
            Self::Head { rows, .. } => (0, rows.min(len)),
        }
    }
}

/// Whether to show active rows, inactive rows, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Activity {
    /// Active rows.
    pub(super) active: bool,
    /// Inactive rows.
    pub(super) inactive: bool,
}

impl Activity {
    /// Every row.
    pub(super) const ALL: Self = Self { active: true, inactive: true };

    /// `activeinactive=true,false`, else `includeactive` and `includeinactive`; by default active.
    pub(super) fn of(query: Query<'_>) -> Self {
        if let Some((active, inactive)) =
            query.text("activeinactive").and_then(|v| v.split_once(','))
        {
            let is = |v: &str| v.trim().eq_ignore_ascii_case("true");
            return Self { active: is(active), inactive: is(inactive) };
        }
        Self {
            active: query.switch("includeactive").unwrap_or(true),
            inactive: query.flag("includeinactive"),
        }
    }

    /// Whether a row is shown.
    pub(super) fn shows(self, inactive: bool) -> bool {
        if inactive { self.inactive } else { self.active }
    }
}

/// One key to order by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Property, in lower case.
    pub(super) field: String,
    /// Descending.
    pub(super) descending: bool,
}

/// `order` to `order5` with their `orderdesc`s.
pub(super) fn order(query: Query<'_>) -> Vec<Key> {
    ["", "2", "3", "4", "5"]
        .iter()
        .filter_map(|n| {
            let field = query.text(&format!("order{n}"))?.to_ascii_lowercase();
            Some(Key { field, descending: query.flag(&format!("orderdesc{n}")) })
        })
        .collect()
}

/// One condition of `advanced_search`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// Property.
    pub(super) field: String,
    /// Whether the value may be a part of it (type 4); else it must be equal (type 2).
    pub(super) part: bool,
    /// Value, in lower case.
    pub(super) value: String,
}

/// The conditions of `advanced_search`. Fields outside of `allowed` are refused.
pub(super) fn advanced(query: Query<'_>, allowed: &[&str]) -> Result<Vec<Condition>, Reply> {
    let Some(text) = query.text("advanced_search") else { return Ok(Vec::new()) };
    let bad = |what: &str| wire::exception(&format!("Invalid advanced search parameter: {what}"));
    let rows: Vec<Value> = serde_json::from_str(text).map_err(|_| bad(text))?;
    rows.iter()
        .map(|row| {
            let field = row.get("filter_name").and_then(Value::as_str).unwrap_or_default();
            if !allowed.iter().any(|a| a.eq_ignore_ascii_case(field)) {
                return Err(bad(field));
            }
            let part = match row.get("filter_type").map(plain).as_deref() {
                Some("2") => false,
                Some("4") => true,
                other => return Err(bad(other.unwrap_or("filter_type"))),
            };
            let value = row.get("filter_value").map(plain).unwrap_or_default().to_lowercase();
            Ok(Condition { field: field.to_ascii_lowercase(), part, value })
        })
        .collect()
}

/// A scalar as text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
