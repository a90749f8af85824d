//! What changes the estate besides commands: moves, memberships, retired agents, patch actions.

use serde_json::{Value, json};

use super::computers;
use super::groups;
use super::patching;
use super::problem::Problem;
use super::request::{Request, id, member, number};
use super::schedule;
use crate::vendor::Reply;
use crate::world::World;

/// Computer, location and group in the numbering of entity types.
const COMPUTER: u64 = 1;
const LOCATION: u64 = 2;
const GROUP: u64 = 7;

/// Answers a call that is no GET.
pub(super) fn answer(request: &Request<'_>, world: &mut World) -> Result<Reply, Problem> {
    let path = request.path();
    match (request.method.as_str(), path.as_slice()) {
        ("POST", ["batch", "commands", "sendto"]) => send_to(&request.json()?, world),
        ("POST", ["groupcomputers"]) => add_member(&request.json()?, world),
        ("DELETE", ["groupcomputers", row]) => {
            groups::remove(world, id(row)?)?;
            Ok(Reply::empty(204))
        }
        ("DELETE", ["computers", computer]) => retire(world, id(computer)?),
        ("POST", ["batch", "scriptschedule" | "scriptexecute"]) => {
            schedule::schedule(&request.json()?, world)
        }
        ("POST", ["patchactions", action]) => patch_action(action, &request.json()?, world),
        (method, [_] | [_, _]) => Err(Problem::no_method(method)),
        _ => Err(Problem::no_resource()),
    }
}

/// Moves computers to a location or puts them into a group. One that cannot be moved does not
/// keep the others from it; the answer says so.
fn send_to(body: &Value, world: &mut World) -> Result<Reply, Problem> {
    let entity = entity_type(body, "EntityType")?;
    let target = entity_type(body, "TargetType")?;
    if entity != COMPUTER {
        return Err(Problem::bad("Only computers can be sent."));
    }
    let target_id = member(body, "TargetId")
        .and_then(number)
        .ok_or_else(|| Problem::bad("TargetId is missing."))?;
    let ids: Vec<u64> = member(body, "EntityIds")
        .and_then(Value::as_array)
        .ok_or_else(|| Problem::bad("EntityIds is missing."))?
        .iter()
        .filter_map(number)
        .collect();
    let mut results = Vec::new();
    let mut failed = false;
    for computer in ids {
        let done = match target {
            LOCATION => move_to(world, computer, target_id),
            GROUP => groups::add(world, target_id, computer).map(|_| ()),
            _ => return Err(Problem::bad("TargetType must be a location or a group.")),
        };
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
    let body = json!({ "SendToResults": results, "ContainsUnsuccessfulResults": failed });
    Ok(Reply::json(200, &body))
}

fn move_to(world: &mut World, computer: u64, location: u64) -> Result<(), Problem> {
    let client = world
        .automate
        .locations
        .iter()
        .find(|row| row.id == location && row.mark.gone.is_none())
        .map(|row| row.client)
        .ok_or_else(|| Problem::missing("Location", location))?;
    let row = alive(world, computer)?;
    let version = world.next_version();
    let now = world.now();
    let row = &mut world.automate.computers[row];
    row.location = location;
    row.client = client;
    row.mark.changed = version;
    row.mark.modified = now;
    Ok(())
}

fn retire(world: &mut World, computer: u64) -> Result<Reply, Problem> {
    let row = alive(world, computer)?;
    let version = world.next_version();
    let now = world.now();
    let mark = &mut world.automate.computers[row].mark;
    mark.gone = Some(version);
    mark.changed = version;
    mark.modified = now;
    Ok(Reply::empty(204))
}

pub(super) fn alive(world: &World, computer: u64) -> Result<usize, Problem> {
    computers::position(world, computer)
        .filter(|row| world.automate.computers[*row].mark.gone.is_none())
        .ok_or_else(|| Problem::missing("Computer", computer))
}

fn add_member(body: &Value, world: &mut World) -> Result<Reply, Problem> {
    let part = |name: &str| {
        member(body, name)
            .and_then(number)
            .ok_or_else(|| Problem::bad(format!("{name} is missing.")))
    };
    let (group, computer) = (part("GroupId")?, part("ComputerId")?);
    let row = groups::add(world, group, computer)?;
    let body = json!({
        "Id": row.to_string(),
        "GroupId": group.to_string(),
        "ComputerId": computer.to_string(),
    });
    Ok(Reply::json(200, &body))
}

/// Patch actions are taken and done behind the scenes: 204 and nothing to read.
fn patch_action(action: &str, body: &Value, world: &mut World) -> Result<Reply, Problem> {
    const ACTIONS: [&str; 6] = [
        "deployallapproved",
        "deployallsecurity",
        "reattemptfailed",
        "settoteststage",
        "settopilotstage",
        "settoproductionstage",
    ];
    if !ACTIONS.contains(&action) {
        return Err(Problem::no_resource());
    }
    let computer = member(body, "EntityId")
        .and_then(number)
        .ok_or_else(|| Problem::bad("EntityId is missing."))?;
    let row = alive(world, computer)?;
    if action == "deployallapproved" {
        patching::deploy(world, row);
    }
    Ok(Reply::empty(204))
}

/// An entity type as a number or by name.
pub(super) fn entity_type(body: &Value, name: &str) -> Result<u64, Problem> {
    let value = member(body, name).ok_or_else(|| Problem::bad(format!("{name} is missing.")))?;
    if let Some(known) = number(value) {
        return Ok(known);
    }
    match value.as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("computer") => Ok(COMPUTER),
        Some("site" | "location") => Ok(LOCATION),
        Some("group") => Ok(GROUP),
        _ => Err(Problem::bad(format!("{name} {value} is not an entity type that can be sent."))),
    }
}
