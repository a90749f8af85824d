//! What the face keeps itself, because it is nobody's truth: webhooks, notifications, tabs, the
//! notes on a ticket, external links, and properties of rows that the world has no place for.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::index::Place;

/// An object.
pub(super) type Object = Map<String, Value>;

/// The face's own state.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// Webhooks.
    pub(super) webhooks: Vec<Object>,
    /// Notifications: what binds an event to a webhook.
    pub(super) notifications: Vec<Object>,
    /// Custom tabs.
    pub(super) tabs: Vec<Object>,
    /// Custom buttons.
    pub(super) buttons: Vec<Object>,
    /// External links.
    pub(super) links: Vec<Object>,
    /// Actions by ticket, oldest first.
    pub(super) actions: HashMap<i64, Vec<Object>>,
    /// Changes of assets that came through the API, oldest first.
    pub(super) asset_changes: Vec<Object>,
    /// Asset fields that callers invented, by id.
    pub(super) new_fields: BTreeMap<i64, String>,
    /// Values of asset fields by asset and field.
    pub(super) asset_fields: HashMap<i64, BTreeMap<i64, Value>>,
    /// Properties that the world has no place for.
    extras: HashMap<(Place, i64), Object>,
}

impl Own {
    /// What is kept beside the row.
    pub(super) fn extras(&self, place: Place, id: i64) -> Option<&Object> {
        if self.extras.is_empty() { None } else { self.extras.get(&(place, id)) }
    }

    /// One property kept beside the row.
    pub(super) fn extra(&self, place: Place, id: i64, name: &str) -> Option<&Value> {
        self.extras(place, id)?.get(name)
    }

    /// Keeps a property beside the row; null takes it away.
    pub(super) fn keep(&mut self, place: Place, id: i64, name: &str, value: Value) {
        let object = self.extras.entry((place, id)).or_default();
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.to_owned(), value);
        }
    }

    /// The external links of a row.
    pub(super) fn links_of(&self, table: i64, id: i64) -> Vec<Value> {
        let mine = |link: &&Object| {
            number(link, "table_id") == Some(table) && number(link, "halo_id") == Some(id)
        };
        self.links.iter().filter(mine).cloned().map(Value::Object).collect()
    }
}

/// A whole number of an object.
pub(super) fn number(object: &Object, name: &str) -> Option<i64> {
    object.get(name)?.as_i64()
}

/// A text of an object.
pub(super) fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// One more than the highest id.
pub(super) fn next_id(objects: &[Object]) -> i64 {
    objects.iter().filter_map(|o| number(o, "id")).max().unwrap_or(0) + 1
}
