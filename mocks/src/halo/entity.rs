//! What the eight entities of the world have in common: listing, reading one, removing one.
//!
//! An entity says how its rows look and what they can be filtered by; paging, order, activity and
//! envelope are the same for all and live here only.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Value, json};

use super::State;
use super::body::Element;
use super::index::{self, Base, Lists, Place};
use super::own::Own;
use super::query::{self, Activity, Key, Query, Window};
use super::wire::Fields;
use crate::vendor::Reply;
use crate::world::{Halo, Mark, World};

/// A condition on a row.
pub(super) type Filter<'a, R> = Box<dyn Fn(&R) -> bool + 'a>;

/// What a call sees.
#[derive(Clone, Copy)]
pub(super) struct Cx<'a> {
    /// What is true.
    pub(super) world: &'a World,
    /// What the face keeps itself.
    pub(super) own: &'a Own,
    /// Indexes.
    pub(super) state: &'a State,
    /// The call's query.
    pub(super) query: Query<'a>,
    /// Scheme, host and port.
    pub(super) base: &'a str,
    /// Whether a saved row is being sent back: then nested arrays are there without being asked.
    pub(super) saved: bool,
}

impl<'a> Cx<'a> {
    /// The row with this id, also if it is gone.
    pub(super) fn find<E: Entity>(&self, id: i64) -> Option<&'a E::Row> {
        let rows = E::rows(&self.world.halo);
        self.state.indexes.position::<E>(rows, id).and_then(|at| rows.get(at))
    }

    /// The row with this id, if it is there.
    pub(super) fn there<E: Entity>(&self, id: i64) -> Option<&'a E::Row> {
        self.find::<E>(id).filter(|row| E::mark(row).gone.is_none())
    }

    /// Positions of the rows of an owner.
    pub(super) fn owned<E: Entity>(&self, owner: i64) -> Vec<u32> {
        let lists = self.state.indexes.lists::<E>(self.world);
        lists.owned::<E>(E::rows(&self.world.halo), owner).to_vec()
    }

    /// Positions of the rows that name `target` in their `which`-th list.
    pub(super) fn naming<E: Entity>(&self, which: usize, target: i64) -> Vec<u32> {
        let lists = self.state.indexes.lists::<E>(self.world);
        lists.naming::<E>(E::rows(&self.world.halo), which, target).to_vec()
    }

    /// Positions of the rows with these ids.
    pub(super) fn positions<E: Entity>(&self, ids: &[i64]) -> Vec<u32> {
        let rows = E::rows(&self.world.halo);
        let at = |id: &i64| self.state.indexes.position::<E>(rows, *id);
        ids.iter().filter_map(at).filter_map(|at| u32::try_from(at).ok()).collect()
    }

    /// Whether a nested part is wanted.
    pub(super) fn wants(&self, flag: &str) -> bool {
        self.saved || self.query.flag(flag)
    }

    /// The list shapes of the rows with these ids that are there.
    pub(super) fn nested<E: Entity>(&self, ids: &[i64]) -> Vec<Value> {
        let rows = ids.iter().filter_map(|id| self.there::<E>(*id));
        rows.map(|row| list_row::<E>(self, row)).collect()
    }
}

