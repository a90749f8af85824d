//! What the API answers from settings and rules: the same as the commands.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use core_daemon::Order;
use core_model::postpone::PostponeRules;
use core_model::queue::QueueRules;
use core_model::session::Session;
use core_model::stop::StopKind;
use core_resolve::RunKind;
use core_runner_hub::Office;
use core_server::{
    Answers, Ask, Fetch, Fetched, Notice, Question, ScheduleAsk, SignIn, Unanswered,
};
use core_store::Bars;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, watch};

use crate::cli::{EdgesArgs, ReconcileArgs, WhenArgs};
use crate::commands::{
    decide, edges, link, needs, pin, reconcile, requests, runs, status, stops, winners,
};
use crate::context::Context;
use crate::failure::Failure;
use crate::foreman::{bar, kept_secret};
use crate::live::Kept;
use crate::notify::{self, Place};
use crate::traces;
use crate::world::World;

mod hub;
mod rules;
mod schedules;

/// Runs that are told at once, and that are told where nobody says how many.
const MOST_RUNS: usize = 500;
const USUAL_RUNS: usize = 50;

/// Answers by the settings that are in force when it is asked.
pub(super) struct OfSettings {
    /// The settings.
    pub(super) in_force: watch::Receiver<Arc<Context>>,
    /// The daemon's own hub.
    pub(super) desks: watch::Receiver<core_daemon::Desk>,
    /// Where the daemon takes orders.
    pub(super) orders: mpsc::Sender<Order>,
    /// Whoever works off jobs is told that there is one.
    pub(super) jobs: Arc<Notify>,
    /// What is known now.
    pub(super) kept: Arc<Kept>,
}

impl OfSettings {
    fn context(&self) -> Arc<Context> {
        Arc::clone(&self.in_force.borrow())
    }

    async fn act(&self, question: &Question) -> Result<Value, Failure> {
        let context = self.context();
        let when =
            WhenArgs { as_of: param(question, "as_of"), known_at: param(question, "known_at") };
        let sees = |tenant: &str| question.sees(Some(tenant));
        match question.ask {
            Ask::Edges => {
                let (from, until) = (param(question, "from"), param(question, "until"));
                edges::answer(&context, &EdgesArgs { from, until, all: true }, &sees).await
            }
            Ask::Reconcile => {
                let args = ReconcileArgs { agreement: param(question, "agreement"), when };
                reconcile::answer(&context, &args, &sees).await
            }
            Ask::Decide | Ask::Link | Ask::Pin => decided(&context, question).await,
            Ask::Requests => {
                let all = param(question, "all").is_some_and(|all| all == "true");
                requests::answer(&context, all).await
            }
            Ask::Request => requests::answer_one(&context, number(question)?).await,
            Ask::Runs => {
                let limit = match param(question, "limit") {
                    Some(text) => count(&text)?,
                    None => USUAL_RUNS,
                };
                let connection = param(question, "connection");
                runs::answer(&context.store, limit, connection.as_deref()).await
            }
            Ask::Sync => self.sync(&context, question).await,
            Ask::Needs => Ok(json!({
                "version": env!("CARGO_PKG_VERSION"),
                "time_zone": context.config.time_zone.name(),
                "items": needs::all(&context).await?,
            })),
            Ask::Resolve
            | Ask::Preview
            | Ask::Explain
            | Ask::Definitions
            | Ask::Plan
            | Ask::Apply
            | Ask::Approve
            | Ask::Reject => rules::act(&context, question).await,
            Ask::Schedule(ask) => schedules::act(&context, question, ask).await,
            Ask::Stops => stops::answer(&context, &sees).await,
            Ask::Stop | Ask::Resume => stop(&context, question).await,
            _ => hub::act(self, &context, question).await,
        }
    }

