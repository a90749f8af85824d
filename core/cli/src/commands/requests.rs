//! `linchpin requests`: changes of definitions that wait for somebody's word, and whether each still
//! changes what it did when it was asked for.

use chrono_tz::Tz;
use core_library::{Change, Inputs, Kind, Library, Proposal};
use core_resolve::RunKind;
use core_store::{ChangeRequest, Store};
use serde_json::{Value, json};

use super::preview::{Effect, effect};
use super::text::{self, field};
use crate::cli::{Global, RequestsAction, RequestsArgs, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::foreman::budget::Turn;
use crate::output::{self, Align, TextTable, thousands};
use crate::world::World;

mod drift;
mod stored;

pub(crate) use self::drift::Drift;

pub(crate) async fn run(global: &Global, args: &RequestsArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    if let Some(RequestsAction::Show { number }) = &args.action {
        return show(global, &context, *number).await;
    }
    let rows = listed(&context, args.all).await?;
    if global.json {
        rows.iter().for_each(|(request, proposal)| output::json(&in_short(request, proposal)));
    } else if rows.is_empty() {
        output::line(if args.all { "Nothing was ever requested." } else { "No request is open." });
    } else {
        print_list(&rows, context.config.time_zone);
    }
    Ok(Exit::Ok)
}

async fn listed(context: &Context, all: bool) -> Result<Vec<(ChangeRequest, Proposal)>, Failure> {
    let mut rows = Vec::new();
    for request in context.store.requests().await? {
        if all || request.settled.is_none() {
            let proposal = proposal(&request)?;
            rows.push((request, proposal));
        }
    }
    Ok(rows)
}

/// The requests, for machines.
pub(super) async fn answer(context: &Context, all: bool) -> Result<Value, Failure> {
    let rows = listed(context, all).await?;
    let items = rows.iter().map(|(request, proposal)| in_short(request, proposal));
    Ok(json!({ "items": items.collect::<Vec<_>>() }))
}

/// One of them, for machines.
pub(super) async fn answer_one(context: &Context, number: i64) -> Result<Value, Failure> {
    let request = find(&context.store, number).await?;
    let (then, now) = looked_at(context, &request).await?;
    Ok(in_full(&request, &then, now.as_ref()))
}

/// The open request that asks for the same, if there is one: its number and who asked.
pub(super) async fn same(
    store: &Store,
    asked: &Proposal,
) -> Result<Option<(i64, String)>, Failure> {
    for request in store.requests().await?.into_iter().filter(|one| one.settled.is_none()) {
        // What is new gets its id from the time at which it was read: it is compared by what is said.
        let told = |changes: &[Change]| changes.iter().map(ToString::to_string).collect::<Vec<_>>();
        if told(&proposal(&request)?.changes) == told(&asked.changes) {
            return Ok(Some((request.number, request.author)));
        }
    }
    Ok(None)
}

/// The request of a number.
pub(super) async fn find(store: &Store, number: i64) -> Result<ChangeRequest, Failure> {
    store.request(number).await.map_err(|error| match error {
        core_store::Error::NotFound { what } => Failure::usage(format!("there is no {what}"))
            .with_remedy("`linchpin requests --all` lists them"),
        other => other.into(),
    })
}

/// The command that approves a request, with the number that it must name.
pub(crate) fn approving(number: i64, confirm: Option<u64>) -> String {
    let confirm = confirm.map(|number| format!(" --confirm {number}")).unwrap_or_default();
    format!("`linchpin approve {number}{confirm}`")
}

/// What a request would change.
pub(crate) fn proposal(request: &ChangeRequest) -> Result<Proposal, Failure> {
    Proposal::from_json(&request.document).map_err(|why| {
        Failure::failed(format!("request {} cannot be read: {why}", request.number))
            .with_remedy("`linchpin reject` it, and apply the files again")
    })
}

/// A request, computed anew on what the hub has now.
pub(super) struct Anew {
    pub(super) library: Library,
    pub(super) inputs: Inputs,
    pub(super) changes: Vec<Change>,
}

impl Anew {
    /// Makes the change on what is defined now.
    ///
    /// # Errors
    /// In words, where somebody changed the same meanwhile, or where the two do not go together.
    pub(super) fn of(proposal: &Proposal, world: &World) -> Result<Self, String> {
        let known = &world.loaded.library;
        let library = proposal.patch.made_on(known).map_err(|clashes| {
            let named: Vec<String> = clashes.iter().map(|clash| name(proposal, clash)).collect();
            format!("changed meanwhile: {}", named.join(", "))
        })?;
        let names = core_snapshot::names(&world.loaded.input);
        if **known != proposal.patch.before {
            // Two changes that are right by themselves may not be together: a file says so.
            let files = core_library::export(&library, &names);
            let now_us = world.when.now.timestamp_micros();
            core_library::read(&files, &names, &library, now_us).map_err(|problems| {
                let said = problems.iter().flat_map(|file| file.list().iter());
                let said: Vec<String> = said.map(ToString::to_string).collect();
                format!("with what was saved meanwhile it does not hold: {}", said.join("; "))
            })?;
        }
        let event = u64::try_from(world.loaded.event).unwrap_or_default();
        let inputs =
            Inputs { files: proposal.inputs.files.clone(), ..Inputs::new(known, &[], event) };
        let changes = core_library::diff(known, &library, &names);
        Ok(Self { library, inputs, changes })
    }

    /// The request as it is computed now.
    pub(super) fn proposal(&self, then: &Proposal, effect: &Effect<'_>) -> Proposal {
        let numbers = (effect.as_json(), effect.to_confirm());
        Proposal::new(self.inputs.clone(), then.patch.clone(), self.changes.clone(), numbers)
    }
}

fn name(proposal: &Proposal, (kind, id): &(Kind, String)) -> String {
    let of = |change: &&Change| change.kind == *kind && change.id == *id;
    let name = proposal.changes.iter().find(of).map_or(id, |change| &change.name);
    format!("{} {name}", kind.words())
}

async fn show(global: &Global, context: &Context, number: i64) -> Result<Exit, Failure> {
    let request = find(&context.store, number).await?;
    let (then, now) = looked_at(context, &request).await?;
    if global.json {
        output::json(&in_full(&request, &then, now.as_ref()));
        return Ok(Exit::Ok);
    }
    print_head(&request, context.config.time_zone);
    output::line("");
    super::plan::print(&then.changes);
    stored::print(&then.preview, &format!("request {number}"));
    if let Some(now) = &now {
        now.print(&then, number);
    }
    Ok(Exit::Ok)
}

/// What a request would change, and what it would change by now where it is open.
async fn looked_at(
    context: &Context,
    request: &ChangeRequest,
) -> Result<(Proposal, Option<Now>), Failure> {
    let then = proposal(request)?;
    if request.settled.is_some() {
        return Ok((then, None));
    }
    let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
    if let Some(tenant) = then.winners_of {
        let now_us = world.when.now.timestamp_micros();
        let turn = Turn::look(&context.store, &world.resolver, tenant, now_us).await?;
        let Some(turn) = turn else { return Ok((then, Some(Now::default()))) };
        let drift = Drift::between(&then.preview, &turn.preview(&world));
        let confirm = turn.to_confirm();
        return Ok((then, Some(Now { drift, confirm, ..Now::default() })));
    }
    let now = match Anew::of(&then, &world) {
        Ok(anew) => {
            let effect = effect(&world, &anew.library);
            let drift = Drift::between(&then.preview, &effect.as_json());
            let confirm = effect.to_confirm();
            Now { clash: None, drift, inputs: Some(anew.inputs), confirm }
        }
        Err(clash) => Now { clash: Some(clash), ..Now::default() },
    };
    Ok((then, Some(now)))
}

fn in_full(request: &ChangeRequest, then: &Proposal, now: Option<&Now>) -> Value {
    let mut value = in_short(request, then);
    value["changes"] = json!(then.changes);
    value["preview"] = then.preview.clone();
    value["now"] = json!(now.map(Now::as_json));
    value
}

/// What a request would change now.
#[derive(Default)]
struct Now {
    clash: Option<String>,
    drift: Drift,
    inputs: Option<Inputs>,
    confirm: Option<u64>,
}

impl Now {
    fn as_json(&self) -> Value {
        let still = match (&self.clash, self.drift.is_none()) {
            (Some(_), _) => "impossible",
            (None, true) => "the_same",
            (None, false) => "other",
        };
        json!({
            "changes_winners": still,
            "clash": self.clash,
            "drift": self.drift.as_json(),
            "confirm": self.confirm,
        })
    }

    fn print(&self, then: &Proposal, number: i64) {
        if let Some(clash) = &self.clash {
            text::heading("Now: it cannot be made any more");
            text::indented(2, clash);
            text::indented(2, &format!("`linchpin reject {number}`, and apply the files again"));
            return;
        }
        let stale = self.inputs.as_ref().and_then(|now| then.inputs.check(now).err());
        let since = stale.map(|stale| format!(" ({stale})")).unwrap_or_default();
        if self.drift.is_none() {
            text::heading(&format!("Now: computed again, it changes the same winners{since}"));
        } else {
            text::heading(&format!("Now: computed again, it changes other winners{since}"));
            self.drift.print();
        }
        let word = if self.drift.is_none() { "saves it" } else { "asks anew" };
        text::indented(2, &format!("{} {word}", approving(number, self.confirm)));
    }
}

fn state(request: &ChangeRequest) -> &'static str {
    match &request.settled {
        None => "open",
        Some(settled) if settled.revision.is_some() => "approved",
        Some(_) => "rejected",
    }
}

