//! The Patch Manager: what a computer lacks, what a policy approved, and the job that installs that.

use chrono::Duration;
use serde_json::{Value, json};

use super::auth::zoneless;
use super::list::Fixed;
use crate::machine;
use crate::world::{AutomateComputer, Due, Effect, UpdateState, World};

/// Minutes until an agent begins with what it was told, and that an update takes.
const BEGIN_MINUTES: i64 = 2;
const EACH_MINUTES: i64 = 3;

/// `/Computers/{id}/MicrosoftUpdates`.
pub(super) fn updates(world: &World, computer: &AutomateComputer) -> Fixed {
    let state = machine::state(world, computer.machine);
    let row = |update: &crate::world::WindowsUpdate| {
        let is = |state: UpdateState| update.state == state;
        json!({
            "Category": "Security Updates",
            "ComputerId": computer.id,
            "InstallState": if is(UpdateState::Installed) { "Installed" } else { "Not Installed" },
            "IsCompliant": is(UpdateState::Installed),
            "IsFailed": is(UpdateState::Failed),
            "IsInstalled": is(UpdateState::Installed),
            "IsNonCompliant": !is(UpdateState::Installed),
            "KnowledgeBaseId": update.kb,
            "MicrosoftUpdateId": format!("{:08x}-0000-4000-8000-000000000000", update.kb),
            "PolicyApproval": { "Id": u8::from(update.approval == "Approved"), "Name": update.approval },
            "Severity": "Critical",
            "Title": update.title,
        })
    };
    Fixed { rows: state.updates.iter().map(row).collect(), id: "knowledgebaseid" }
}

/// `/Computers/{id}/PatchingStats`.
pub(super) fn stats(world: &World, computer: &AutomateComputer) -> Value {
    let state = machine::state(world, computer.machine);
    let count = |of: UpdateState| state.updates.iter().filter(|one| one.state == of).count();
    let begun = Duration::minutes(BEGIN_MINUTES);
    let runs = |(at, until): &(_, _)| *at + begun <= world.now() && world.now() < *until;
    json!({
        "ComputerId": computer.id,
        "InstalledPatchCount": count(UpdateState::Installed),
        "MissingPatchCount": count(UpdateState::Missing),
        "FailedPatchCount": count(UpdateState::Failed),
        "NoPatchInventory": false,
        "PatchJobRunning": state.patched.last().is_some_and(runs),
        "Stage": "Production",
        "LastPatchedDate": state.patched.last().map(|(_, until)| zoneless(*until)),
        "IsMicrosoftManaged": true,
        "IsThirdPartyManaged": false,
    })
}

/// The agent of a computer that is on installs what is approved and missing, one after the other.
pub(super) fn deploy(world: &mut World, row: usize) {
    let computer = &world.automate.computers[row];
    let (no, current) = (computer.machine, computer.current);
    let online = world.machines.get(no).is_some_and(|machine| machine.online);
    if !current || !online {
        return;
    }
    let now = world.now();
    let mut at = now + Duration::minutes(BEGIN_MINUTES);
    let state = machine::state_mut(world, no);
    let wanted: Vec<u32> = state
        .updates
        .iter()
        .filter(|one| one.approval == "Approved" && one.state != UpdateState::Installed)
        .map(|one| one.kb)
        .collect();
    let until = at + Duration::minutes(EACH_MINUTES * i64::try_from(wanted.len()).unwrap_or(1));
    state.patched.push((now, until));
    for kb in wanted {
        at += Duration::minutes(EACH_MINUTES);
        machine::enter(world, Due { at, machine: no, run: None, effect: Effect::Update(kb) });
    }
}
