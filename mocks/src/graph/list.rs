//! Plain listings: `/users`, `/groups`, `/devices`, managed devices, and the small collections.
//!
//! A page is read at the position in its skip token; what comes before is not walked over. The
//! directory's rules are kept: no `$skip`, at most 999 rows, advanced queries only with
//! `ConsistencyLevel: eventual` and `$count=true`.

use serde_json::Value;

use super::ask::{Ask, Query};
use super::entity::{Entity, Selection, property, unknown_property};
use super::filter::{Expr, field};
use super::wire::{Page, Problem, Rows};
use crate::vendor::Reply;

/// How a collection is paged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paging {
    /// Rows on a page without `$top`.
    pub(super) default: usize,
    /// The most that `$top` may say.
    pub(super) most: usize,
    /// Whether more than that is cut down to it (Intune) or refused (the directory).
    pub(super) clamp: bool,
    /// Whether the directory's rules for advanced queries hold.
    pub(super) strict: bool,
}

impl Paging {
    /// Objects of the directory.
    pub(super) const DIRECTORY: Self = Self { default: 100, most: 999, clamp: false, strict: true };
    /// Intune.
    pub(super) const INTUNE: Self = Self { default: 1000, most: 1000, clamp: true, strict: false };
    /// Delegated-admin collections.
    pub(super) const PARTNER: Self = Self { default: 100, most: 300, clamp: false, strict: false };

    /// Rows per page.
    pub(super) fn top(&self, query: &Query) -> Result<usize, Problem> {
        match query.top {
            None => Ok(self.default),
            Some(top) if (1..=self.most).contains(&top) => Ok(top),
            Some(top) if self.clamp && top > 0 => Ok(self.most),
            Some(top) => Err(Problem::bad(format!(
                "Invalid page size specified: '{top}'. Must be between 1 and {} inclusive.",
                self.most
            ))),
        }
    }
}

/// The condition that `$filter` and `$search` make together.
fn condition<E: Entity>(query: &Query) -> Result<Option<Expr>, Problem> {
    let filter = query.filter.as_deref().map(Expr::parse).transpose()?;
    let search = query.search.as_deref().map(Expr::search).transpose()?;
    let expr = match (filter, search) {
        (Some(a), Some(b)) => Some(Expr::And(Box::new(a), Box::new(b))),
        (a, b) => a.or(b),
    };
    let known = |name: &str| E::props().iter().any(|p| p.name.eq_ignore_ascii_case(name));
    match expr.as_ref().and_then(|e| e.unknown(&known)) {
        Some(name) => Err(unknown_property(&name, E::TYPE)),
        None => Ok(expr),
    }
}

/// The rules for advanced queries, and for what the directory does not do at all.
fn check(ask: &Ask<'_>, query: &Query, paging: Paging) -> Result<(), Problem> {
    if !paging.strict {
        return Ok(());
    }
    if query.skip.is_some() {
        return Err(Problem::bad("'$skip' is not supported by the service."));
    }
    if query.search.is_some() && !ask.eventual() {
        return Err(Problem::bad(
            "Request with $search query parameter only works through MSGraph with a special \
             request header: 'ConsistencyLevel: eventual'",
        ));
    }
    if query.count && !ask.eventual() {
        return Err(Problem::unsupported(
            "$count is supported only with the request header 'ConsistencyLevel: eventual'.",
        ));
    }
    let filter = query.filter.as_deref().map(Expr::parse).transpose()?;
    let advanced = filter.as_ref().is_some_and(Expr::is_advanced)
        || (filter.is_some() && query.order_by.is_some());
    if advanced && !(ask.eventual() && query.count) {
        return Err(Problem::unsupported(
            "Unsupported Query: it needs the query parameter '$count=true' and the request header \
             'ConsistencyLevel: eventual'.",
        ));
    }
    Ok(())
}

/// A listing of the directory's rows of one kind: those that are there, or those in the bin.
pub(super) fn entities<E: Entity>(
    ask: &Ask<'_>,
    query: &Query,
    paging: Paging,
    in_bin: bool,
) -> Result<Reply, Problem> {
    check(ask, query, paging)?;
    let top = paging.top(query)?;
    let condition = condition::<E>(query)?;
    let selection = Selection::<E>::new(query.select.as_deref(), true, ask.lenient())?;
    let (number, at, top) = ask.page(query, top)?;
    let source = ask.source();
    let all = E::all(ask.world);
    let numbers = E::rows(ask.index).of(ask.no);
    let fits = |no: u32| -> Option<&E> {
        let row = all.get(no as usize)?;
        let there = if in_bin {
            row.mark().gone.is_some() && !row.for_good()
        } else {
            row.mark().gone.is_none()
        };
        let read = |name: &str| property(row, source, name).unwrap_or_default();
        (there && condition.as_ref().is_none_or(|c| c.holds(&read))).then_some(row)
    };
    let mut page = Page { context: ask.context(&set_context(&selection)), ..Page::default() };
    if query.count && number == 1 {
        page.count = Some(numbers.iter().filter(|no| fits(**no).is_some()).count());
    }
    if let Some(order) = &query.order_by {
        let mut sorted: Vec<u32> = numbers.iter().copied().filter(|n| fits(*n).is_some()).collect();
        sort::<E>(&mut sorted, order, ask)?;
        for no in sorted.iter().skip(at).take(top) {
            let Some(row) = all.get(*no as usize) else { continue };
            page.rows.row(|object| selection.write(row, source, object));
        }
        if sorted.len() > at + top {
            page.next = Some(ask.next_link(query, number + 1, at + top, top));
        }
        return Ok(page.reply());
    }
    let start = numbers.partition_point(|no| (*no as usize) < at);
    for no in &numbers[start..] {
        let Some(row) = fits(*no) else { continue };
        if page.rows.len() == top {
            page.next = Some(ask.next_link(query, number + 1, *no as usize, top));
            break;
        }
        page.rows.row(|object| selection.write(row, source, object));
    }
    Ok(page.reply())
}

