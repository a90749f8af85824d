//! What systems send by themselves: `/webhooks/{connection}`. Whether it is the system who sends is the
//! connector's to say; what it told is stored before it is acknowledged, many senders in one transaction.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use core_connector::{Hook, Refusal, Sent, TRACES, Taken};
use core_store::{NewDelivery, Store};
use tokio::sync::{Notify, mpsc, oneshot};
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::Api;
use crate::asked::Asked;
use crate::problem::Problem;

/// Bytes that a system may send at once: Halo sends objects with all that is linked to them.
pub(crate) const LARGEST: u64 = 1024 * 1024;
/// Things told at once.
const MOST: usize = 1000;
/// Characters of a system's id of something told.
const LONGEST_ID: usize = 400;
/// Senders that wait for one transaction at most.
const FLOCK: usize = 512;
/// A header for senders that can set one and nothing else.
const SECRET: &str = "x-linchpin-secret";

/// Understands what a system sends, by its connection.
pub trait Understands: Send + Sync {
    /// What a request means; nothing where there is no such connection, or it takes nothing.
    fn take(&self, connection: &str, sent: &Sent<'_>) -> Option<Result<Taken, Refusal>>;
}

/// A request that waits to be stored.
type Waiting = (Vec<NewDelivery>, oneshot::Sender<bool>);

/// Stores what was told, and says so to whoever works it off.
#[derive(Clone)]
pub(crate) struct Intake(mpsc::Sender<Waiting>);

impl Intake {
    /// An intake into a store, which tells of what came.
    pub(crate) fn new(
        store: Store,
        came: Arc<Notify>,
        now: impl Fn() -> i64 + Send + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(4 * FLOCK);
        tokio::spawn(store_all(store, receiver, came, now));
        Self(sender)
    }

    /// Waits until it is stored.
    pub(crate) async fn store(&self, told: Vec<NewDelivery>) -> Result<(), Problem> {
        let (stored, done) = oneshot::channel();
        let stopping = || Problem::unavailable("the hub is stopping");
        self.0.send((told, stored)).await.map_err(|_| stopping())?;
        match done.await.map_err(|_| stopping())? {
            true => Ok(()),
            false => Err(Problem::unavailable("the database does not take it just now")),
        }
    }
}

/// Stores what waits, all of it in one transaction, until nobody is left to send.
async fn store_all(
    store: Store,
    mut waiting: mpsc::Receiver<Waiting>,
    came: Arc<Notify>,
    now: impl Fn() -> i64,
) {
    let mut flock: Vec<Waiting> = Vec::new();
    while waiting.recv_many(&mut flock, FLOCK).await > 0 {
        let mut all = Vec::new();
        let mut senders = Vec::new();
        for (told, sender) in flock.drain(..) {
            all.extend(told);
            senders.push(sender);
        }
        let stored = store.add_deliveries(&all, now()).await;
        if matches!(stored, Ok(new) if new > 0) {
            came.notify_one();
        }
        if let Err(error) = &stored {
            tracing::error!(%error, remedy = error.remedy(), "what systems sent was not stored");
        }
        for sender in senders {
            // Whoever does not wait any more sends it again.
            sender.send(stored.is_ok()).unwrap_or_default();
        }
    }
}

/// Takes what a system sent.
pub(crate) async fn post(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let connection = asked.id("connection").to_owned();
    let text = |name: &str| asked.headers.get(name).and_then(|value| value.to_str().ok());
    let path = match asked.id("rest") {
        "" => String::new(),
        rest => format!("/{rest}"),
    };
    let sent = Sent {
        path: &path,
        query: asked.uri.query().unwrap_or_default(),
        authorization: text(AUTHORIZATION.as_str()),
        secret: text(SECRET),
        body: &asked.body,
    };
    let taken = api.understands.take(&connection, &sent);
    let known = if taken.is_some() { connection.as_str() } else { "" };
    // That there is no such connection is not told from a wrong secret.
    let taken = taken.unwrap_or(Err(Refusal::Stranger));
    let span = tracing::info_span!(
        target: TRACES, "webhook.in", connection = known, outcome = Empty
    );
    let answered = answer(&api, &connection, taken).instrument(span.clone()).await;
    let outcome = match &answered {
        Ok(_) => "taken",
        Err(problem) => match problem.status().as_u16() {
            401 => "stranger",
            400 => "malformed",
            _ => "failed",
        },
    };
    span.record("outcome", outcome);
    api.metrics.webhook(known, outcome);
    answered
}

async fn answer(
    api: &Api,
    connection: &str,
    taken: Result<Taken, Refusal>,
) -> Result<Response, Problem> {
    match taken {
        Err(Refusal::Stranger) => Err(Problem::stranger()),
        Err(Refusal::Malformed(why)) => Err(Problem::wrong(why, "send what the system sends")),
        Ok(Taken::Handshake(text)) => {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            Ok((StatusCode::OK, [(CONTENT_TYPE, plain)], text).into_response())
        }
        Ok(Taken::Hooks(hooks)) => {
            let told = deliveries(connection, hooks)?;
            if !told.is_empty() {
                api.intake.store(told).await?;
            }
            Ok(StatusCode::ACCEPTED.into_response())
        }
    }
}

fn deliveries(connection: &str, hooks: Vec<Hook>) -> Result<Vec<NewDelivery>, Problem> {
    if hooks.len() > MOST {
        let why = format!("{} things are told at once, and {MOST} are taken", hooks.len());
        return Err(Problem::wrong(why, "have the system send less at once"));
    }
    let delivery = |hook: Hook| {
        if hook.id.chars().count() > LONGEST_ID {
            let why = format!("the id of a delivery has more than {LONGEST_ID} characters");
            return Err(Problem::wrong(why, "send what the system sends"));
        }
        let body = serde_json::to_string(&hook.hint)?;
        Ok(NewDelivery { connection: connection.to_owned(), id: hook.id, body })
    };
    hooks.into_iter().map(delivery).collect()
}
