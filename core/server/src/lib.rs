#![doc = include_str!("../README.md")]

mod access;
mod answer;
mod asked;
mod assets;
mod changes;
mod entities;
mod events;
mod health;
mod home;
mod limits;
mod openapi;
mod page;
mod pages;
mod params;
mod problem;
mod routes;
mod session;
mod tail;
mod technician;
mod webhooks;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use core_connector::{Refusal, Sent, Taken};
use core_daemon::{Health, Timer};
use core_model::id::AgentId;
use core_model::ticket::TicketView;
use core_store::Store;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use crate::access::Uses;
use crate::tail::Tail;
use crate::webhooks::Intake;

pub use crate::openapi::document as openapi;
pub use crate::session::SignIn;
pub use crate::technician::TechnicianTools;
pub use crate::webhooks::Understands;

/// Followers of the event log at once, over all callers.
const FOLLOWERS: usize = 2000;
/// Questions to [`Answers`] at once: each may read the whole model, and the daemon has work to do.
const QUESTIONS: usize = 1;

/// What is answered by the program around the server, which knows settings and rules.
#[async_trait]
pub trait Answers: Send + Sync {
    /// Where every stream of every connection stands.
    async fn status(&self) -> Result<Value, Unanswered>;

    /// What holds for a computer of this id, item by item; on a local day of its tenant, or at an
    /// instant, where one is given.
    async fn winners(&self, computer: &str, as_of: Option<&str>) -> Result<Value, Unanswered>;

    /// How people sign in, as it is set now.
    fn sign_in(&self) -> Arc<SignIn> {
        Arc::default()
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// It was asked wrongly; else it could not be answered.
    pub wrong: bool,
    /// What is wrong, for the one who asked where it was asked wrongly, and else for the log.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
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
}

/// Who is asked about tickets, and about what systems send by themselves.
pub struct Desk {
    /// About tickets.
    pub technician: Arc<dyn TechnicianTools>,
    /// About what systems send.
    pub understands: Arc<dyn Understands>,
    /// Is told that something was sent.
    pub came: Arc<Notify>,
}

impl Desk {
    /// That of a hub which looks up no tickets and takes nothing that anybody sends.
    #[must_use]
    pub fn closed() -> Self {
        let nobody = Arc::new(Nobody);
        Self { technician: Arc::clone(&nobody) as _, understands: nobody, came: Arc::default() }
    }
}

struct Nobody;

#[async_trait]
impl TechnicianTools for Nobody {
    fn framed_by(&self, _connection: &str) -> Option<String> {
        None
    }

    async fn ticket(&self, _: &str, _: &str) -> Result<Option<TicketView>, Unanswered> {
        Ok(None)
    }

    async fn join(&self, _agent: AgentId) -> Result<String, Unanswered> {
        let (what, remedy) = ("nothing is joined here".to_owned(), "ask another hub".to_owned());
        Err(Unanswered { wrong: true, what, remedy })
    }
}

impl Understands for Nobody {
    fn take(&self, _connection: &str, _sent: &Sent<'_>) -> Option<Result<Taken, Refusal>> {
        None
    }
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
            intake: Intake::new(store.clone(), desk.came, now_us),
            tail: Tail::new(store.clone()),
            store,
            health,
            timer,
            answers,
            uses: Uses::default(),
            followers: Arc::new(Semaphore::new(FOLLOWERS)),
            questions: Semaphore::new(QUESTIONS),
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
