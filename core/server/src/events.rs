//! The log of events as it grows: `GET /v1/events`, server-sent events.
//!
//! Nothing is kept for a follower but where it is. It is read on when the client takes what was
//! sent: one that does not costs a page of events and no more.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::Api;
use crate::access::{Caller, Scope};
use crate::changes::told;
use crate::params::{Params, sequence};
use crate::problem::Problem;
use crate::tail::Followed;

/// Parameters.
pub(crate) const EVENTS: &[&str] = &["since", "tenant"];

/// Events that are read from the store at once.
const BATCH: usize = 100;
/// A follower to whom nothing was said for so long hears that the line is open.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is looked whether the token still holds, in microseconds.
const LOOK_US: i64 = 10 * 1_000_000;

/// Somebody who follows.
struct Follower {
    api: Arc<Api>,
    caller: Caller,
    scope: Scope,
    /// The number up to which everything was read.
    at: i64,
    ready: VecDeque<Bytes>,
    grown: watch::Receiver<i64>,
    ended: watch::Receiver<bool>,
    checked_us: i64,
    _place: OwnedSemaphorePermit,
}

impl Api {
    /// Lets somebody follow.
    pub(crate) async fn events(
        self: &Arc<Self>,
        caller: &Caller,
        (uri, headers): (&Uri, &HeaderMap),
    ) -> Result<Response, Problem> {
        let params = Params::of(uri, EVENTS)?;
        let scope = self.scope(caller, params.get("tenant")).await?;
        let since = match headers.get("last-event-id") {
            // A client that comes back says where it was, and its address still says where it began.
            Some(id) => Some(sequence("Last-Event-ID", id.to_str().unwrap_or("unreadable"))?),
            None => params.since()?,
        };
        let at = match since {
            Some(since) => {
                self.must_exist(since).await?;
                since
            }
            None => self.store.last_event_seq().await?,
        };
        let Ok(place) = Arc::clone(&self.followers).try_acquire_owned() else {
            return Err(Problem::unavailable("as many follow the log as the hub lets"));
        };
        let follower = Follower {
            api: Arc::clone(self),
            caller: caller.clone(),
            scope,
            at,
            // Something at once, so that the client knows that it is connected.
            ready: VecDeque::from([Bytes::from_static(b"retry: 3000\n\n")]),
            grown: self.tail.follow(Followed::Events),
            ended: self.tail.ended(),
            checked_us: self.now_us(),
            _place: place,
        };
        let body = Body::from_stream(stream::unfold(follower, |mut follower| async move {
            let next = follower.next().await?;
            Some((Ok::<_, Infallible>(next), follower))
        }));
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
            // Or a proxy keeps events until it has enough of them.
            (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ];
        Ok((headers, body).into_response())
    }
}

impl Follower {
    /// What is said next; nothing where the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.ended.borrow() {
                return None;
            }
            let now_us = self.api.now_us();
            if now_us - self.checked_us >= LOOK_US {
                self.checked_us = now_us;
                if !self.api.still_holds(&self.caller).await {
                    return None;
                }
            }
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            // Before reading: what comes while it is read wakes it again.
            self.grown.mark_unchanged();
            match self.read().await {
                Ok(true) => continue,
                Ok(false) => {}
                // The client comes back, and goes on where it was.
                Err(_) => return None,
            }
            tokio::select! {
                grown = self.grown.changed() => grown.ok()?,
                ended = self.ended.changed() => ended.ok()?,
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }

    /// Reads on; says whether there was anything.
    async fn read(&mut self) -> Result<bool, Problem> {
        let events = self.api.store.events(self.at, BATCH).await?;
        let any = !events.is_empty();
        for event in events {
            self.at = event.sequence;
            if let Some(told) = told(event, &self.scope)? {
                let json = serde_json::to_string(&told)?;
                // Between the parts of JSON a line's end is a space; within a text there is none.
                let json = json.replace(['\r', '\n'], " ");
                let text = format!("id: {}\ndata: {json}\n\n", told.sequence);
                self.ready.push_back(text.into());
            }
        }
        Ok(any)
    }
}
