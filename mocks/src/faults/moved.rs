//! Rows that left one page and arrive with the next: what paging over changing data does.

use std::collections::HashMap;

use serde_json::Value;
use url::Url;

use crate::vendor::{Call, Face, Listing};

/// More waiting pages than this are not kept: somebody stopped reading.
const MOST: usize = 10_000;

/// The rows, by the call that asks for the page they arrive with.
#[derive(Default)]
pub(super) struct Moved {
    waiting: HashMap<String, Vec<Value>>,
}

impl Moved {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn put(&mut self, key: String, row: Value) {
        if self.waiting.len() < MOST {
            self.waiting.entry(key).or_default().push(row);
        }
    }

    pub(super) fn take(&mut self, key: &str) -> Vec<Value> {
        self.waiting.remove(key).unwrap_or_default()
    }
}

/// Names a call by its face, path and query.
pub(super) fn key(face: Face, call: &Call) -> String {
    name(face, &call.path, call.query.clone())
}

/// Names the call that will ask for the next page: by the link, or by the page's number.
pub(super) fn next_key(
    face: Face,
    call: &Call,
    listing: &Listing,
    link: Option<&str>,
) -> Option<String> {
    if let Some(link) = link {
        let url = Url::parse(link).ok()?;
        let path = crate::server::decoded(url.path());
        return Some(name(face, &path, url.query_pairs().into_owned().collect()));
    }
    let mut query = call.query.clone();
    let (_, number) = query.iter_mut().find(|(name, value)| {
        let name = name.to_lowercase();
        name.contains("page") && !name.contains("size") && *value == listing.page.to_string()
    })?;
    *number = (listing.page + 1).to_string();
    Some(name(face, &call.path, query))
}

fn name(face: Face, path: &str, mut query: Vec<(String, String)>) -> String {
    query.sort_unstable();
    format!("{face:?} {} {query:?}", path.to_lowercase())
}
