//! An answer taken apart into its rows, its link to the next page and its totals.

use serde_json::{Map, Value};

use crate::vendor::{Listing, Reply, Rows};

const NEXT: &str = "@odata.nextLink";
const DELTA: &str = "@odata.deltaLink";
const TOTALS: &[&str] = &["record_count", "@odata.count"];
const TOTAL_HEADERS: &[&str] = &["total-count", "x-total-count", "link", "x-total-pages"];

/// A page of rows in JSON.
pub(super) struct Page {
    body: Value,
    key: Option<String>,
}

impl Page {
    /// Takes a good answer apart; none where it is no page of rows.
    pub(super) fn of(reply: &Reply, listing: &Listing) -> Option<Self> {
        if reply.status != 200 {
            return None;
        }
        let body: Value = serde_json::from_slice(&reply.body).ok()?;
        let key = match &listing.rows {
            Rows::Bare => None,
            Rows::Key(key) => Some(key.clone()),
        };
        let mut page = Self { body, key };
        page.rows()?;
        Some(page)
    }

    pub(super) fn rows(&mut self) -> Option<&mut Vec<Value>> {
        match &self.key {
            None => self.body.as_array_mut(),
            Some(key) => self.body.get_mut(key)?.as_array_mut(),
        }
    }

    pub(super) fn top(&mut self) -> Option<&mut Map<String, Value>> {
        self.body.as_object_mut()
    }

    pub(super) fn next(&self) -> Option<&str> {
        self.body.get(NEXT)?.as_str()
    }

    pub(super) fn set_next(&mut self, link: String) {
        if let Some(top) = self.top() {
            top.insert(NEXT.to_owned(), Value::String(link));
        }
    }

    /// Takes the link to the next page away; whether there was one.
    pub(super) fn drop_next(&mut self) -> bool {
        self.top().is_some_and(|top| top.remove(NEXT).is_some())
    }

    /// Takes the link to the next round away.
    pub(super) fn drop_delta(&mut self) {
        if let Some(top) = self.top() {
            top.remove(DELTA);
        }
    }

    /// Takes the totals away, in the body and in headers; whether there were any.
    pub(super) fn drop_totals(&mut self, reply: &mut Reply) -> bool {
        let before = reply.headers.len();
        reply.headers.retain(|(name, _)| !TOTAL_HEADERS.contains(&name.to_lowercase().as_str()));
        let mut dropped = reply.headers.len() < before;
        if let Some(top) = self.top() {
            for total in TOTALS {
                dropped |= top.remove(*total).is_some();
            }
        }
        dropped
    }

    /// The number of rows that the listing says it has.
    pub(super) fn total(&self, reply: &Reply) -> Option<u64> {
        let body = TOTALS.iter().find_map(|total| self.body.get(*total)?.as_u64());
        body.or_else(|| {
            let header = reply.headers.iter().find(|(name, _)| is_count(name));
            header?.1.parse().ok()
        })
    }

    /// Says that the listing has no rows.
    pub(super) fn zero_totals(&mut self, reply: &mut Reply) {
        for (_, value) in reply.headers.iter_mut().filter(|(name, _)| is_count(name)) {
            "0".clone_into(value);
        }
        if let Some(top) = self.top() {
            for total in TOTALS {
                if let Some(value) = top.get_mut(*total) {
                    *value = 0.into();
                }
            }
        }
    }

    pub(super) fn write(self, reply: &mut Reply) {
        reply.body = self.body.to_string().into_bytes();
    }
}

fn is_count(header: &str) -> bool {
    let header = header.to_lowercase();
    header == "total-count" || header == "x-total-count"
}
