//! Device objects of the directories and Intune's managed devices.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::dice::Dice;
use super::machines::personal;
use super::{mark, share};
use crate::world::{EntraDevice, IntuneDevice, MachineNo, World};

/// Enrols a share of the machines in Intune, and joins those and some more to their directory.
pub(super) fn fill(world: &mut World, dice: &mut Dice) {
    let mut managed: Vec<MachineNo> = Vec::new();
    let mut homed: Vec<MachineNo> = Vec::new();
    for (no, machine) in world.machines.iter().enumerate().filter(|(_, m)| !m.stray) {
        if let Some(directory) = world.tenants[machine.tenant].directory {
            homed.push(no);
            if world.directories[directory].intune && personal(machine.kind) {
                managed.push(no);
            }
        }
    }
    dice.shuffle(&mut managed);
    managed.truncate(share(homed.len(), world.options.in_intune));
    let managed: HashSet<MachineNo> = managed.into_iter().collect();
    for no in homed {
        let hybrid = dice.chance(0.3);
        if managed.contains(&no) || hybrid {
            join(world, no, managed.contains(&no), dice);
        }
    }
}

fn join(world: &mut World, no: MachineNo, managed: bool, dice: &mut Dice) {
    let machine = &world.machines[no];
    if let (Some(was), Some(wiped)) = (machine.earlier.last(), machine.wiped.last())
        && dice.chance(0.5)
    {
        let (host, joined, until) = (was.host.clone(), was.os_installed, *wiped);
        enrol(world, (no, joined + Duration::hours(3)), managed, dice);
        if let Some(device) = world.entra_devices.last_mut() {
            device.current = false;
        }
        if managed && let Some(device) = world.intune_devices.last_mut() {
            retire(device, (&host, until));
        }
    }
    let at = (world.machines[no].os_installed + Duration::hours(dice.between(1, 48)))
        .min(world.epoch - Duration::hours(1));
    enrol(world, (no, at), managed, dice);
}

/// What the machine was enrolled as until then is left over.
pub(crate) fn retire(device: &mut IntuneDevice, (host, until): (&str, DateTime<Utc>)) {
    device.current = false;
    device.host = host.to_owned();
    device.last_sync = until - Duration::hours(5);
}

/// Joins the machine as it is now to the directory of its tenant, in Intune too if asked for.
pub(crate) fn enrol(
    world: &mut World,
    (no, at): (MachineNo, DateTime<Utc>),
    managed: bool,
    dice: &mut Dice,
) {
    let machine = &world.machines[no];
    let Some(directory) = world.tenants[machine.tenant].directory else { return };
    let device_id = dice.uuid();
    let trust = match (managed, world.directories[directory].on_premises.is_some()) {
        (false, true) => "ServerAd",
        (false, false) => "Workplace",
        (true, _) => "AzureAd",
    };
    if managed {
        let seen = Duration::minutes(dice.between(3, 400));
        let last_sync = world.epoch - if machine.online { seen } else { seen * 40 };
        world.intune_devices.push(IntuneDevice {
            directory,
            machine: no,
            id: dice.uuid(),
            device_id: if dice.chance(0.02) { Uuid::nil() } else { device_id },
            host: machine.host.clone(),
            serial: machine.serial.clone(),
            person: machine.user,
            current: true,
            last_sync: last_sync.max(at),
            mark: mark(at, last_sync),
        });
    }
    world.entra_devices.push(EntraDevice {
        directory,
        machine: no,
        id: dice.uuid(),
        device_id,
        trust: trust.to_owned(),
        current: true,
        mark: mark(at, at),
    });
    world.machines[no].entra_row = Some(world.entra_devices.len() - 1);
}
