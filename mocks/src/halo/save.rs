//! Saving: create without an id, merge with one, and the shape of the answer.
//!
//! All elements are bound before the first is saved, so that a number that is none changes
//! nothing. The world takes what it has a place for; the rest is kept beside the row.

use serde_json::{Value, json};

use super::State;
use super::body::{Body, Element};
use super::entity::{self, Cx, Entity};
use super::index;
use super::own::{self, Object, Own};
use super::query::{Query, plain};
use super::wire;
use crate::vendor::{Call, Reply};
use crate::world::{Mark, Version, World};

/// What a writing call holds.
pub(super) struct Pen<'a> {
    /// What is true.
    pub(super) world: &'a mut World,
    /// What the face keeps itself.
    pub(super) own: &'a mut Own,
    /// Indexes.
    pub(super) state: &'a State,
    /// The call.
    pub(super) call: &'a Call,
}

impl<'a> Pen<'a> {
    /// What can be read while writing.
    pub(super) fn cx(&self) -> Cx<'_> {
        Cx {
            world: self.world,
            own: self.own,
            state: self.state,
            query: Query::of(self.call),
            base: &self.call.base,
            saved: true,
        }
    }

    /// A mark for a row that is made now.
    pub(super) fn new_mark(&mut self) -> Mark {
        let version = self.world.next_version();
        let now = self.world.now();
        Mark { created: now, modified: now, born: version, changed: version, gone: None }
    }

    /// Starts a change and stamps the mark with it.
    pub(super) fn touch(&mut self, mark: &mut Mark) -> Version {
        let version = self.world.next_version();
        mark.changed = version;
        mark.modified = self.world.now();
        version
    }

    /// Adds a row.
    pub(super) fn push<E: Entity>(&mut self, row: E::Row) -> i64 {
        let id = E::id(&row);
        E::rows_mut(&mut self.world.halo).push(row);
        id
    }

    /// The next free id of an entity.
    pub(super) fn next_id<E: Entity>(&self) -> i64 {
        E::rows(&self.world.halo).iter().map(E::id).max().unwrap_or(0).max(0) + 1
    }

    /// Replaces the row with this id by a changed copy of it, stamped.
    pub(super) fn change<E: Entity>(&mut self, id: i64, change: impl FnOnce(&mut E::Row)) {
        let rows = E::rows(&self.world.halo);
        let Some(at) = self.state.indexes.position::<E>(rows, id) else { return };
        let Some(mut row) = rows.get(at).cloned() else { return };
        change(&mut row);
        self.touch(E::mark_mut(&mut row));
        if let Some(place) = E::rows_mut(&mut self.world.halo).get_mut(at) {
            *place = row;
        }
    }
}

/// What an entity does when a row of it was saved.
/// It gets the row as it was before, if it was there.
pub(super) type After<E> = fn(&mut Pen<'_>, i64, Element<'_>, Option<&<E as Entity>::Row>);

/// `POST /X`.
pub(super) fn post<E: Entity>(
    pen: &mut Pen<'_>,
    body: &Body,
    after: After<E>,
) -> Result<Reply, Reply> {
    let elements = body.elements();
    for el in &elements {
        el.check(&["id"])?;
        el.check(E::INTS)?;
    }
    let mut ids = Vec::new();
    for el in elements {
        ids.push(one::<E>(pen, el, after)?);
    }
    let cx = pen.cx();
    let saved = |id: &i64| cx.find::<E>(*id).map(|row| entity::detail::<E>(&cx, row));
    Ok(answer(cx.query, ids.iter().filter_map(saved).collect()))
}

/// The answer to a save: the last object, or all of them with `returnall=true`.
pub(super) fn answer(query: Query<'_>, mut saved: Vec<Value>) -> Reply {
    if query.flag("returnall") {
        return Reply::json(201, &Value::Array(saved));
    }
    match saved.pop() {
        Some(last) => Reply::json(201, &last),
        None => wire::model_state("", "A non-empty request body is required."),
    }
}

/// `DELETE /X/{id}`.
pub(super) fn delete<E: Entity>(pen: &mut Pen<'_>, id: i64) -> Reply {
    if pen.cx().there::<E>(id).is_none() {
        return Reply::empty(404);
    }
    pen.change::<E>(id, |_| {});
    let version = pen.world.version;
    let at = pen.state.indexes.position::<E>(E::rows(&pen.world.halo), id);
    let row = at.and_then(|at| E::rows_mut(&mut pen.world.halo).get_mut(at));
    if let Some(row) = row {
        E::mark_mut(row).gone = Some(version);
    }
    Reply::json(200, &json!({ "id": id }))
}