/// An entity that lives in the world.
pub(super) trait Entity: Sized + 'static {
    /// A row.
    type Row: Clone;
    /// Its indexes.
    const PLACE: Place;
    /// Where the rows are in the envelope.
    const KEY: &'static str;
    /// Number of its table.
    const TABLE: i64;
    /// The property its own order is by.
    const ORDER: &'static str;
    /// Whether `idonly` is known.
    const IDS_ONLY: bool = true;
    /// Whether removed rows stay readable, as if they were inactive.
    const KEEPS_GONE: bool = false;
    /// Whether the newest (highest id) comes first where no order is asked for.
    const NEWEST_FIRST: bool = false;
    /// Whether its detail has `external_links`.
    const LINKS: bool = true;
    /// What `advanced_search` may name.
    const ADVANCED: &'static [&'static str] = &[];
    /// Properties kept outside of the world that list rows show too.
    const LIST_EXTRAS: &'static [&'static str] = &[];
    /// Properties that are never kept outside of the world: the world has them, or they follow
    /// from it.
    const MODELLED: &'static [&'static str];
    /// Whole numbers in what is posted.
    const INTS: &'static [&'static str];

    /// All rows.
    fn rows(halo: &Halo) -> &Vec<Self::Row>;
    /// All rows.
    fn rows_mut(halo: &mut Halo) -> &mut Vec<Self::Row>;
    /// Its id.
    fn id(row: &Self::Row) -> i64;
    /// Its bookkeeping.
    fn mark(row: &Self::Row) -> &Mark;
    /// Its bookkeeping.
    fn mark_mut(row: &mut Self::Row) -> &mut Mark;
    /// What its own order is by.
    fn name(row: &Self::Row) -> &str;
    /// Whether it is hidden by default.
    fn inactive(row: &Self::Row) -> bool;
    /// What it belongs to.
    fn owner(row: &Self::Row) -> i64;
    /// Ids it names.
    fn names(_row: &Self::Row, _which: usize) -> &[i64] {
        &[]
    }
    /// Which rows are shown.
    fn activity(query: Query<'_>) -> Activity {
        Activity::of(query)
    }
    /// The few rows that can be meant, if the query narrows them down.
    fn narrow(_cx: &Cx<'_>) -> Result<Option<Vec<u32>>, Reply> {
        Ok(None)
    }
    /// The conditions of the query.
    fn filters<'a>(cx: &Cx<'a>) -> Result<Vec<Filter<'a, Self::Row>>, Reply>;
    /// How it looks in a list.
    fn row(cx: &Cx<'_>, row: &Self::Row) -> Fields;
    /// How it looks alone.
    fn detail(cx: &Cx<'_>, row: &Self::Row) -> Fields;
    /// A new row from what was posted.
    fn blank(cx: &Cx<'_>, id: i64, mark: Mark, el: Element<'_>) -> Result<Self::Row, Reply>;
    /// Changes the row by what was posted.
    fn merge(cx: &Cx<'_>, row: &mut Self::Row, el: Element<'_>) -> Result<(), Reply>;
}

/// The list shape with what the face keeps beside the world.
pub(super) fn list_row<E: Entity>(cx: &Cx<'_>, row: &E::Row) -> Value {
    let mut fields = E::row(cx, row);
    if let Some(extras) = cx.own.extras(E::PLACE, E::id(row)) {
        for (name, value) in extras.iter().filter(|(n, _)| E::LIST_EXTRAS.contains(&n.as_str())) {
            fields.set(name, value.clone());
        }
    }
    fields.json()
}

/// The detail shape with what the face keeps beside the world.
pub(super) fn detail<E: Entity>(cx: &Cx<'_>, row: &E::Row) -> Value {
    let mut fields = E::detail(cx, row);
    for (name, value) in cx.own.extras(E::PLACE, E::id(row)).into_iter().flatten() {
        fields.set(name, value.clone());
    }
    if E::LINKS && cx.wants("includedetails") {
        fields.set("external_links", cx.own.links_of(E::TABLE, E::id(row)));
    }
    fields.json()
}

/// `GET /X/{id}`.
pub(super) fn get<E: Entity>(cx: &Cx<'_>, id: i64) -> Reply {
    match cx.find::<E>(id).filter(|row| index::there::<E>(row)) {
        Some(row) => Reply::json(200, &detail::<E>(cx, row)),
        None => Reply::empty(404),
    }
}

/// `GET /X`.
pub(super) fn list<E: Entity>(cx: &Cx<'_>) -> Result<Reply, Reply> {
    let window = Window::of(cx.query)?;
    let lists = cx.state.indexes.lists::<E>(cx.world);
    let chosen = choose::<E>(cx, &lists)?;
    let rows = E::rows(&cx.world.halo);
    let row = |at: usize| chosen.at(at).and_then(|at| rows.get(at));
    if E::IDS_ONLY && cx.query.flag("idonly") {
        let ids: Vec<Value> =
            (0..chosen.len()).filter_map(row).map(|row| json!({ "id": E::id(row) })).collect();
        return Ok(Reply::json(200, &json!({ "record_count": ids.len(), E::KEY: ids })));
    }
    let (start, end) = window.range(chosen.len());
    let page: Vec<Value> = (start..end).filter_map(row).map(|row| list_row::<E>(cx, row)).collect();
    Ok(envelope(cx.query, window, E::KEY, chosen.len(), page))
}

/// The envelope around a page of rows, of which there are `total`.
pub(super) fn envelope(
    query: Query<'_>,
    window: Window,
    key: &str,
    total: usize,
    page: Vec<Value>,
) -> Reply {
    let mut fields = Fields::new();
    match window {
        Window::Page { no, size } => {
            fields = fields.with("page_no", no).with("page_size", size).with("record_count", total);
        }
        Window::Head { total: true, .. } => fields.set("record_count", total),
        Window::Head { .. } => fields.set("record_count", page.len()),
    }
    if query.flag("includecolumns") {
        fields.set("columns_id", 0);
        fields.set("columns", Vec::<Value>::new());
    }
    Reply::json(200, &fields.with(key, page).json())
}

/// A window over rows that are in no index.
pub(super) fn small_list(query: Query<'_>, key: &str, rows: &[Value]) -> Result<Reply, Reply> {
    let window = Window::of(query)?;
    let (start, end) = window.range(rows.len());
    let page = rows.get(start..end).unwrap_or_default().to_vec();
    Ok(envelope(query, window, key, rows.len(), page))
}

/// The rows a list call means, in order.
struct Chosen<'l> {
    list: Cow<'l, [u32]>,
    descending: bool,
}

