//! How the sessions of a ticket go, as it happens: each event is the part of the page that shows them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use core_store::SessionQuery;
use futures::StreamExt as _;
use futures::stream::unfold;
use tokio::sync::watch;
use tokio::time::Instant;

use super::page::{hindered, sessions_of};
use super::seen;
use crate::Api;
use crate::access::Caller;
use crate::asked::Asked;
use crate::problem::Problem;
use crate::tail::Followed;

/// How often it is looked whether who follows still may.
const STILL: Duration = Duration::from_secs(30);
/// How long after a database that did not answer is asked again.
const AGAIN: Duration = Duration::from_secs(1);

struct Following {
    api: Arc<Api>,
    caller: Caller,
    ticket: (String, String),
    after: i64,
    grown: watch::Receiver<i64>,
    checked: Instant,
}

/// Follows the sessions of a ticket.
pub(crate) async fn events(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let view = seen(&api, &asked).await?;
    let place = Arc::clone(&api.followers).try_acquire_owned();
    let place = place.map_err(|_| Problem::unavailable("too many follow already"))?;
    let following = Following {
        caller: asked.caller()?.clone(),
        ticket: (view.connection, view.key),
        // Before it is read where it stands: what comes between the two is heard.
        grown: api.tail.follow(Followed::Sessions),
        after: api.store.last_session_change().await?,
        checked: Instant::now(),
        api: Arc::clone(&api),
    };
    let mut ended = api.tail.ended();
    let stop = async move {
        // An error is that nobody is left to say it.
        drop(ended.wait_for(|ended| *ended).await);
        drop(place);
    };
    let events = unfold(following, next).map(Ok::<Event, Infallible>).take_until(Box::pin(stop));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// The next change; nothing where who follows may not any more.
async fn next(mut following: Following) -> Option<(Event, Following)> {
    loop {
        if following.checked.elapsed() >= STILL {
            following.checked = Instant::now();
            if !following.api.still_holds(&following.caller).await {
                return None;
            }
        }
        tokio::select! {
            grown = following.grown.changed() => grown.ok()?,
            () = tokio::time::sleep_until(following.checked + STILL) => continue,
        }
        let api = &following.api;
        // One number for all sessions: of another ticket most of the time.
        let last = *following.grown.borrow_and_update();
        if last <= following.after {
            continue;
        }
        let (connection, key) = &following.ticket;
        let ticket = Some((connection.as_str(), key.as_str()));
        let query = SessionQuery { ticket, ..SessionQuery::default() };
        let read = async {
            let sessions = api.store.sessions(query).await?;
            let all: Vec<_> = sessions.iter().map(|(_, session)| session.clone()).collect();
            Ok::<_, core_store::Error>((hindered(api, &all).await?, sessions))
        };
        let Ok((hindered, sessions)) = read.await else {
            following.grown.mark_changed();
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        let changed = sessions.iter().any(|(seq, _)| *seq > following.after);
        following.after = last;
        if changed {
            let sessions = sessions.into_iter().map(|(_, session)| session).collect();
            let csrf = following.caller.csrf().unwrap_or_default();
            let html = sessions_of(sessions, &hindered, (connection, key), csrf)?;
            return Some((Event::default().event("sessions").data(html), following));
        }
    }
}
