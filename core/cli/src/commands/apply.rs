//! `linchpin apply`: saves what the files of a folder define, as one revision, if nothing speaks
//! against it: a stale plan, a broken golden case, a budget that nobody confirmed.

use core_library::Plan;
use core_resolve::RunKind;
use core_store::DefinitionChange;

use super::decide::this_user;
use super::files::Files;
use super::plan::{print, saved};
use super::preview::effect;
use crate::cli::{ApplyArgs, Global, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::world::World;

pub(crate) async fn run(global: &Global, args: &ApplyArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let world = World::load(&context, &WhenArgs::default(), RunKind::default()).await?;
    let folder = Files::of_folder(&args.folder, &world)?;
    let made_us = planned(args, &folder, &world)?;
    let after = folder.library(&world, made_us)?;
    let changes = folder.changes(&world, &after);
    let effect = effect(&world, &after);
    let preview = effect.as_json();
    if !global.json {
        print(&changes);
        effect.print(&format!("applying {}", args.folder.display()));
    }
    if effect.is_broken() {
        return Err(Failure::held("a golden case would not hold; nothing was applied")
            .with_remedy(
                "`linchpin plan` names it: mend the deployment, or the expectation if it is wrong",
            ));
    }
    if let Some(number) = effect.to_confirm()
        && args.confirm != Some(number)
    {
        let what = match args.confirm {
            Some(other) => {
                format!("{other} was confirmed, and it is {number}; nothing was applied")
            }
            None => format!("this needs a confirmation of {number} changes; nothing was applied"),
        };
        return Err(Failure::held(what)
            .with_remedy(format!("if that is meant, run it again with `--confirm {number}`")));
    }
    let by = args.by.clone().unwrap_or_else(this_user);
    let rows = core_snapshot::rows(&world.loaded.library, &after);
    let base = world.loaded.revision;
    let change = DefinitionChange {
        base,
        rows: &rows,
        author: &by,
        note: &args.note,
        now_us: world.when.now.timestamp_micros(),
    };
    let revision = context.store.save_definitions(change).await?;
    if global.json {
        output::json(&saved(revision, &changes, &preview));
    } else if revision == base {
        output::line("Nothing was to be saved.");
    } else {
        output::line(&format!("Saved as revision {revision}, by {by}."));
    }
    Ok(Exit::Ok)
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
        Failure::failed(format!("the plan {shown} is stale: {stale}; nothing was applied"))
            .with_remedy("make it again, look at what it says now, and apply that")
    })?;
    Ok(plan.made_us())
}