fn set_context<E: Entity>(selection: &Selection<E>) -> String {
    format!("{}{}", E::SET, selection.context())
}

/// `displayName desc, id`: text in whatever case, null first.
fn sort<E: Entity>(rows: &mut [u32], order: &str, ask: &Ask<'_>) -> Result<(), Problem> {
    let mut keys = Vec::new();
    for key in order.split(',') {
        let mut words = key.split_whitespace();
        let name = words.next().unwrap_or_default();
        let descending = words.next().is_some_and(|w| w.eq_ignore_ascii_case("desc"));
        if !E::props().iter().any(|p| p.name.eq_ignore_ascii_case(name)) {
            return Err(unknown_property(name, E::TYPE));
        }
        keys.push((name, descending));
    }
    for (name, descending) in keys.iter().rev() {
        rows.sort_by_cached_key(|no| {
            let row = E::all(ask.world).get(*no as usize);
            let value = row.and_then(|r| property(r, ask.source(), name)).unwrap_or_default();
            value.as_str().map_or_else(|| value.to_string(), str::to_lowercase)
        });
        if *descending {
            rows.reverse();
        }
    }
    Ok(())
}

/// `/users/$count`: text, and only with the header.
pub(super) fn count<E: Entity>(ask: &Ask<'_>, query: &Query) -> Result<Reply, Problem> {
    if !ask.eventual() {
        return Err(Problem::bad("$count is not currently supported."));
    }
    let condition = condition::<E>(query)?;
    let fits = |no: &&u32| {
        E::all(ask.world).get(**no as usize).is_some_and(|row| {
            let read = |name: &str| property(row, ask.source(), name).unwrap_or_default();
            row.mark().gone.is_none() && condition.as_ref().is_none_or(|c| c.holds(&read))
        })
    };
    let count = E::rows(ask.index).of(ask.no).iter().filter(fits).count();
    let headers = vec![("content-type".into(), "text/plain".into())];
    Ok(Reply { status: 200, headers, body: count.to_string().into_bytes() })
}

/// A small collection that is made of JSON trees.
pub(super) fn trees(
    ask: &Ask<'_>,
    query: &Query,
    paging: Paging,
    of: &str,
    rows: Vec<Value>,
) -> Result<Reply, Problem> {
    let top = paging.top(query)?;
    let condition = query.filter.as_deref().map(Expr::parse).transpose()?;
    let (number, at, top) = ask.page(query, top)?;
    let at = if number == 1 { at + query.skip.unwrap_or(0) } else { at };
    let fits = |row: &Value| condition.as_ref().is_none_or(|c| c.holds(&|name| field(row, name)));
    let found: Vec<Value> = rows.into_iter().filter(fits).collect();
    let select = query.select.as_ref().map_or_else(String::new, |s| format!("({})", s.join(",")));
    let mut page = Page { context: ask.context(&format!("{of}{select}")), ..Page::default() };
    page.count = (query.count && number == 1).then_some(found.len());
    let mut written = Rows::default();
    for row in found.iter().skip(at).take(top) {
        written.tree(&selected(row, query.select.as_deref()));
    }
    page.rows = written;
    if found.len() > at + top {
        page.next = Some(ask.next_link(query, number + 1, at + top, top));
    }
    Ok(page.reply())
}

/// The members of a tree that were selected; the id of an annotation stays.
pub(super) fn selected(row: &Value, select: Option<&[String]>) -> Value {
    let (Some(select), Some(members)) = (select, row.as_object()) else { return row.clone() };
    if select.iter().any(|s| s == "*") {
        return row.clone();
    }
    let wanted =
        |name: &str| name.starts_with('@') || select.iter().any(|s| s.eq_ignore_ascii_case(name));
    let kept = members.iter().filter(|(n, _)| wanted(n)).map(|(n, v)| (n.clone(), v.clone()));
    Value::Object(kept.collect())
}
