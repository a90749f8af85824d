//! `linchpin apply`: saves what the files of a folder define, as one revision, if nothing speaks
//! against it: a stale plan, a broken golden case, a budget. What goes beyond the budget waits as a
//! request for a second person, unless the settings want none.

use core_library::{Change, Library, Patch, Plan, Proposal};
use core_resolve::RunKind;
use core_store::DefinitionChange;
use serde_json::{Value, json};

use super::decide::whoever;
use super::files::Files;
use super::plan::{print, saved};
use super::preview::{Effect, effect};
use super::requests;
use super::text;
use crate::cli::{ApplyArgs, Global, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::foreman::budget;
use crate::output;
use crate::world::World;

pub(crate) async fn run(global: &Global, args: &ApplyArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let world = World::load(&context, &WhenArgs::default(), RunKind::default()).await?;
    let files = Files::of_folder(&args.folder, &world)?;
    let made_us = planned(args, &files, &world)?;
    let by = whoever(args.by.as_deref());
    let wish = Wish { by: &by, note: &args.note, confirm: args.confirm, propose: args.propose };
    let look = |changes: &[Change], effect: &Effect<'_>| {
        if !global.json {
            print(changes);
            effect.print(&format!("applying {}", args.folder.display()));
        }
    };
    let applied = apply(&context, (&world, &files, made_us), &wish, &look).await?;
    let subject = args.folder.display().to_string();
    context.audit(&by, "apply-definitions", &subject, &applied.in_short()).await?;
    if global.json {
        output::json(&applied.as_json());
    } else {
        applied.print(&by, context.config.second_person);
    }
    let waits = matches!(applied.became, Became::Waits { .. });
    Ok(if waits && !args.propose { Exit::Partly } else { Exit::Ok })
}

/// Who wants something saved, and how.
pub(super) struct Wish<'a> {
    pub(super) by: &'a str,
    pub(super) note: &'a str,
    /// The number of a change beyond the budget.
    pub(super) confirm: Option<u64>,
    /// Ask for it, whatever its size.
    pub(super) propose: bool,
}

/// What was applied.
pub(super) struct Applied {
    became: Became,
    changes: Vec<Change>,
    preview: Value,
}

/// What became of it.
enum Became {
    Saved { revision: i64, anew: bool },
    Waits { request: i64, words: String, confirm: Option<u64> },
}

impl Applied {
    pub(super) fn as_json(&self) -> Value {
        match &self.became {
            Became::Saved { revision, .. } => saved(*revision, &self.changes, &self.preview),
            Became::Waits { request, confirm, .. } => json!({
                "request": request,
                "changes": self.changes,
                "preview": self.preview,
                "confirm": confirm,
            }),
        }
    }

    /// For the log of changes.
    pub(super) fn in_short(&self) -> String {
        match &self.became {
            Became::Saved { anew: false, .. } => "nothing was to be saved".to_owned(),
            Became::Saved { revision, .. } => format!("revision {revision}"),
            Became::Waits { request, .. } => format!("request {request}"),
        }
    }

    fn print(&self, by: &str, second_person: bool) {
        match &self.became {
            Became::Saved { anew: false, .. } => output::line("Nothing was to be saved."),
            Became::Saved { revision, .. } => {
                output::line(&format!("Saved as revision {revision}, by {by}."));
            }
            Became::Waits { request, words, confirm } => {
                let who = if second_person { "somebody else" } else { "somebody" };
                let approving = requests::approving(*request, *confirm);
                output::line("");
                let told = format!("Nothing was saved. {words} until {who} runs {approving}.");
                text::wrapped("", 2, &told);
            }
        }
    }
}

