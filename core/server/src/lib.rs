#![doc = include_str!("../README.md")]

mod access;
mod admin;
mod answer;
mod asked;
mod assets;
mod changes;
mod deeds;
mod desk;
mod docs;
mod entities;
mod events;
mod health;
mod home;
mod jobs;
mod limits;
mod maintenance;
mod metrics;
mod notification;
mod openapi;
mod page;
mod pages;
mod params;
mod password;
mod problem;
mod provider;
mod repeat;
mod routes;
mod runner;
mod session;
mod sessions;
mod sign_in;
mod tail;
mod technician;
mod webhooks;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use core_daemon::{Health, Metrics, Timer};
use core_model::postpone::PostponeRules;
use core_model::queue::QueueRules;
use core_model::session::Session;
use core_runner_hub::Office;
use core_store::{Bars, Store};
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::access::Uses;
use crate::tail::Tail;
use crate::webhooks::Intake;

pub use crate::admin::{account as account_as_json, line as audit_as_json};
pub use crate::deeds::{Ask, Defined, ScheduleAsk, Takes};
pub use crate::desk::Desk;
pub use crate::notification::Notice;
pub use crate::openapi::document as openapi;
pub use crate::password::{SHORTEST as SHORTEST_PASSWORD, hash_password};
pub use crate::provider::{Fetch, Fetched, Grant, Provider};
pub use crate::session::SignIn;
pub use crate::technician::{Exception, TechnicianTools};
pub use crate::webhooks::Understands;

/// Followers of the event log at once, over all callers.
const FOLLOWERS: usize = 2000;
/// Questions to [`Answers`] at once: each may read the whole model, and the daemon has work to do.
const QUESTIONS: usize = 1;

/// Passwords that are compared at once: each takes a processor and 19 MiB for a while.
const HASHING: usize = 1;

/// What is answered by the program around the server, which knows settings and rules.
#[async_trait]
pub trait Answers: Send + Sync {
    /// Where every stream of every connection stands.
    async fn status(&self) -> Result<Value, Unanswered>;

    /// What holds for a computer of this id, item by item; on a local day of its tenant, or at an
    /// instant, where one is given.
    async fn winners(&self, computer: &str, as_of: Option<&str>) -> Result<Value, Unanswered>;

    /// Answers, or does, what is asked: what is there of whom was looked at before.
    async fn answer(&self, _question: Question) -> Result<Value, Unanswered> {
        let what = "this program has no answer to that".to_owned();
        Err(Unanswered { what, ..Unanswered::default() })
    }

    /// How sessions wait, and how many run, as it is set now.
    fn queue_rules(&self) -> QueueRules {
        QueueRules::default()
    }

    /// Why nothing is done about a session any more, by what is known and defined now: asked of each that
    /// an engine is about to get.
    async fn bars(&self) -> Result<Arc<Bars<'static>>, Unanswered> {
        Ok(Arc::new(|_| None))
    }

    /// How a session may be postponed, by the clock of its tenant.
    async fn postponing(&self, _session: &Session) -> Result<PostponeRules, Unanswered> {
        Ok(PostponeRules::default())
    }

    /// What the page shows of a session that somebody was told of.
    async fn notice(&self, _session: &Session) -> Result<Notice, Unanswered> {
        Ok(Notice::default())
    }

    /// The secret that the hub keeps under a name, for a script that is given it; none where it keeps none.
    async fn secret(&self, _name: &str) -> Result<Option<core_connector::Secret>, Unanswered> {
        Ok(None)
    }

    /// How people sign in, as it is set now.
    fn sign_in(&self) -> Arc<SignIn> {
        Arc::default()
    }

    /// Has a span go on with the trace that a request names (`traceparent`). Called before the span is
    /// entered, for known callers of `/v1`, and only where there are traces.
    fn continues(&self, _span: &tracing::Span, _traceparent: &str) {}

    /// What answers the hub's own runners; none where it has none.
    fn runners(&self) -> Option<Office> {
        None
    }

    /// Asks another system over HTTP, for signing in by an OpenID Connect provider.
    async fn fetch(&self, _request: Fetch) -> Result<Fetched, String> {
        Err("this program asks nobody".to_owned())
    }
}

