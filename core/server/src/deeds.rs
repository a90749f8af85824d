//! The routes below `/v1` that ask what only the rules can say, and those that change something: what
//! each takes, from whom, and who answers it. What is sent is compared with this list before anybody
//! sees it; every change goes into the audit log with who made it.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use core_model::access::Role;
use core_model::entity::EntityKind;
use core_store::EntityQuery;
use serde_json::Value;

use crate::access::Caller;
use crate::asked::{Asked, is_unsafe};
use crate::pages::Answering;
use crate::params::Params;
use crate::problem::Problem;
use crate::repeat::{Repeat, Sent};
use crate::{Api, Question, Unanswered};

mod all;
mod body;
mod hub;
mod schedules;
mod stops;

pub(crate) use self::all::ALL;
use self::body::body;
pub(crate) use self::body::schema;
pub(crate) use self::hub::HUB;
pub(crate) use self::schedules::SCHEDULES;
pub(crate) use self::stops::STOPS;

/// What the program around the server is asked to answer or to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Who is in a target or a deployment.
    Resolve,
    /// What winners other definitions would have.
    Preview,
    /// Every deployment of an item for a subject.
    Explain,
    /// The days ahead on which something changes.
    Edges,
    /// What was sold beside what is deployed.
    Reconcile,
    /// Settle a question.
    Decide,
    /// Link a client with a tenant.
    Link,
    /// Pin a computer's primary person.
    Pin,
    /// The definitions as files.
    Definitions,
    /// What files would change.
    Plan,
    /// Save what files define.
    Apply,
    /// Changes that wait.
    Requests,
    /// One of them.
    Request,
    /// Save one of them.
    Approve,
    /// Let one of them be.
    Reject,
    /// Have the daemon read a connection now.
    Sync,
    /// The latest runs.
    Runs,
    /// What waits for a human.
    Needs,
    /// Something that takes long: it is kept as a job, and its result is asked for by its id.
    Job(Takes),
    /// What could not be written into other systems.
    PushFailures,
    /// What somebody else changed there.
    PushConflicts,
    /// Try what failed again.
    PushRetry,
    /// Write an object once more, whatever is there.
    PushOverrule,
    /// Deletions that are held.
    Held,
    /// A run in full.
    Run,
    /// How mail fares.
    Mail,
    /// How those fare who are told what happens.
    Webhooks,
    /// Have one of them told again.
    EnableWebhook,
    /// What systems sent in vain.
    Deliveries,
    /// Have it tried again.
    RetryDeliveries,
    /// The systems that can be connected.
    Connectors,
    /// The golden cases, tried.
    Expect,
    /// What is defined, of a kind.
    Defined(Defined),
    /// One of it.
    Definition(Defined),
    /// Everything about a computer, a person or a tenant.
    Story(EntityKind),
    /// Which deployment wins each item, of a subject or of everybody at a tenant.
    Winners,
    /// Groups and locations of RMMs.
    ConnectionGroups,
    /// Something about schedules.
    Schedule(ScheduleAsk),
    /// What is stopped.
    Stops,
    /// Stop something.
    Stop,
    /// Have it go on.
    Resume,
    /// Who is told of a computer's sessions.
    Notified,
    /// Have somebody told of them, too, or no more.
    Notify,
}

/// What is asked about schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleAsk {
    /// All of them.
    List,
    /// When they are due next.
    Next,
    /// One of them.
    Show,
    /// Run one out of turn.
    Run,
    /// Switch one on.
    Enable,
    /// Switch one off.
    Disable,
    /// Take back what waits of one.
    Cancel,
}

/// What takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Writing back what the hub knows, or saying what would be written.
    Push,
    /// Saying what a sync would change.
    SyncDryRun,
    /// A sync that lets held deletions pass.
    AcceptDeletions,
    /// Asking machines who they are.
    Collect,
    /// Signing in to the connections.
    Check,
    /// Deriving the model anew, or comparing it with its sources.
    Rebuild,
    /// A trial by mail.
    MailTest,
}

