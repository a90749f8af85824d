//! Spoils an answer that a face has given.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::engine::Drawn;
use super::rows::Page;
use super::{Fault, Faults, moved};
use crate::vendor::{Call, Listing, Reply, Vendor};

/// An answer and how it is sent.
pub(crate) struct Spoilt {
    pub(crate) reply: Reply,
    /// The connection breaks in the middle of the body.
    pub(crate) cut: bool,
    /// How long to wait before.
    pub(crate) wait: Option<Duration>,
}

const SIGN_IN_PAGE: &str = "<!DOCTYPE html>\r\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
    <title>Sign in</title></head><body><form method=\"post\" action=\"/login\">\
    <h1>Sign in to your account</h1><input name=\"user\"><input name=\"password\" type=\"password\">\
    <button>Sign in</button></form></body></html>";

/// Delivers rows on their way, and spoils the answer with what was drawn, if anything.
pub(crate) fn spoil(
    faults: &mut Faults,
    drawn: Option<Drawn>,
    vendor: &dyn Vendor,
    (call, listing): (&Call, Option<&Listing>),
    mut reply: Reply,
) -> Spoilt {
    if let Some(listing) = listing {
        deliver(faults, vendor, (call, listing), &mut reply);
    }
    let mut spoilt = Spoilt { reply, cut: false, wait: None };
    let Some(drawn) = drawn else {
        remember(faults, vendor, listing, &spoilt.reply);
        return spoilt;
    };
    let reply = &mut spoilt.reply;
    let done = match (drawn.fault, listing) {
        (Fault::Slow, _) => {
            spoilt.wait = Some(Duration::from_secs(2));
            true
        }
        (Fault::ConnectionCut, _) => {
            spoilt.cut = reply.body.len() > 1;
            spoilt.cut
        }
        (Fault::TruncatedBody, _) => {
            let half = reply.body.len() * 3 / 5;
            reply.body.truncate(half);
            half > 0
        }
        (Fault::HtmlPage, _) => {
            *reply = Reply::text(200, SIGN_IN_PAGE);
            reply.headers = vec![("content-type".into(), "text/html; charset=utf-8".into())];
            true
        }
        (fault, Some(listing)) => spoil_rows(faults, fault, vendor, (call, listing), reply),
        _ => false,
    };
    if !done {
        faults.give_back(drawn);
    }
    remember(faults, vendor, listing, &spoilt.reply);
    spoilt
}

/// Adds the rows that were moved to this page.
fn deliver(
    faults: &mut Faults,
    vendor: &dyn Vendor,
    (call, listing): (&Call, &Listing),
    reply: &mut Reply,
) {
    if faults.moved.is_empty() {
        return;
    }
    let Some(mut page) = Page::of(reply, listing) else { return };
    let arrived = faults.moved.take(&moved::key(vendor.face(), call));
    if arrived.is_empty() {
        return;
    }
    if let Some(rows) = page.rows() {
        rows.extend(arrived);
    }
    page.write(reply);
}

fn remember(faults: &mut Faults, vendor: &dyn Vendor, listing: Option<&Listing>, reply: &Reply) {
    let Some(listing) = listing.filter(|_| faults.remembers_pages(vendor.face())) else { return };
    let Some(mut page) = Page::of(reply, listing) else { return };
    if let Some(rows) = page.rows() {
        let key = format!("{:?} {}", vendor.face(), listing.name);
        faults.seen.insert(key, (listing.page, rows.clone()));
    }
}

/// Spoils the rows; whether there was something to spoil.
fn spoil_rows(
    faults: &mut Faults,
    fault: Fault,
    vendor: &dyn Vendor,
    (call, listing): (&Call, &Listing),
    reply: &mut Reply,
) -> bool {
    let Some(mut page) = Page::of(reply, listing) else { return false };
    let done = match fault {
        Fault::EmptyList => {
            page.drop_next();
            page.drop_delta();
            page.zero_totals(reply);
            page.rows().is_some_and(|rows| !std::mem::take(rows).is_empty())
        }
        Fault::ErrorBody => {
            reply.body = vendor.failure(&Fault::ServerError, call).body;
            if serde_json::from_slice::<Value>(&reply.body).is_err() {
                reply.body = json!({"error": "internal error"}).to_string().into_bytes();
            }
            return true;
        }
        Fault::NextMissing => page.drop_next() || page.drop_totals(reply),
        Fault::NextSelf => next_self(faults, vendor, (call, listing), &mut page),
        Fault::NextForeign => next_foreign(&mut page),
        Fault::DuplicateRow => duplicate(faults, &mut page),
        Fault::MovedRow => move_row(faults, vendor, (call, listing), (reply, &mut page)),
        Fault::UnknownFields => unknown_fields(&mut page),
        Fault::Nulls => nulls(&mut page),
        _ => false,
    };
    if done {
        page.write(reply);
    }
    done
}

