//! `linchpin expect`: tries the golden cases.

use core_resolve::{Checked, RunKind};
use serde_json::{Value, json};

use super::text::{self, count};
use super::winners::slot_word;
use crate::cli::{ExpectArgs, Global, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::world::World;

pub(crate) async fn run(global: &Global, args: &ExpectArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let world = World::load(&context, &args.when, RunKind::default()).await?;
    let checked = world.resolver.check_expectations();
    let broken = checked.iter().filter(|case| !case.holds).count() as u64;
    if global.json {
        checked.iter().for_each(|case| output::json(&as_json(&world, case)));
    } else if checked.is_empty() {
        output::line("no golden cases are defined");
    } else {
        for case in checked.iter().filter(|case| !case.holds) {
            text::wrapped("broken: ", 8, &case.words);
        }
        let all = count(text::len(&checked), "golden case", "golden cases");
        let hold = match broken {
            0 => "all hold".to_owned(),
            broken => format!("{broken} broken"),
        };
        text::wrapped("", 2, &format!("{all}{}: {hold}", world.when.words()));
    }
    Ok(if broken == 0 { Exit::Ok } else { Exit::Partly })
}

/// Each golden case with what was found, for machines.
pub(super) async fn answer(context: &Context, when: &WhenArgs) -> Result<Value, Failure> {
    let world = World::load(context, when, RunKind::default()).await?;
    let checked = world.resolver.check_expectations();
    let broken = checked.iter().filter(|case| !case.holds).count();
    let items: Vec<Value> = checked.iter().map(|case| as_json(&world, case)).collect();
    Ok(json!({ "items": items, "broken": broken }))
}

fn as_json(world: &World, case: &Checked) -> Value {
    let cases = &world.loaded.library.expectations;
    let name = cases.iter().find(|one| one.id == case.expectation).map(|one| one.name.as_str());
    let mut value = world.head();
    value["expectation"] = json!({ "id": case.expectation, "name": name });
    value["holds"] = case.holds.into();
    value["found"] = json!(case.found.map(slot_word));
    value["words"] = case.words.as_str().into();
    value
}
