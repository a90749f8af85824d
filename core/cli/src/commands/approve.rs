//! `linchpin approve` and `linchpin reject`: a second person's word about a change that waits. It is
//! computed anew on what the hub has now; where it would change other winners than it did when it
//! was looked at, it is asked for anew instead.

use core_library::{Change, Proposal};
use core_model::id::TenantId;
use core_resolve::RunKind;
use core_store::{ChangeRequest, DefinitionChange, Store, Word};
use serde_json::{Value, json};

use super::apply::{Wish, refuse_broken, refuse_number};
use super::decide::whoever;
use super::plan::{print, saved};
use super::preview::{Effect, effect};
use super::requests::{Anew, Drift, approving, find, proposal};
use super::text;
use crate::cli::{ApproveArgs, Global, RejectArgs, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::foreman::budget::{self, Turn};
use crate::output;
use crate::world::World;

/// Tokens that made one another.
const DEEPEST: usize = 32;

pub(crate) async fn run(global: &Global, args: &ApproveArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let by = whoever(args.by.as_deref());
    let look = |changes: &[Change], effect: &Effect<'_>| {
        if !global.json {
            print(changes);
            effect.print(&format!("request {}", args.number));
        }
    };
    let wish = Wish { by: &by, note: &args.note, confirm: args.confirm, propose: false };
    let approved = match approve(&context, args.number, &wish, &look).await {
        Err(Refused::Drift(drift, confirm)) => {
            if !global.json {
                text::heading(&heading(args.number));
                drift.print();
            }
            return Err(asked_anew(args.number, &drift, confirm));
        }
        Err(Refused::Failure(failure)) => return Err(*failure),
        Ok(approved) => approved,
    };
    context.audit(&by, "approve-request", &args.number.to_string(), &args.note).await?;
    if global.json {
        output::json(&approved.as_json(args.number, &by));
    } else {
        let Approved { revision, author, .. } = &approved;
        output::line(&match approved.winners_of {
            Some(_) => format!("These winners are acted on now, approved by {by}."),
            None => format!("Saved as revision {revision}, by {author}, approved by {by}."),
        });
    }
    Ok(Exit::Ok)
}

/// A request that was approved.
pub(super) struct Approved {
    revision: i64,
    author: String,
    changes: Vec<Change>,
    preview: Value,
    /// Nothing was saved: winners of this tenant that changed by themselves are acted on.
    winners_of: Option<TenantId>,
}

impl Approved {
    pub(super) fn as_json(&self, number: i64, by: &str) -> Value {
        let mut value = saved(self.revision, &self.changes, &self.preview);
        value["request"] = json!(number);
        value["by"] = json!(by);
        value
    }
}

/// Why a request was not approved.
pub(super) enum Refused {
    /// It changes other winners than it did; it is asked for anew, with this number.
    Drift(Box<Drift>, Option<u64>),
    Failure(Box<Failure>),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Refused::Failure(Box::new(failure))
    }
}

impl From<core_store::Error> for Refused {
    fn from(error: core_store::Error) -> Self {
        Refused::from(Failure::from(error))
    }
}

impl Refused {
    pub(super) fn into_failure(self, number: i64) -> Failure {
        match self {
            Refused::Drift(drift, confirm) => asked_anew(number, &drift, confirm),
            Refused::Failure(failure) => *failure,
        }
    }
}