/// What is asked of the program around the server.
#[derive(Clone, Debug)]
pub struct Question {
    /// What.
    pub ask: Ask,
    /// The part of the path that names something; empty where none does.
    pub id: String,
    /// Parameters, each known to the route.
    pub params: BTreeMap<String, String>,
    /// Fields of the body, each known to the route and of its type.
    pub body: Map<String, Value>,
    /// Who asks, as the history calls them.
    pub by: String,
    /// Ids of the tenants whose things the answer may hold; none is all.
    pub tenants: Option<Vec<String>>,
}

impl Question {
    /// A field of the body that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }

    /// A field of the body that is a list of texts.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<String> {
        let list = self.body.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// A field of the body that is yes or no.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.body.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// Whether something of a tenant, by its id, may be in the answer.
    #[must_use]
    pub fn sees(&self, tenant: Option<&str>) -> bool {
        let tenants = self.tenants.as_ref();
        tenants.is_none_or(|all| tenant.is_some_and(|tenant| all.iter().any(|one| one == tenant)))
    }

    /// What the log of changes says that it is about.
    fn subject(&self) -> String {
        if !self.id.is_empty() {
            return self.id.clone();
        }
        match self.text("connection").or_else(|| self.text("note")) {
            Some(named) => named.to_owned(),
            None => self.texts("connections").join(", "),
        }
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unanswered {
    /// It was asked wrongly; else it could not be answered.
    pub wrong: bool,
    /// It was asked rightly, and waits for somebody's word, or contradicts what there is.
    pub held: bool,
    /// What the path names is not there.
    pub missing: bool,
    /// What is wrong, for the one who asked where it was asked wrongly, and else for the log.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// The same one by one, for machines.
    pub problems: Vec<Value>,
}

/// What is served. Shared by all connections.
pub struct Api {
    store: Store,
    health: Arc<Health>,
    timer: Arc<dyn Timer>,
    answers: Arc<dyn Answers>,
    tail: Tail,
    uses: Uses,
    followers: Arc<Semaphore>,
    questions: Semaphore,
    technician: Arc<dyn TechnicianTools>,
    understands: Arc<dyn Understands>,
    intake: Intake,
    metrics: Arc<Metrics>,
    hashing: Semaphore,
    provider: provider::Known,
    crowd: runner::Crowd,
    strangers: notification::Strangers,
}

impl Api {
    /// What is in this store, by this clock.
    #[must_use]
    pub fn new(
        store: Store,
        health: Arc<Health>,
        timer: Arc<dyn Timer>,
        answers: Arc<dyn Answers>,
        desk: Desk,
    ) -> Arc<Self> {
        let clock = Arc::clone(&timer);
        let now_us = move || clock.now().timestamp_micros();
        Arc::new(Self {
            technician: desk.technician,
            understands: desk.understands,
            metrics: desk.metrics,
            intake: Intake::new(store.clone(), desk.came, now_us),
            tail: Tail::new(store.clone()),
            store,
            health,
            timer,
            answers,
            uses: Uses::default(),
            followers: Arc::new(Semaphore::new(FOLLOWERS)),
            questions: Semaphore::new(QUESTIONS),
            hashing: Semaphore::new(HASHING),
            provider: provider::Known::default(),
            crowd: runner::Crowd::default(),
            strangers: notification::Strangers::default(),
        })
    }

    fn now_us(&self) -> i64 {
        self.timer.now().timestamp_micros()
    }
}

/// Every path there is, with everything around it.
pub fn router(api: Arc<Api>) -> Router {
    routes::router(api)
}

/// Answers until it is to stop; answers that are under way are finished, and streams end.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    api: Arc<Api>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let ending = Arc::clone(&api);
    let stop = async move {
        stop.await;
        ending.tail.end();
    };
    let service = router(api).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}
