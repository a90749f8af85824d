//! What the face keeps itself, over the wire: webhooks, notifications, tabs, buttons, links.
//!
//! Events are bound to a webhook by notifications; `events` of a posted webhook is dropped without
//! a word. Secrets go in and never come out. Nothing is delivered from here: a face only answers.

use serde_json::{Value, json};
use uuid::Uuid;

use super::body::{Body, Element};
use super::entity::{self, Cx};
use super::own::{self, Object, Own};
use super::query::{Query, plain};
use super::save::{self, Pen};
use super::wire;
use crate::vendor::Reply;

/// One of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `/Webhook`.
    Webhook,
    /// `/Notification`.
    Notification,
    /// `/Tabs`.
    Tab,
    /// `/CustomButton`.
    Button,
    /// `/ExternalLink`.
    Link,
}

impl Kind {
    /// The list of that path.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "webhook" => Some(Self::Webhook),
            "notification" => Some(Self::Notification),
            "tabs" => Some(Self::Tab),
            "custombutton" => Some(Self::Button),
            "externallink" => Some(Self::Link),
            _ => None,
        }
    }

    fn rows(self, own: &Own) -> &Vec<Object> {
        match self {
            Self::Webhook => &own.webhooks,
            Self::Notification => &own.notifications,
            Self::Tab => &own.tabs,
            Self::Button => &own.buttons,
            Self::Link => &own.links,
        }
    }

    fn rows_mut(self, own: &mut Own) -> &mut Vec<Object> {
        match self {
            Self::Webhook => &mut own.webhooks,
            Self::Notification => &mut own.notifications,
            Self::Tab => &mut own.tabs,
            Self::Button => &mut own.buttons,
            Self::Link => &mut own.links,
        }
    }

    /// Properties that can be written and are never read back.
    fn secret(self, name: &str) -> bool {
        matches!((self, name), (Self::Webhook, "basic_password") | (Self::Tab, "new_iframe_secret"))
    }

    /// What a list can be filtered by: the parameter and the property it means.
    fn filters(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Webhook => &[("type", "type")],
            Self::Notification => &[("webhook_id", "webhook_id"), ("type", "type")],
            Self::Tab => &[("typeid", "tableid")],
            Self::Button => &[("msid", "msid"), ("typeid", "type")],
            Self::Link => &[
                ("table_id", "table_id"),
                ("module_id", "module_id"),
                ("halo_id", "halo_id"),
                ("details_id", "details_id"),
                ("third_party_id", "third_party_id"),
                ("third_party_secondary_id", "third_party_secondary_id"),
                ("third_party_type", "third_party_type"),
                ("third_party_desc", "third_party_desc"),
            ],
        }
    }
}

/// `GET` of a list: a bare array.
pub(super) fn list(cx: &Cx<'_>, kind: Kind) -> Reply {
    let fits = |row: &&Object| {
        kind.filters().iter().all(|(param, name)| {
            let wanted = cx.query.text(param);
            wanted.is_none_or(|w| row.get(*name).is_some_and(|v| plain(v).eq_ignore_ascii_case(w)))
        })
    };
    let rows = kind.rows(cx.own).iter().filter(fits);
    Reply::json(200, &rows.map(|row| shown(cx.own, kind, row)).collect())
}

/// `GET /X/{id}`.
pub(super) fn get(cx: &Cx<'_>, kind: Kind, id: &str) -> Reply {
    match kind.rows(cx.own).iter().find(|row| has_id(row, id)) {
        Some(row) => Reply::json(200, &shown(cx.own, kind, row)),
        None => Reply::empty(404),
    }
}

/// `POST /X`.
pub(super) fn post(pen: &mut Pen<'_>, kind: Kind, body: &Body) -> Result<Reply, Reply> {
    let mut saved = Vec::new();
    for el in body.elements() {
        let row = one(pen, kind, el)?;
        saved.push(shown(pen.own, kind, &row));
    }
    Ok(save::answer(Query::of(pen.call), saved))
}

/// `DELETE /X/{id}`.
pub(super) fn delete(pen: &mut Pen<'_>, kind: Kind, id: &str) -> Reply {
    let rows = kind.rows_mut(pen.own);
    let Some(at) = rows.iter().position(|row| has_id(row, id)) else { return Reply::empty(404) };
    let row = rows.remove(at);
    Reply::json(200, &json!({ "id": row.get("id") }))
}