fn in_short(request: &ChangeRequest, proposal: &Proposal) -> Value {
    let settled = request.settled.as_ref().map(|settled| {
        json!({
            "at": text::instant(settled.at_us),
            "by": settled.by,
            "note": settled.note,
            "revision": settled.revision,
        })
    });
    let renewed = request.renewed.as_ref();
    json!({
        "number": request.number,
        "state": state(request),
        "at": text::instant(request.at_us),
        "by": request.author,
        "note": request.note,
        "definitions": proposal.changes.len(),
        "counts": proposal.preview["counts"],
        "confirm": proposal.confirm,
        "renewed": renewed.map(|(at, by)| json!({ "at": text::instant(*at), "by": by })),
        "settled": settled,
    })
}

fn print_list(rows: &[(ChangeRequest, Proposal)], zone: Tz) {
    let columns = [
        ("no", Align::Right),
        ("requested", Align::Left),
        ("by", Align::Left),
        ("state", Align::Left),
        ("confirm", Align::Right),
        ("what", Align::Left),
    ];
    let mut table = TextTable::new(&columns).cutting(&[("what", 12), ("by", 8)]);
    for (request, proposal) in rows {
        let names: Vec<&str> = proposal.changes.iter().map(|change| &*change.name).collect();
        let note = Some(request.note.clone()).filter(|note| !note.is_empty());
        table.row([
            request.number.to_string(),
            text::minute(text::instant(request.at_us), zone),
            request.author.clone(),
            state(request).to_owned(),
            proposal.confirm.map(thousands).unwrap_or_default(),
            note.unwrap_or_else(|| names.join(", ")),
        ]);
    }
    table.print();
}

fn print_head(request: &ChangeRequest, zone: Tz) {
    let at = |us| text::second(text::instant(us), zone);
    output::line(&format!("request {}: {}", request.number, state(request)));
    field("by", &format!("{}, {}", request.author, at(request.at_us)));
    field("note", &request.note);
    if let Some((us, by)) = &request.renewed {
        field("computed anew", &format!("for {by}, {}", at(*us)));
    }
    if let Some(settled) = &request.settled {
        field(state(request), &format!("by {}, {}", settled.by, at(settled.at_us)));
        field("because", &settled.note);
        let revision = settled.revision.map(|revision| revision.to_string());
        field("revision", &revision.unwrap_or_default());
    }
}