impl Chosen<'_> {
    fn len(&self) -> usize {
        self.list.len()
    }

    fn at(&self, place: usize) -> Option<usize> {
        let last = self.list.len().checked_sub(1)?;
        let place = if self.descending { last.checked_sub(place)? } else { place };
        usize::try_from(*self.list.get(place)?).ok()
    }
}

fn choose<'l, E: Entity>(cx: &Cx<'_>, lists: &'l Lists) -> Result<Chosen<'l>, Reply> {
    let rows = E::rows(&cx.world.halo);
    let activity = E::activity(cx.query);
    let keys = query::order(cx.query);
    let (base, descending, by_field) = match keys.as_slice() {
        [] if E::NEWEST_FIRST => (Base::Id, true, false),
        [] => (Base::Name, false, false),
        [key, ..] if key.field == "id" => (Base::Id, key.descending, false),
        [key] if key.field == E::ORDER => (Base::Name, key.descending, false),
        _ => (Base::Id, false, true),
    };
    let filters = E::filters(cx)?;
    let row = |at: u32| usize::try_from(at).ok().and_then(|at| rows.get(at));
    let fits = |at: &u32| row(*at).is_some_and(|row| filters.iter().all(|f| f(row)));
    let mut list = if let Some(mut few) = E::narrow(cx)? {
        few.retain(|at| {
            row(*at).is_some_and(|r| index::there::<E>(r) && activity.shows(E::inactive(r)))
        });
        few.retain(fits);
        index::sort::<E>(rows, &mut few, base);
        few.dedup();
        Cow::Owned(few)
    } else {
        let all = lists.ordered::<E>(rows, base, activity);
        if filters.is_empty() {
            Cow::Borrowed(all)
        } else {
            Cow::Owned(all.iter().copied().filter(fits).collect())
        }
    };
    if by_field {
        sort_by_fields::<E>(cx, list.to_mut(), &keys);
    }
    Ok(Chosen { list, descending })
}

/// Orders by properties as they are printed in list rows; rows without one come first.
fn sort_by_fields<E: Entity>(cx: &Cx<'_>, list: &mut Vec<u32>, keys: &[Key]) {
    let rows = E::rows(&cx.world.halo);
    let mut keyed: Vec<(Vec<Value>, u32)> = list
        .iter()
        .map(|at| {
            let row = usize::try_from(*at).ok().and_then(|at| rows.get(at));
            let json = row.map(|row| list_row::<E>(cx, row)).unwrap_or_default();
            let of = |key: &Key| json.get(&key.field).cloned().unwrap_or_default();
            (keys.iter().map(of).collect(), *at)
        })
        .collect();
    keyed.sort_by(|(a, _), (b, _)| {
        let each = a.iter().zip(b).zip(keys).map(|((a, b), key)| {
            let order = compare(a, b);
            if key.descending { order.reverse() } else { order }
        });
        each.fold(Ordering::Equal, Ordering::then)
    });
    *list = keyed.into_iter().map(|(_, at)| at).collect();
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => query::plain(a).to_lowercase().cmp(&query::plain(b).to_lowercase()),
    }
}