    async fn winners_of(&self, computer: &str, as_of: Option<&str>) -> Result<Value, Failure> {
        let context = self.context();
        let world = match as_of {
            None => self.kept.world(&context).await?,
            Some(as_of) => {
                let when = WhenArgs { as_of: Some(as_of.to_owned()), known_at: None };
                Arc::new(World::load(&context, &when, RunKind::Maintenance).await?)
            }
        };
        winners::of_computer(&world, &context.store, computer).await
    }

    /// Tells the daemon to read a connection now.
    async fn sync(&self, context: &Context, question: &Question) -> Result<Value, Failure> {
        let connection = question.text("connection").unwrap_or_default().to_owned();
        context.config.named(std::slice::from_ref(&connection))?;
        let stream = question.text("stream").map(str::to_owned);
        if let Some(stream) = &stream {
            hub::must_have(&self.desks.borrow().hub, std::slice::from_ref(&connection), stream)?;
        }
        let full = question.is("full");
        let order = Order::Read { connection: connection.clone(), full, stream: stream.clone() };
        self.orders.send(order).await.map_err(|_| {
            Failure::failed("the daemon is stopping").with_remedy("ask again once it is back")
        })?;
        Ok(json!({ "connection": connection, "full": full, "stream": stream, "state": "asked" }))
    }
}

#[async_trait]
impl Answers for OfSettings {
    async fn status(&self) -> Result<Value, Unanswered> {
        status::as_json(&self.context()).await.map_err(|failure| unanswered(&failure))
    }

    async fn winners(&self, computer: &str, as_of: Option<&str>) -> Result<Value, Unanswered> {
        let items = self.winners_of(computer, as_of).await;
        Ok(json!({ "items": items.map_err(|failure| unanswered(&failure))? }))
    }

    async fn answer(&self, question: Question) -> Result<Value, Unanswered> {
        self.act(&question).await.map_err(|failure| {
            let mut unanswered = unanswered(&failure);
            // What the path names.
            unanswered.missing = unanswered.wrong && names_one(&question);
            // What is alike, or ambiguous, may be another tenant's.
            let of_some = question.tenants.is_some() && question.ask != Ask::Decide;
            match of_some && unanswered.wrong {
                true => Unanswered {
                    what: "something that was named is not there, or is not for this caller"
                        .to_owned(),
                    remedy: "check ids, names and dates; ids are surest".to_owned(),
                    problems: Vec::new(),
                    ..unanswered
                },
                false => unanswered,
            }
        })
    }

    fn queue_rules(&self) -> QueueRules {
        self.in_force.borrow().config.queue
    }

    async fn bars(&self) -> Result<Arc<Bars<'static>>, Unanswered> {
        let world = self.kept.world(&self.context()).await;
        let world = world.map_err(|failure| unanswered(&failure))?;
        Ok(Arc::new(move |session| bar(&world, session)))
    }

    async fn postponing(&self, session: &Session) -> Result<PostponeRules, Unanswered> {
        let context = self.context();
        let place = Place::of(&context, &self.kept, session).await;
        let place = place.map_err(|failure| unanswered(&failure))?;
        Ok(context.config.notification.postponing(place.zone))
    }

    async fn notice(&self, session: &Session) -> Result<Notice, Unanswered> {
        let notice = notice(&self.context(), &self.kept, session).await;
        notice.map_err(|failure| unanswered(&failure))
    }

    async fn secret(&self, name: &str) -> Result<Option<core_connector::Secret>, Unanswered> {
        kept_secret(&self.context(), name).await.map_err(|failure| unanswered(&failure))
    }

    fn sign_in(&self) -> Arc<SignIn> {
        self.in_force.borrow().sign_in()
    }

    fn runners(&self) -> Option<Office> {
        self.in_force.borrow().config.runners()
    }

    fn continues(&self, span: &tracing::Span, traceparent: &str) {
        traces::go_on(span, traceparent);
    }

    async fn fetch(&self, request: Fetch) -> Result<Fetched, String> {
        core_http::fetch(request).await.map_err(|error| error.to_string())
    }
}

