//! The hard cases of identification, planted at the rates of the options: clones, junk and
//! byte-swapped UUIDs, replaced mainboards, placeholder serials, wipes, machines that are off.
//!
//! A machine has one trouble with its UUID at the most, so that each case stays what it is.

use chrono::Duration;

use super::dice::Dice;
use super::hardware::{self, Factory, JUNK_UUIDS, PLACEHOLDERS};
use super::machines::{host, personal};
use super::share;
use crate::world::{Installation, MachineNo, UuidQuirk, World};

/// Plants all of it.
pub(super) fn plant(world: &mut World, dice: &mut Dice) {
    let total = world.machines.len();
    let options = world.options.clone();
    let mut deck: Vec<MachineNo> = (0..total).collect();
    dice.shuffle(&mut deck);
    let clones = clone_some(world, &mut deck, share(total, options.clones), dice);
    swap_boards(world, &mut deck, share(total, options.swapped_boards), dice);
    for no in draw(&mut deck, share(total, options.junk_uuids)) {
        let junk = dice.pick(JUNK_UUIDS);
        world.machines[no].uuid = junk.to_owned();
        world.machines[no].uuid_quirk = UuidQuirk::Junk;
    }
    for no in draw(&mut deck, share(total, options.swapped_uuids)) {
        let quirks = [UuidQuirk::SwappedInAutomate, UuidQuirk::SwappedInScript];
        world.machines[no].uuid_quirk = quirks[dice.below(2)];
    }
    for no in draw(&mut deck, share(total, options.wipes)) {
        wipe_before(world, no, dice);
    }
    // The rest of the deck has neither of these; any of all but clones may have the others.
    let mut others: Vec<MachineNo> = (0..total).filter(|no| !clones.contains(no)).collect();
    dice.shuffle(&mut others);
    for no in &others[..share(total, options.offline).min(others.len())] {
        world.machines[*no].online = false;
    }
    others.retain(|no| world.machines[*no].earlier_uuids.is_empty());
    dice.shuffle(&mut others);
    for no in &others[..share(total, options.placeholder_serials).min(others.len())] {
        world.machines[*no].serial = dice.pick(PLACEHOLDERS).to_owned();
    }
}

fn draw(deck: &mut Vec<MachineNo>, count: usize) -> Vec<MachineNo> {
    deck.split_off(deck.len().saturating_sub(count))
}

/// Gives machines the UUID of another of the same tenant; both stay on. Returns both of each pair.
fn clone_some(
    world: &mut World,
    deck: &mut Vec<MachineNo>,
    count: usize,
    dice: &mut Dice,
) -> std::collections::HashSet<MachineNo> {
    let mut factory = Factory::knowing(world.machines.iter().map(|m| m.serial.as_str()));
    let mut waiting: Vec<Option<MachineNo>> = vec![None; world.tenants.len()];
    let mut involved = std::collections::HashSet::new();
    let mut made = 0;
    for no in deck.iter().copied() {
        if made == count {
            break;
        }
        if !personal(world.machines[no].kind) {
            continue;
        }
        let tenant = world.machines[no].tenant;
        let Some(original) = waiting[tenant].take() else {
            waiting[tenant] = Some(no);
            continue;
        };
        for twin in [original, no] {
            let flashed = factory.make(world.machines[twin].kind, true, dice);
            let machine = &mut world.machines[twin];
            machine.manufacturer = flashed.manufacturer.to_owned();
            machine.model = flashed.model.to_owned();
            machine.serial = flashed.serial;
            machine.uuid = flashed.uuid;
            involved.insert(twin);
        }
        let (maker, model) =
            (world.machines[original].manufacturer.clone(), world.machines[original].model.clone());
        world.machines[no].uuid = world.machines[original].uuid.clone();
        (world.machines[no].manufacturer, world.machines[no].model) = (maker, model);
        world.machines[no].uuid_quirk = UuidQuirk::Clone(original);
        made += 1;
    }
    deck.retain(|no| !involved.contains(no));
    involved
}

/// New mainboards in machines of makers that write the old serial into the new board.
fn swap_boards(world: &mut World, deck: &mut Vec<MachineNo>, count: usize, dice: &mut Dice) {
    let trusted =
        |no: &MachineNo| matches!(world.machines[*no].manufacturer.as_str(), "HP" | "LENOVO");
    let chosen: Vec<MachineNo> = deck.iter().copied().filter(trusted).take(count).collect();
    deck.retain(|no| !chosen.contains(no));
    for no in chosen {
        let uuid = hardware::random_uuid(dice);
        let machine = &mut world.machines[no];
        machine.earlier_uuids.push(std::mem::replace(&mut machine.uuid, uuid));
    }
}

/// A wipe some days ago: Windows is new, the name is new, the firmware is what it was.
fn wipe_before(world: &mut World, no: MachineNo, dice: &mut Dice) {
    let when = dice.days_ago(world.epoch, 4, 35);
    let (tenant, kind) = (world.machines[no].tenant, world.machines[no].kind);
    let name = host(tenant, kind, 4_000 + no % 5_000, world, dice);
    let machine = &mut world.machines[no];
    machine.earlier.push(Installation {
        host: std::mem::replace(&mut machine.host, name),
        installation_id: std::mem::replace(
            &mut machine.installation_id,
            hardware::installation_id(dice),
        ),
        os_installed: machine.os_installed,
    });
    machine.wiped.push(when);
    machine.os_installed = when + Duration::minutes(dice.between(30, 240));
    machine.mark.modified = when;
}