fn one<E: Entity>(pen: &mut Pen<'_>, el: Element<'_>, after: After<E>) -> Result<i64, Reply> {
    let linked = || el.int("id").map(|id| id.or_else(|| by_link(pen.own, E::TABLE, el)));
    let existing = match linked()? {
        Some(id) if pen.cx().find::<E>(id).is_some_and(index::there::<E>) => Some(id),
        Some(id) if id > 0 => return Err(Reply::empty(404)),
        _ => None,
    };
    let before = existing.and_then(|id| pen.cx().find::<E>(id).cloned());
    let id = match (existing, before.clone()) {
        (Some(id), Some(mut row)) => {
            E::merge(&pen.cx(), &mut row, el)?;
            pen.change::<E>(id, |place| *place = row);
            id
        }
        _ => {
            let (id, mark) = (pen.next_id::<E>(), pen.new_mark());
            let mut row = E::blank(&pen.cx(), id, mark, el)?;
            E::merge(&pen.cx(), &mut row, el)?;
            pen.push::<E>(row)
        }
    };
    keep_extras::<E>(pen.own, id, el);
    link(pen, E::TABLE, id, el, existing.is_none());
    after(pen, id, el, before.as_ref());
    Ok(id)
}

/// Keeps what the world has no place for. Properties that begin with an underscore are orders to
/// the server and not properties.
fn keep_extras<E: Entity>(own: &mut Own, id: i64, el: Element<'_>) {
    for (name, value) in el.map {
        let order = name.starts_with('_') || matches!(name.as_str(), "id" | "new_external_link");
        if order || E::MODELLED.contains(&name.as_str()) {
            continue;
        }
        let value = if name == "customfields" {
            let before = own.extra(E::PLACE, id, name).cloned();
            merge_custom_fields(before, value)
        } else if E::INTS.contains(&name.as_str()) {
            // Numbers that came as text are kept as numbers.
            el.int(name).ok().flatten().map_or(Value::Null, Value::from)
        } else {
            value.clone()
        };
        own.keep(E::PLACE, id, name, value);
    }
}

/// Custom fields merge one by one, by id or by name.
fn merge_custom_fields(before: Option<Value>, posted: &Value) -> Value {
    let mut fields = match before {
        Some(Value::Array(fields)) => fields,
        _ => Vec::new(),
    };
    for new in posted.as_array().into_iter().flatten() {
        let same = |old: &&mut Value| {
            ["id", "name"].iter().any(|key| {
                let (old, new) = (old.get(key).map(plain), new.get(key).map(plain));
                old.is_some() && old == new
            })
        };
        match fields.iter_mut().find(same).and_then(Value::as_object_mut) {
            Some(old) => old.extend(new.as_object().cloned().into_iter().flatten()),
            None => fields.push(new.clone()),
        }
    }
    Value::Array(fields)
}

/// The row that an upsert by external link means (`_match_thirdparty_id`).
fn by_link(own: &Own, table: i64, el: Element<'_>) -> Option<i64> {
    let theirs = el.text("_match_thirdparty_id")?;
    let module = el.int("_match_integration_id").ok().flatten();
    let name = el.text("_match_integration_name");
    let fits = |link: &&Object| {
        own::number(link, "table_id") == Some(table)
            && own::text(link, "third_party_id") == Some(&theirs)
            && (module.is_none() || own::number(link, "module_id") == module)
            && (name.is_none() || own::text(link, "integration_name") == name.as_deref())
    };
    own::number(own.links.iter().find(fits)?, "halo_id")
}

/// Makes the external link that was posted with a row (`new_external_link`, or the upsert's).
fn link(pen: &mut Pen<'_>, table: i64, id: i64, el: Element<'_>, created: bool) {
    let mut link = match el.raw("new_external_link").and_then(Value::as_object) {
        Some(posted) => posted.clone(),
        None if created && el.has("_match_thirdparty_id") => {
            let mut link = Object::new();
            for (from, to) in [
                ("_match_thirdparty_id", "third_party_id"),
                ("_match_integration_id", "module_id"),
                ("_match_integration_name", "integration_name"),
            ] {
                link.extend(el.raw(from).map(|v| (to.to_owned(), v.clone())));
            }
            link
        }
        None => return,
    };
    let now = Value::from(wire::stamp(pen.world.now(), id));
    link.insert("id".into(), own::next_id(&pen.own.links).into());
    link.insert("table_id".into(), table.into());
    link.insert("halo_id".into(), id.into());
    link.insert("date_created".into(), now.clone());
    link.insert("date_updated".into(), now);
    pen.own.links.push(link);
}
