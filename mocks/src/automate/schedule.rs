//! Scripts that are scheduled for computers. The server has two: they put a computer into maintenance mode, and take it
//! out of it.

use serde_json::{Value, json};

use super::batch::{alive, entity_type};
use super::problem::Problem;
use super::request::{member, number};
use crate::vendor::Reply;
use crate::world::{ModeChange, World};

/// The script that puts a computer into maintenance mode, for the `Minutes` that it is told, 60 else.
const ENTER: u64 = 5_101;
/// The script that takes it out.
const LEAVE: u64 = 5_102;
/// Computers in the numbering of entity types.
const COMPUTER: u64 = 1;

/// `/Batch/ScriptSchedule`: one result for each computer.
pub(super) fn schedule(body: &Value, world: &mut World) -> Result<Reply, Problem> {
    if entity_type(body, "EntityType")? != COMPUTER {
        return Err(Problem::bad("Only computers can be scheduled for."));
    }
    let script = member(body, "ScriptId")
        .and_then(number)
        .ok_or_else(|| Problem::bad("ScriptId is missing."))?;
    let frequency = member(body, "Schedule")
        .and_then(|schedule| member(schedule, "ScriptScheduleFrequency"))
        .and_then(|frequency| member(frequency, "ScriptScheduleFrequencyId"))
        .and_then(number);
    if frequency.is_none() {
        return Err(Problem::bad("Schedule.ScriptScheduleFrequency is missing."));
    }
    let ids = member(body, "EntityIds")
        .and_then(Value::as_array)
        .ok_or_else(|| Problem::bad("EntityIds is missing."))?;
    let ids: Vec<u64> = ids.iter().filter_map(number).collect();
    let minutes = minutes(body);
    let (mut results, mut failed) = (Vec::new(), false);
    for computer in ids {
        let done = run(world, script, computer, minutes);
        failed |= done.is_err();
        let (status, message) = match done {
            Ok(()) => (0, "Success".to_owned()),
            Err(problem) => (1, problem.message),
        };
        results.push(json!({
            "EntityId": computer,
            "ResultDetails": { "ResultStatus": status, "ReasonCode": status, "Message": message },
        }));
    }
    let body = json!({ "ScriptResults": results, "ContainsUnsuccessfulResults": failed });
    Ok(Reply::json(200, &body))
}

fn minutes(body: &Value) -> u32 {
    let parameters = member(body, "Parameters").and_then(Value::as_array);
    let said = parameters.into_iter().flatten().find_map(|one| {
        let key = member(one, "Key").and_then(Value::as_str)?;
        let value = member(one, "Value").and_then(Value::as_str)?;
        key.eq_ignore_ascii_case("Minutes").then(|| value.parse().ok())?
    });
    said.unwrap_or(60)
}

fn run(world: &mut World, script: u64, computer: u64, minutes: u32) -> Result<(), Problem> {
    alive(world, computer)?;
    let minutes = match script {
        ENTER => Some(minutes),
        LEAVE => None,
        other => return Err(Problem::missing("Script", other)),
    };
    let at = world.now();
    world.automate.modes.entry(computer).or_default().push(ModeChange { at, minutes });
    Ok(())
}
