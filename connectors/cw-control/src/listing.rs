//! Stream `sessions`: one answer with every session.
//!
//! There are no pages, no total and no word about what is gone. The closing bracket of the array
//! is the proof that it is whole, and an empty array is believed only when it comes twice: a busy
//! server answers so instead of failing.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Changes, Error, ErrorKind, Page, Proof, Result, Resume, Scope, Source};
use core_http::{Answer, Request, decode};
use core_model::record::Record;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::client::{Api, Reading};
use crate::session::{self, Owner};
use crate::wire::Session;

/// The sessions of a server, as a source.
pub(crate) struct Sessions(Arc<Api>);

impl Sessions {
    pub(crate) fn new(api: &Arc<Api>) -> Self {
        Self(Arc::clone(api))
    }
}

#[async_trait]
impl Source for Sessions {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn page(&self, _scope: &Scope, from: Resume) -> Result<Page> {
        if matches!(from, Resume::From(_)) {
            let detail = "sessions are read in one piece and have no checkpoint";
            return Err(Error::new(ErrorKind::CheckpointExpired, "GetSessionsByFilter", detail));
        }
        let api = &self.0;
        let request = by_filter(api, &api.reading.filter);
        let read = |answer: &Answer| read(answer, &api.reading);
        let (page, empty) = api.http.call(&request, read).await?;
        if !empty {
            return Ok(page);
        }
        let (page, empty) = api.http.call(&request, read).await?;
        let how = if empty { "the list was empty twice" } else { WHOLE };
        Ok(Page { proof: Proof::Ended { how }, ..page })
    }
}

const WHOLE: &str = "the list of all sessions closed";

/// A read, for all that it is a POST.
pub(crate) fn by_filter(api: &Api, filter: &str) -> Request {
    api.method("GetSessionsByFilter", &[json!(filter)]).repeatable()
}

/// The rows of an answer, borrowed from it: there may be a hundred thousand.
pub(crate) fn rows(answer: &Answer) -> Result<Vec<&RawValue>> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        // The toolkit says better what came instead; valid JSON that is no list it cannot know.
        let other = decode::json::<serde::de::IgnoredAny>(answer).err();
        other.unwrap_or_else(|| {
            let detail = format!("the answer is no list of sessions: {error}");
            Error::new(ErrorKind::Protocol, &answer.operation, detail)
        })
    })
}

/// The page, and whether the list was empty.
fn read(answer: &Answer, reading: &Reading) -> Result<(Page, bool)> {
    let rows = rows(answer)?;
    let mut agents = Vec::with_capacity(rows.len());
    let mut owners = BTreeSet::new();
    let mut rejected = Vec::new();
    for row in &rows {
        match decode::row::<Session>(row, key) {
            Ok(session) if session::is_agent(&session) => {
                owners.extend(Owner::of(&session, reading));
                agents.push(session::record(&session, reading, row.get()));
            }
            Ok(_) => {}
            Err(one) => rejected.push(one),
        }
    }
    let mut records = owned(&owners);
    records.append(&mut agents);
    let page = Page {
        records,
        gone: Vec::new(),
        rejected,
        checkpoint: None,
        proof: Proof::Ended { how: WHOLE },
        bytes: answer.body.len() as u64,
    };
    Ok((page, rows.is_empty()))
}

/// Customers and places, each once, before the agents that name them.
fn owned(owners: &BTreeSet<Owner>) -> Vec<Record> {
    let clients: BTreeSet<&str> = owners.iter().map(|owner| owner.client.as_str()).collect();
    let sites = owners.iter().filter_map(Owner::site_record);
    clients.into_iter().map(Owner::client_record).chain(sites).collect()
}

fn key(row: &Value) -> Option<String> {
    Some(row.get("SessionID")?.as_str()?.to_lowercase())
}
