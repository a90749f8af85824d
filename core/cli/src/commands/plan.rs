//! `linchpin plan`: the exact difference that the files of a folder would make, in definitions and in
//! winners, before anything is saved.

use core_library::{Change, Lack, Library, Plan};
use core_resolve::RunKind;
use serde_json::{Value, json};

use super::files::Files;
use super::preview::effect;
use super::text;
use crate::cli::{Global, PlanArgs, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::world::World;

/// Deployments that are listed of those that want what cannot be done.
const LACKS: usize = 8;

pub(crate) async fn run(global: &Global, args: &PlanArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let when = WhenArgs { as_of: args.as_of.clone(), known_at: None };
    let world = World::load(&context, &when, RunKind::default()).await?;
    let folder = Files::of_folder(&args.folder, &world)?;
    let after = folder.library(&world, world.when.now.timestamp_micros())?;
    let changes = folder.changes(&world, &after);
    let lacking = lacking(&after, &changes);
    let effect = effect(&world, &after);
    let preview = effect.as_json();
    if global.json {
        let mut value = as_json(&changes, &preview, effect.to_confirm());
        value["lacks"] = json!(lacking);
        output::json(&value);
    } else {
        print(&changes);
        print_lacks(&lacking);
        effect.print(&format!("applying {}", args.folder.display()));
        if let Some(number) = effect.to_confirm() {
            let what = match context.config.second_person {
                true => format!(
                    "applying makes a request, which somebody else approves with `--confirm {number}`"
                ),
                false => format!("applying needs `--confirm {number}`"),
            };
            let what = format!("{what}: see above who is concerned");
            text::wrapped("", 2, &what);
        }
    }
    if let Some(path) = &args.save {
        let plan = Plan::new(world.when.now, folder.inputs(&world), changes, preview);
        std::fs::write(path, plan.to_json())
            .map_err(|error| Failure::io(&format!("writing {}", path.display()), &error))?;
        output::error_line(&format!(
            "the plan is in {}: `linchpin apply {} --plan {}` applies it if nothing changes until then",
            path.display(),
            args.folder.display(),
            path.display()
        ));
    }
    Ok(effect.exit())
}

/// What would be saved, for machines.
pub(super) fn as_json(changes: &[Change], preview: &Value, confirm: Option<u64>) -> Value {
    json!({ "changes": changes, "preview": preview, "confirm": confirm })
}

/// Prints what becomes of definitions.
pub(super) fn print(changes: &[Change]) {
    if changes.is_empty() {
        output::line("The definitions are as the hub has them.");
        return;
    }
    let differ = text::count(text::len(changes), "definition differs", "definitions differ");
    output::line(&format!("{differ} from what the hub has:"));
    for change in changes {
        for line in change.to_string().lines() {
            let deep = line.len() - line.trim_start().len();
            text::indented(deep + 2, &output::printable(line.trim_start()));
        }
    }
    output::line("");
}

/// The deployments that want what cannot be done, as far as they or their items are changed here.
pub(super) fn lacking(after: &Library, changes: &[Change]) -> Vec<Lack> {
    let concerned = |lack: &Lack| {
        let ids = [lack.deployment.to_string(), lack.item_id.to_string()];
        changes.iter().any(|change| ids.contains(&change.id))
    };
    core_library::lacks(after).into_iter().filter(concerned).collect()
}

/// Prints them: they may be saved.
fn print_lacks(lacking: &[Lack]) {
    if lacking.is_empty() {
        return;
    }
    let count = text::count(
        text::len(lacking),
        "deployment wants what its item cannot do yet",
        "deployments want what their items cannot do yet",
    );
    output::line(&format!("{count}; they may be saved all the same:"));
    for lack in lacking.iter().take(LACKS) {
        let what = format!("{} ({}): {}", lack.name, lack.item, lack.lacks.join("; "));
        text::indented(4, &output::printable(&what));
    }
    if lacking.len() > LACKS {
        text::indented(4, &format!("and {} more", lacking.len() - LACKS));
    }
    output::line("");
}

/// What was saved, for machines.
pub(super) fn saved(revision: i64, changes: &[Change], preview: &Value) -> Value {
    json!({ "revision": revision, "changes": changes, "preview": preview })
}