impl Takes {
    const ALL: [Self; 7] = [
        Self::Push,
        Self::SyncDryRun,
        Self::AcceptDeletions,
        Self::Collect,
        Self::Check,
        Self::Rebuild,
        Self::MailTest,
    ];

    /// The word in the store and the answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Takes::Push => "push",
            Takes::SyncDryRun => "sync-dry-run",
            Takes::AcceptDeletions => "accept-deletions",
            Takes::Collect => "collect",
            Takes::Check => "check",
            Takes::Rebuild => "rebuild",
            Takes::MailTest => "mail-test",
        }
    }

    /// What a word is for.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// A kind of definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defined {
    /// Software.
    Software,
    /// Tasks.
    Tasks,
    /// Tags.
    Tags,
    /// Deployments.
    Deployments,
    /// Golden cases.
    Expectations,
}

/// Who answers.
#[derive(Clone, Copy)]
pub(crate) enum Does {
    /// The program.
    Program(Ask),
    /// The server itself.
    Own(fn(Arc<Api>, Asked) -> Answering),
}

/// What a body may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// As JSON Schema calls it.
    pub(crate) kind: &'static str,
    pub(crate) required: bool,
    pub(crate) about: &'static str,
    /// The words it may be, or the words of a list; none is any.
    pub(crate) one_of: &'static [&'static str],
    /// Characters that a text has at least.
    pub(crate) shortest: usize,
    /// How a text is formed.
    pub(crate) form: Option<Form>,
    /// The least and the greatest that a number may be.
    pub(crate) bounds: (u64, u64),
}

/// How a text is formed: in the words of a regular expression, and whether one is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) pattern: &'static str,
    pub(crate) fits: fn(&str) -> bool,
}

impl Field {
    pub(crate) const fn one_of(self, words: &'static [&'static str]) -> Self {
        Self { one_of: words, ..self }
    }

    pub(crate) const fn at_least(self, characters: usize) -> Self {
        Self { shortest: characters, ..self }
    }

    pub(crate) const fn formed(self, form: Form) -> Self {
        Self { form: Some(form), ..self }
    }

    pub(crate) const fn between(self, least: u64, greatest: u64) -> Self {
        Self { bounds: (least, greatest), ..self }
    }
}

/// What a path's `{id}` is, where it must be the caller's to see.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// An entity, and what it is called.
    Entity(EntityKind, &'static str),
    /// A change that was requested.
    Request,
    /// A run of a stream or of a push.
    Run,
    /// An endpoint that was told something.
    Webhook,
}

/// A route.
pub(crate) struct Deed {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) about: &'static str,
    pub(crate) least: Role,
    /// Only for callers of all tenants; else the answer holds only what is the caller's.
    pub(crate) of_all: bool,
    pub(crate) params: &'static [&'static str],
    pub(crate) body: &'static [Field],
    /// Whether `Idempotency-Key` counts.
    pub(crate) repeatable: bool,
    /// What the path's `{id}` is, where it must be the caller's to see.
    pub(crate) of: Option<Of>,
    pub(crate) does: Does,
}

pub(crate) const fn field(name: &'static str, kind: &'static str, about: &'static str) -> Field {
    let bounds = (0, u64::MAX);
    Field { name, kind, required: false, about, one_of: &[], shortest: 0, form: None, bounds }
}

pub(crate) const fn needed(name: &'static str, kind: &'static str, about: &'static str) -> Field {
    Field { required: true, ..field(name, kind, about) }
}

pub(crate) const fn deed(method: &'static str, path: &'static str, id: &'static str) -> Deed {
    Deed {
        method,
        path,
        id,
        about: "",
        least: Role::Operator,
        of_all: true,
        params: &[],
        body: &[],
        repeatable: false,
        of: None,
        does: Does::Program(Ask::Runs),
    }
}

/// What the audit log calls it.
fn outcome(answered: &Result<Value, Unanswered>) -> &'static str {
    match answered {
        Ok(_) => "done",
        Err(no) if no.wrong || no.held || no.missing => "refused",
        Err(_) => "failed",
    }
}