/// `GET /WebhookEvent`: the log of deliveries. Nothing is delivered from here, so it is empty.
pub(super) fn events(cx: &Cx<'_>) -> Result<Reply, Reply> {
    entity::small_list(cx.query, "events", &[])
}

fn one(pen: &mut Pen<'_>, kind: Kind, el: Element<'_>) -> Result<Object, Reply> {
    let id = match kind {
        Kind::Webhook => el.text("id").filter(|id| !id.trim().is_empty()),
        _ => el.int("id")?.filter(|id| *id > 0).map(|id| id.to_string()),
    };
    let old = match &id {
        Some(id) => {
            let row = kind.rows(pen.own).iter().find(|row| has_id(row, id)).cloned();
            Some(row.ok_or_else(|| Reply::empty(404))?)
        }
        None => None,
    };
    let mut row = old.clone().unwrap_or_default();
    for (name, value) in el.map {
        if name.starts_with('_') || matches!(name.as_str(), "id" | "guid" | "events") {
            continue;
        }
        if value.is_null() {
            row.remove(name);
        } else {
            row.insert(name.clone(), value.clone());
        }
    }
    check(pen.own, kind, &row, old.is_none())?;
    if old.is_none() {
        complete(pen, kind, &mut row);
    }
    let now = Value::from(wire::stamp(pen.world.now(), 7));
    if kind == Kind::Link {
        row.insert("date_updated".into(), now);
    }
    let key = row.get("id").map(plain).unwrap_or_default();
    let rows = kind.rows_mut(pen.own);
    match rows.iter_mut().find(|row| has_id(row, &key)) {
        Some(place) => place.clone_from(&row),
        None => rows.push(row.clone()),
    }
    Ok(row)
}

/// Gives a new row its id and what Halo fills in.
fn complete(pen: &mut Pen<'_>, kind: Kind, row: &mut Object) {
    let guid = Value::from(Uuid::new_v4().to_string());
    if kind == Kind::Webhook {
        row.insert("id".into(), guid);
        for (name, value) in [
            ("type", json!(0)),
            ("active", json!(true)),
            ("method", json!(0)),
            ("authentication_type", json!(0)),
            ("content_type", json!("application/json")),
        ] {
            row.entry(name).or_insert(value);
        }
        return;
    }
    row.insert("id".into(), own::next_id(kind.rows(pen.own)).into());
    if kind == Kind::Link {
        let now = wire::stamp(pen.world.now(), 7);
        row.insert("date_created".into(), now.into());
    } else {
        row.insert("guid".into(), guid);
    }
}

fn check(own: &Own, kind: Kind, row: &Object, new: bool) -> Result<(), Reply> {
    if kind == Kind::Link {
        return match own::text(row, "third_party_id") {
            Some(id) if id.chars().count() > 1_000 => Err(wire::exception(
                "A database error occurred (8152) - String or binary data would be truncated.",
            )),
            _ => Ok(()),
        };
    }
    let name = own::text(row, "name").unwrap_or_default().trim();
    if name.is_empty() {
        return Err(wire::exception("Invalid Name"));
    }
    if kind != Kind::Webhook {
        return Ok(());
    }
    let id = row.get("id").map(plain);
    let taken = own.webhooks.iter().any(|other| {
        own::text(other, "name").is_some_and(|n| n.eq_ignore_ascii_case(name))
            && (new || other.get("id").map(plain) != id)
    });
    if taken {
        return Err(wire::exception("Name must be unique"));
    }
    let url = own::text(row, "url").unwrap_or_default();
    let good = url::Url::parse(url).is_ok_and(|u| u.has_host()) && url.len() <= 500;
    if own::number(row, "type").unwrap_or(0) == 0 && !good {
        return Err(wire::exception("Please enter a valid URL"));
    }
    Ok(())
}

fn has_id(row: &Object, id: &str) -> bool {
    row.get("id").map(plain).is_some_and(|own| own.eq_ignore_ascii_case(id.trim()))
}

fn shown(own: &Own, kind: Kind, row: &Object) -> Value {
    let mut row = row.clone();
    row.retain(|name, _| !kind.secret(name));
    if kind == Kind::Webhook {
        let id = row.get("id").map(plain).unwrap_or_default();
        let bound = own.notifications.iter().filter(|n| {
            n.get("webhook_id").map(plain).is_some_and(|w| w.eq_ignore_ascii_case(&id))
        });
        row.insert("events".into(), bound.cloned().map(Value::Object).collect());
    }
    Value::Object(row)
}
