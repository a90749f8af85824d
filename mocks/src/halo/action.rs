//! `/Actions`: what was done on a ticket. An action's id counts within its ticket only.

use chrono::Duration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::{Body, Element};
use super::catalogue;
use super::entity::Cx;
use super::own::{self, Object};
use super::query::Query;
use super::save::{self, Pen};
use super::ticket::Tickets;
use super::wire;
use crate::vendor::Reply;

/// Whole numbers of an action, besides its keys.
const INTS: &[&str] = &["outcome_id", "new_status", "new_agent", "who_agentid"];

/// `GET /Actions`: by ticket, or at most one day of all tickets; anything wider is empty.
pub(super) fn list(cx: &Cx<'_>) -> Result<Reply, Reply> {
    let ticket = cx.query.id("ticket_id")?;
    let rows: Vec<&Object> = match ticket {
        Some(id) if cx.there::<Tickets>(id).is_none() => return Err(Reply::empty(404)),
        Some(id) => cx.own.actions.get(&id).into_iter().flatten().rev().collect(),
        None => of_one_day(cx),
    };
    let hidden = |row: &&Object| row.get("hiddenfromuser") == Some(&Value::Bool(true));
    let system = |row: &&Object| own::number(row, "who_type") == Some(0);
    let rows = rows.into_iter().filter(|row| {
        let left_out = (cx.query.flag("excludeprivate") && hidden(row))
            || (cx.query.flag("excludesys") && system(row))
            || (cx.query.flag("agentonly") && own::number(row, "who_type") != Some(1));
        !left_out
    });
    let most = cx.query.text("count").and_then(|c| c.parse().ok()).unwrap_or(usize::MAX);
    let html = cx.query.flag("includehtmlnote");
    let rows: Vec<Value> = rows.take(most).map(|row| shown(row, html)).collect();
    let mut envelope = json!({ "record_count": rows.len(), "actions": rows });
    if let (Some(id), Some(object)) = (ticket, envelope.as_object_mut()) {
        object.insert("ticket_id".into(), id.into());
    }
    Ok(Reply::json(200, &envelope))
}

/// `GET /Actions/{id}?ticket_id=`.
pub(super) fn get(cx: &Cx<'_>, id: i64) -> Result<Reply, Reply> {
    let ticket = cx.query.id("ticket_id")?;
    let ticket = ticket.ok_or_else(|| wire::exception("ticket_id must be specified"))?;
    let mut rows = cx.own.actions.get(&ticket).into_iter().flatten();
    let row = rows.find(|row| own::number(row, "id") == Some(id));
    row.map(|row| Reply::json(200, &shown(row, true))).ok_or_else(|| Reply::empty(404))
}

/// `POST /Actions`.
pub(super) fn post(pen: &mut Pen<'_>, body: &Body) -> Result<Reply, Reply> {
    let elements = body.elements();
    for el in &elements {
        el.check(&["id", "ticket_id"])?;
        el.check(INTS)?;
        el.number("timetaken")?;
    }
    let mut saved = Vec::new();
    for el in elements {
        saved.push(Value::Object(one(pen, el)?));
    }
    Ok(save::answer(Query::of(pen.call), saved))
}

/// `DELETE /Actions/{id}?ticket_id=`.
pub(super) fn delete(pen: &mut Pen<'_>, id: i64) -> Result<Reply, Reply> {
    let ticket = Query::of(pen.call).id("ticket_id")?;
    let ticket = ticket
        .ok_or_else(|| wire::exception("ticket_id must be included when deleting an Action"))?;
    let rows = pen.own.actions.get_mut(&ticket).ok_or_else(|| Reply::empty(404))?;
    let before = rows.len();
    rows.retain(|row| own::number(row, "id") != Some(id));
    if rows.len() == before {
        return Err(Reply::empty(404));
    }
    pen.change::<Tickets>(ticket, |_| {});
    Ok(Reply::json(200, &json!({ "id": id, "ticket_id": ticket })))
}

/// Adds an action that the API agent did.
pub(super) fn add(pen: &mut Pen<'_>, ticket: i64, outcome: &str, note: &str) {
    let mut row = Object::new();
    row.insert("outcome".into(), outcome.into());
    row.insert("note".into(), note.into());
    insert(pen, ticket, row);
}