/// Saves what a request asks for, if it still changes what it did. Before that it is shown.
pub(super) async fn approve(
    context: &Context,
    number: i64,
    wish: &Wish<'_>,
    look: &(dyn Fn(&[Change], &Effect<'_>) + Sync),
) -> Result<Approved, Refused> {
    let by = wish.by;
    let request = open(context, number).await?;
    if context.config.second_person && same_person(&context.store, by, &request.author).await? {
        let what = format!("{by} asked for request {number}: somebody else approves it");
        return Err(Refused::from(
            Failure::held(format!("{what}; nothing was saved")).with_remedy(
                "let somebody else run it; `second_person = false` in the settings wants none",
            ),
        ));
    }
    let then = proposal(&request)?;
    let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
    if let Some(tenant) = then.winners_of {
        return approve_winners(context, &world, (&request, &then, tenant), wish).await;
    }
    let anew = Anew::of(&then, &world).map_err(|why| {
        Failure::failed(format!("request {number} cannot be made any more: {why}"))
            .with_remedy(format!("`linchpin reject {number}`, and apply the files again"))
    })?;
    let effect = effect(&world, &anew.library);
    let drift = Drift::between(&then.preview, &effect.as_json());
    look(&anew.changes, &effect);
    refuse_broken(&effect)?;
    let now_us = world.when.now.timestamp_micros();
    let word = Word { number, document: &request.document, by, note: wish.note, now_us };
    if !drift.is_none() {
        let now = anew.proposal(&then, &effect);
        context.store.renew_request(word, &now.to_json()).await?;
        return Err(Refused::Drift(Box::new(drift), now.confirm));
    }
    refuse_number(effect.to_confirm(), wish.confirm)?;
    let rows = core_snapshot::rows(&world.loaded.library, &anew.library);
    let note = history(&request, by, wish.note);
    let base = world.loaded.revision;
    let change =
        DefinitionChange { base, rows: &rows, author: &request.author, note: &note, now_us };
    let revision = context.store.approve_request(word, &change).await?;
    let saved = (effect.shifts(), revision);
    budget::note_saved(&context.store, world.resolver.snapshot(), saved, now_us).await?;
    let preview = effect.as_json();
    let changes = anew.changes;
    Ok(Approved { revision, author: request.author, changes, preview, winners_of: None })
}

/// Has winners be acted on that changed by themselves, if they are still those that were looked at.
async fn approve_winners(
    context: &Context,
    world: &World,
    (request, then, tenant): (&ChangeRequest, &Proposal, TenantId),
    wish: &Wish<'_>,
) -> Result<Approved, Refused> {
    let (number, store) = (request.number, &context.store);
    let now_us = world.when.now.timestamp_micros();
    let gone = || {
        Failure::failed(format!("nothing of request {number} is there any more"))
            .with_remedy(format!("`linchpin reject {number}`"))
    };
    let turn = Turn::look(store, &world.resolver, tenant, now_us).await?.ok_or_else(gone)?;
    let preview = turn.preview(world);
    let drift = Drift::between(&then.preview, &preview);
    let word = Word { number, document: &request.document, by: wish.by, note: wish.note, now_us };
    if !drift.is_none() {
        let confirm = turn.to_confirm();
        let now = Proposal { preview, confirm, ..then.clone() };
        store.renew_request(word, &now.to_json()).await?;
        return Err(Refused::Drift(Box::new(drift), confirm));
    }
    refuse_number(turn.to_confirm().or(then.confirm), wish.confirm)?;
    let note = history(request, wish.by, wish.note);
    let base = world.loaded.revision;
    let change = DefinitionChange { base, rows: &[], author: &request.author, note: &note, now_us };
    let revision = store.approve_request(word, &change).await?;
    if !turn.accept(store, (world, tenant), (true, now_us)).await? {
        return Err(Refused::from(
            Failure::failed("what is acted on was changed by somebody else at the same time")
                .with_remedy("it is asked for anew as soon as a session looks"),
        ));
    }
    let author = request.author.clone();
    Ok(Approved { revision, author, changes: Vec::new(), preview, winners_of: Some(tenant) })
}

pub(crate) async fn reject(global: &Global, args: &RejectArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let by = whoever(args.by.as_deref());
    reject_as(&context, args.number, &by, &args.note).await?;
    context.audit(&by, "reject-request", &args.number.to_string(), &args.note).await?;
    let number = args.number;
    if global.json {
        output::json(&json!({ "request": number, "state": "rejected", "by": by }));
    } else {
        output::line(&format!("Request {number} is rejected, by {by}. Nothing was saved."));
    }
    Ok(Exit::Ok)
}

/// Lets a request be.
pub(super) async fn reject_as(
    context: &Context,
    number: i64,
    by: &str,
    note: &str,
) -> Result<(), Failure> {
    let request = open(context, number).await?;
    let document = &*request.document;
    let now_us = chrono::Utc::now().timestamp_micros();
    context.store.reject_request(Word { number, document, by, note, now_us }).await?;
    Ok(())
}

/// The request, if nobody has settled it.
async fn open(context: &Context, number: i64) -> Result<ChangeRequest, Failure> {
    let request = find(&context.store, number).await?;
    match &request.settled {
        None => Ok(request),
        Some(settled) => {
            let became = match settled.revision {
                Some(revision) => format!("approved by {}, as revision {revision}", settled.by),
                None => format!("rejected by {}", settled.by),
            };
            Err(Failure::usage(format!("request {number} was {became}"))
                .with_remedy("`linchpin requests` lists the open ones"))
        }
    }
}

/// Whether two names are of one person.
async fn same_person(store: &Store, one: &str, other: &str) -> Result<bool, Failure> {
    Ok(is_same(&person(store, one).await?, &person(store, other).await?))
}

/// Who acts under a name: a token acts for whoever made it, be it by another token.
async fn person(store: &Store, name: &str) -> Result<String, Failure> {
    let mut name = name.to_owned();
    for _ in 0..DEEPEST {
        let Some(token) = name.strip_prefix("token ") else { break };
        match store.token_named(token).await? {
            Some(token) => name = token.created_by,
            None => break,
        }
    }
    Ok(name)
}

/// Whether two names are of one person; how they are written does not matter.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    plain(one) == plain(other)
}

fn heading(number: i64) -> String {
    format!("Since request {number} was looked at, it changes other winners")
}

fn asked_anew(number: i64, drift: &Drift, confirm: Option<u64>) -> Failure {
    let what = format!(
        "request {number} changes other winners than it did; nothing was saved, and it is asked for \
         anew"
    );
    let approving = approving(number, confirm);
    Failure::held(what)
        .with_remedy(format!("if that is meant, {approving} saves it now"))
        .with_problem(drift.as_json())
}

/// What the history says: why it was asked for, and who approved it why.
fn history(request: &ChangeRequest, by: &str, note: &str) -> String {
    let approved = match note.is_empty() {
        true => format!("request {}, approved by {by}", request.number),
        false => format!("request {}, approved by {by}: {note}", request.number),
    };
    match request.note.is_empty() {
        true => approved,
        false => format!("{} ({approved})", request.note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_the_same_however_the_name_is_written() {
        assert!(is_same("Ana  Silva", " ana silva"));
        assert!(!is_same("ana", "ben"));
    }
}