/// Whether the path names what is asked about, and nothing else does.
fn names_one(question: &Question) -> bool {
    match question.ask {
        Ask::Schedule(ask) => !matches!(ask, ScheduleAsk::List | ScheduleAsk::Next),
        ask => matches!(ask, Ask::Definition(_) | Ask::Run),
    }
}

/// What the page of a notification shows, in the colours of today.
async fn notice(
    context: &Arc<Context>,
    kept: &Arc<Kept>,
    session: &Session,
) -> Result<Notice, Failure> {
    let place = Place::of(context, kept, session).await?;
    let brand = notify::brand_of(context, &place, place.day(Utc::now()))?;
    let plan = notify::plan_of(context, session).await?;
    let actions = notify::listed(plan.as_ref()).into_iter().map(|one| (one.title, one.does));
    let rules = context.config.notification.postponing(place.zone);
    Ok(Notice { brand, actions: actions.collect(), rules })
}

/// Settles a question, a link or a pin.
async fn decided(context: &Context, question: &Question) -> Result<Value, Failure> {
    let (store, id) = (&context.store, question.id.as_str());
    let text = |name| question.text(name).unwrap_or_default();
    let (settled, _) = match question.ask {
        Ask::Link => link::settled(store, id, text("tenant")).await?,
        Ask::Pin => pin::settled(store, id, text("person")).await?,
        _ => decide::settled(store, id, text("choice")).await?,
    };
    let noted = decide::note(context, &settled, &question.by).await?;
    Ok(match question.tenants {
        None => noted.as_json(&question.by, &settled),
        // What else changed meanwhile may be another tenant's.
        Some(_) => json!({ "number": noted.number, "by": question.by }),
    })
}

/// Stops something, or has it go on.
async fn stop(context: &Context, question: &Question) -> Result<Value, Failure> {
    let text = |name| question.text(name).unwrap_or_default();
    let kind = StopKind::parse(text("kind")).ok_or_else(|| {
        Failure::usage("`kind` says nothing that can be stopped")
            .with_remedy("give deployment, schedule, tenant or everything")
    })?;
    if (kind == StopKind::Everything) != text("name").trim().is_empty() {
        return Err(Failure::usage("`name` says which one, and of everything there is one")
            .with_remedy("give `name` beside deployment, schedule and tenant, and only there"));
    }
    match question.ask {
        Ask::Stop => {
            let said = (question.by.as_str(), text("reason"));
            stops::answer_stop(context, (kind, text("name")), said).await
        }
        _ => stops::answer_resume(context, (kind, text("name"))).await,
    }
}

fn param(question: &Question, name: &str) -> Option<String> {
    question.params.get(name).cloned()
}

/// The number of a request.
fn number(question: &Question) -> Result<i64, Failure> {
    question.id.parse().map_err(|_| {
        Failure::usage("the number of a request is a number")
            .with_remedy("GET /v1/requests lists them")
    })
}

fn count(text: &str) -> Result<usize, Failure> {
    text.parse().ok().filter(|count| (1..=MOST_RUNS).contains(count)).ok_or_else(|| {
        Failure::usage("`limit` is no number of runs")
            .with_remedy(format!("give a number from 1 to {MOST_RUNS}"))
    })
}

pub(super) fn unanswered(failure: &Failure) -> Unanswered {
    // Commands call it by their argument's name.
    let worded = |text: &str| {
        let words = [("--as-of", "as_of"), ("--known-at", "known_at"), ("--from", "from")];
        let words = words.into_iter().chain([("--until", "until"), ("--confirm ", "confirm: ")]);
        words.fold(text.to_owned(), |text, (option, field)| text.replace(option, field))
    };
    Unanswered {
        wrong: failure.is_usage(),
        held: failure.is_held(),
        missing: false,
        what: worded(&failure.to_string()),
        remedy: worded(failure.remedy().unwrap_or("mend what `problems` name")),
        problems: failure.problems().to_vec(),
    }
}