fn one(pen: &mut Pen<'_>, el: Element<'_>) -> Result<Object, Reply> {
    let ticket = el.int("ticket_id")?.filter(|id| *id > 0);
    let ticket =
        ticket.ok_or_else(|| wire::exception("An Action must be associated with a ticket_id"))?;
    let status = match pen.cx().there::<Tickets>(ticket) {
        Some(row) => row.status,
        None => return Err(Reply::empty(404)),
    };
    if let Some(id) = el.int("id")?.filter(|id| *id > 0) {
        let rows = pen.own.actions.get_mut(&ticket).into_iter().flatten();
        let row = rows.into_iter().find(|row| own::number(row, "id") == Some(id));
        let row = row.ok_or_else(|| Reply::empty(404))?;
        row.extend(properties(el));
        let row = row.clone();
        pen.change::<Tickets>(ticket, |_| {});
        return Ok(row);
    }
    let mut row: Object = properties(el).collect();
    let id = el.int("outcome_id")?.filter(|id| *id > 0);
    let name = el.text("outcome").filter(|name| !name.trim().is_empty());
    let known = id.and_then(|id| catalogue::OUTCOMES.iter().find(|(o, _)| *o == id));
    let outcome = name.or_else(|| known.map(|(_, name)| (*name).to_owned()));
    if outcome.is_none() && id.is_none() {
        return Err(wire::exception("An Outcome must be entered for this Action"));
    }
    row.extend(outcome.map(|name| ("outcome".to_owned(), Value::from(name))));
    let new = el.int("new_status")?.filter(|s| *s > 0).unwrap_or(status);
    row.insert("old_status".into(), status.into());
    row.insert("new_status".into(), new.into());
    let name = catalogue::STATUSES.iter().find(|(s, _)| *s == new).map(|(_, name)| *name);
    row.extend(name.map(|name| ("new_status_name".to_owned(), Value::from(name))));
    let saved = insert(pen, ticket, row);
    pen.change::<Tickets>(ticket, |row| row.status = new);
    Ok(saved)
}

/// Orders to the server and the keys are no properties.
fn properties<'a>(el: Element<'a>) -> impl Iterator<Item = (String, Value)> + 'a {
    let own = |name: &str| name.starts_with('_') || matches!(name, "id" | "ticket_id");
    let each = el.map.iter().filter(move |(name, value)| !own(name) && !value.is_null());
    each.map(move |(name, value)| {
        let number = INTS.contains(&name.as_str()).then(|| el.int(name).ok().flatten()).flatten();
        (name.clone(), number.map_or_else(|| value.clone(), Value::from))
    })
}

fn insert(pen: &mut Pen<'_>, ticket: i64, row: Object) -> Object {
    let now = pen.world.now();
    let rows = pen.own.actions.entry(ticket).or_default();
    let id = own::next_id(rows);
    let at = Value::from(wire::stamp(now, id));
    let mut whole = Object::new();
    for (name, value) in [
        ("id", id.into()),
        ("ticket_id", ticket.into()),
        ("guid", Uuid::new_v4().to_string().into()),
        ("who", "API Agent".into()),
        ("who_type", 1.into()),
        ("who_agentid", catalogue::API_AGENT.into()),
        ("datetime", at.clone()),
        ("actiondatecreated", at.clone()),
        ("last_updated", at),
        ("hiddenfromuser", false.into()),
        ("important", false.into()),
        ("sendemail", false.into()),
        ("timetaken", 0.0.into()),
    ] {
        whole.insert(name.to_owned(), value);
    }
    whole.extend(row);
    rows.push(whole.clone());
    whole
}

fn of_one_day<'a>(cx: &Cx<'a>) -> Vec<&'a Object> {
    let (Some(from), Some(to)) = (cx.query.instant("startdate"), cx.query.instant("enddate"))
    else {
        return Vec::new();
    };
    if to - from > Duration::days(1) {
        return Vec::new();
    }
    let when = |row: &Object| own::text(row, "datetime").and_then(wire::instant);
    let mut rows: Vec<&Object> = cx
        .own
        .actions
        .values()
        .flatten()
        .filter(|row| when(row).is_some_and(|at| from <= at && at <= to))
        .collect();
    rows.sort_by_key(|row| (own::number(row, "ticket_id"), own::number(row, "id")));
    rows
}

fn shown(row: &Object, html: bool) -> Value {
    let mut row = row.clone();
    if html {
        let note = own::text(&row, "note").unwrap_or_default().to_owned();
        row.entry("note_html").or_insert_with(|| format!("<p>{note}</p>").into());
    } else {
        row.remove("note_html");
    }
    Value::Object(row)
}