impl Api {
    /// Answers or does it.
    pub(crate) async fn deed(
        self: &Arc<Self>,
        deed: &'static Deed,
        mut asked: Asked,
    ) -> Result<Response, Problem> {
        let caller = asked.caller()?.clone();
        if deed.of_all {
            caller.must_see_all()?;
        }
        let params = Params::of(&asked.uri, deed.params)?;
        params.flag("all")?;
        let body = body(deed, &asked)?;
        let ask = match deed.does {
            Does::Own(handler) => {
                // As it was checked: a whole number is one, however it was written.
                asked.body = Value::Object(body).to_string().into();
                return handler(Arc::clone(self), asked).await;
            }
            Does::Program(ask) => ask,
        };
        let id = asked.id("id").to_owned();
        self.must_be_there(deed, &caller, &id).await?;
        let repeat = match deed.repeatable {
            true => match Repeat::of(self, &caller, deed, &asked).await? {
                Sent::Anew(repeat) => repeat,
                Sent::Before(answer) => return Ok(answer),
            },
            false => Repeat::Not,
        };
        let question = Question {
            ask,
            id,
            params: deed
                .params
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), params.get(name)?.to_owned())))
                .collect(),
            body,
            by: caller.signature(),
            tenants: self.tenants_of(&caller).await?,
        };
        let (subject, is_change) = (question.subject(), is_change(&asked, ask));
        let turn = self.questions.acquire().await.map_err(|_| Problem::fault())?;
        let answered = self.answers.answer(question).await;
        drop(turn);
        if is_change {
            let outcome = outcome(&answered);
            let detail = answered.as_ref().err().map(|error| error.what.as_str());
            let what = (deed.id, subject.as_str());
            self.audit(&asked, what, outcome, detail.unwrap_or_default()).await?;
        }
        match answered {
            Ok(value) => {
                repeat.note(self, StatusCode::OK, &value).await;
                Ok(axum::Json(value).into_response())
            }
            Err(unanswered) => {
                repeat.forget(self).await;
                Err(unanswered.into())
            }
        }
    }

    /// Refuses the id of what is not there, or not for the caller to see.
    async fn must_be_there(&self, deed: &Deed, caller: &Caller, id: &str) -> Result<(), Problem> {
        let missing = || Problem::missing("request", id);
        match deed.of {
            Some(Of::Entity(kind, word)) => self.seen(kind, word, caller, id).await.map(drop),
            Some(Of::Request) => match self.store.request(id.parse().map_err(|_| missing())?).await
            {
                Err(core_store::Error::NotFound { .. }) => Err(missing()),
                found => Ok(found.map(drop)?),
            },
            Some(Of::Run) => {
                let run = self.store.run(id).await?;
                run.map(drop).ok_or_else(|| Problem::missing("run", id))
            }
            Some(Of::Webhook) => {
                let state = self.store.webhook(id).await?;
                state.map(drop).ok_or_else(|| Problem::missing("webhook", id))
            }
            None => Ok(()),
        }
    }

    /// The tenants whose things an answer may hold; none is all. One that is not there is left out.
    async fn tenants_of(&self, caller: &Caller) -> Result<Option<Vec<String>>, Problem> {
        let Some(tenants) = caller.scope.tenants() else { return Ok(None) };
        let query = EntityQuery { ids: Some(tenants), ..EntityQuery::all(EntityKind::Tenant) };
        let rows = self.store.entities(&query).await?;
        Ok(Some(rows.into_iter().map(|row| row.id).collect()))
    }
}

/// Whether the log of changes has it: what changes something, and no question that takes a body.
fn is_change(asked: &Asked, ask: Ask) -> bool {
    let question =
        matches!(ask, Ask::Resolve | Ask::Preview | Ask::Explain | Ask::Plan | Ask::Winners);
    is_unsafe(&asked.method) && !question
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> = Takes::ALL.map(Takes::as_str).into();
        assert_eq!(words.len(), Takes::ALL.len());
    }
}