/// Saves what files define, or has it wait, if nothing speaks against it. Before that it is shown.
pub(super) async fn apply(
    context: &Context,
    (world, files, made_us): (&World, &Files, i64),
    wish: &Wish<'_>,
    look: &(dyn Fn(&[Change], &Effect<'_>) + Sync),
) -> Result<Applied, Failure> {
    let after = files.library(world, made_us)?;
    let changes = files.changes(world, &after);
    let effect = effect(world, &after);
    look(&changes, &effect);
    refuse_broken(&effect)?;
    let applying = Applying { context, wish, files, effect: &effect };
    let number = effect.to_confirm();
    if wish.propose || (number.is_some() && context.config.second_person) {
        if wish.confirm.is_some() {
            refuse_number(number, wish.confirm)?;
        }
        return applying.request(world, &after, changes).await;
    }
    refuse_number(number, wish.confirm)?;
    applying.save(world, &after, changes).await
}

/// An apply that nothing speaks against any more.
struct Applying<'a> {
    context: &'a Context,
    wish: &'a Wish<'a>,
    files: &'a Files,
    effect: &'a Effect<'a>,
}

impl Applying<'_> {
    async fn save(
        &self,
        world: &World,
        after: &Library,
        changes: Vec<Change>,
    ) -> Result<Applied, Failure> {
        let base = world.loaded.revision;
        let rows = core_snapshot::rows(&world.loaded.library, after);
        let change = DefinitionChange {
            base,
            rows: &rows,
            author: self.wish.by,
            note: self.wish.note,
            now_us: world.when.now.timestamp_micros(),
        };
        let now_us = change.now_us;
        let revision = self.context.store.save_definitions(change).await?;
        let (store, snapshot) = (&self.context.store, world.resolver.snapshot());
        let saved = (self.effect.shifts(), revision);
        budget::note_saved(store, snapshot, saved, now_us).await?;
        let became = Became::Saved { revision, anew: revision != base };
        Ok(Applied { became, changes, preview: self.effect.as_json() })
    }

    /// Has the change wait for somebody's word. One that waits already is not asked for twice.
    async fn request(
        &self,
        world: &World,
        after: &Library,
        changes: Vec<Change>,
    ) -> Result<Applied, Failure> {
        let (by, store) = (self.wish.by, &self.context.store);
        let patch = Patch::between(&world.loaded.library, after);
        if patch.is_empty() {
            return self.save(world, after, changes).await;
        }
        let confirm = self.effect.to_confirm();
        let preview = self.effect.as_json();
        let proposal = Proposal::new(self.files.inputs(world), patch, changes, (preview, confirm));
        let waiting = requests::same(store, &proposal).await?;
        let (request, words) = match waiting {
            Some(one) => {
                let words = format!("Request {}, by {}, says the same and waits", one.0, one.1);
                (one.0, words)
            }
            None => {
                let now_us = world.when.now.timestamp_micros();
                let document = proposal.to_json();
                let request = store.add_request(by, self.wish.note, &document, now_us).await?;
                (request, format!("It waits as request {request}, by {by}"))
            }
        };
        let became = Became::Waits { request, words, confirm };
        Ok(Applied { became, changes: proposal.changes, preview: proposal.preview })
    }
}

/// A golden case that would not hold blocks everything.
pub(super) fn refuse_broken(effect: &Effect<'_>) -> Result<(), Failure> {
    if !effect.is_broken() {
        return Ok(());
    }
    Err(Failure::held("a golden case would not hold; nothing was saved").with_remedy(
        "what is above names it: mend the deployment, or the expectation if it is wrong",
    ))
}

/// Another number than must be confirmed, or none where one must.
pub(super) fn refuse_number(asked: Option<u64>, given: Option<u64>) -> Result<(), Failure> {
    let Some(number) = asked.filter(|_| asked != given) else { return Ok(()) };
    let what = match given {
        Some(other) => format!("{other} was confirmed, and it is {number}; nothing was saved"),
        None => format!("this needs a confirmation of {number} changes; nothing was saved"),
    };
    Err(Failure::held(what)
        .with_remedy(format!("if that is meant, run it again with `--confirm {number}`")))
}

/// The time at which new definitions are made: that of the plan, if there is one and it still holds.
fn planned(args: &ApplyArgs, folder: &Files, world: &World) -> Result<i64, Failure> {
    let Some(path) = &args.plan else { return Ok(world.when.now.timestamp_micros()) };
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("reading the plan {shown}: {error}")))?;
    let plan = Plan::from_json(&text).map_err(|error| {
        Failure::usage(format!("{shown} is no plan: {error}"))
            .with_remedy("make one with `linchpin plan DIR --save FILE`")
    })?;
    plan.check(&folder.inputs(world)).map_err(|stale| {
        Failure::failed(format!("the plan {shown} is stale: {stale}; nothing was saved"))
            .with_remedy("make it again, look at what it says now, and apply that")
    })?;
    Ok(plan.made_us())
}