/// The link points to this very page; in a numbered listing the page before comes again.
fn next_self(
    faults: &Faults,
    vendor: &dyn Vendor,
    (call, listing): (&Call, &Listing),
    page: &mut Page,
) -> bool {
    if page.next().is_some() {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(call.query.iter());
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        page.set_next(format!("{}{}{mark}{query}", call.base, call.path));
        return true;
    }
    let before = faults.seen.get(&format!("{:?} {}", vendor.face(), listing.name));
    match (before, page.rows()) {
        (Some((number, again)), Some(rows)) if number + 1 >= listing.page && listing.page > 1 => {
            again.clone_into(rows);
            true
        }
        _ => false,
    }
}

fn next_foreign(page: &mut Page) -> bool {
    let Some(mut url) = page.next().and_then(|link| Url::parse(link).ok()) else { return false };
    let moved = url.set_host(Some("graph.elsewhere.example")).is_ok() && url.set_port(None).is_ok();
    if moved {
        page.set_next(url.into());
    }
    moved
}

fn duplicate(faults: &mut Faults, page: &mut Page) -> bool {
    let Some(rows) = page.rows().filter(|rows| !rows.is_empty()) else { return false };
    let again = rows[faults.below(rows.len())].clone();
    rows.push(again);
    true
}

/// Takes a row off this page, if there will be a next one for it to arrive with.
fn move_row(
    faults: &mut Faults,
    vendor: &dyn Vendor,
    (call, listing): (&Call, &Listing),
    (reply, page): (&Reply, &mut Page),
) -> bool {
    let link = page.next().map(str::to_owned);
    let total = page.total(reply);
    let Some(rows) = page.rows() else { return false };
    let size = call.query.iter().find_map(|(name, value)| {
        let name = name.to_lowercase();
        (name.contains("page") && name.contains("size")).then(|| value.parse::<u64>().ok())?
    });
    let more = match (&link, total, size) {
        (Some(_), ..) => true,
        (None, Some(total), Some(size)) => u64::from(listing.page) * size < total,
        // No total: a full page makes every client ask for one more.
        (None, None, Some(size)) => rows.len() as u64 >= size,
        _ => false,
    };
    let key = moved::next_key(vendor.face(), call, listing, link.as_deref());
    let (Some(key), true, true) = (key, more, rows.len() > 1) else { return false };
    // In a page whose length says whether there are more, another row takes the place.
    let row = rows.remove(faults.below(rows.len()));
    if link.is_none() && total.is_none() {
        let stand_in = rows[0].clone();
        rows.push(stand_in);
    }
    faults.moved.put(key, row);
    true
}

fn unknown_fields(page: &mut Page) -> bool {
    let Some(rows) = page.rows().filter(|rows| !rows.is_empty()) else { return false };
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.insert(
            "zzIntroducedLastNight".into(),
            json!({"kind": "preview", "values": [1, 2.5, null]}),
        );
        row.insert("_beta".into(), json!("unannounced"));
    }
    if let Some(top) = page.top() {
        top.insert("@vendor.advisory".into(), json!(["read the news"]));
    }
    true
}

/// What one row has and another has not comes as null there.
fn nulls(page: &mut Page) -> bool {
    let Some(rows) = page.rows() else { return false };
    let mut names: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for row in rows.iter().filter_map(Value::as_object) {
        for name in row.keys().filter(|name| !name.contains('@')) {
            if known.insert(name.clone()) {
                names.push(name.clone());
            }
        }
    }
    // A tombstone is told by what it has: it gets no nulls.
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        if row.keys().any(|name| name.starts_with("@removed")) {
            continue;
        }
        for name in &names {
            row.entry(name.clone()).or_insert(Value::Null);
        }
    }
    !names.is_empty()
}
