//! Which agents are which machine, and who uses it.

use std::collections::{HashMap, HashSet};

use super::{Agent, Computer};
use crate::generate::hardware::PLACEHOLDERS;
use crate::generate::machines::eligible;
use crate::world::{LoggedOn, MachineKind, MachineNo, UuidQuirk, World};

/// The machines with their agents, and the agents that are nobody's.
pub(super) fn computers(world: &World) -> (Vec<Computer>, Vec<(String, String)>) {
    let mut agents: Vec<Vec<Agent>> = vec![Vec::new(); world.machines.len()];
    let mut unlinked = Vec::new();
    each_agent(world, |machine, agent| {
        if world.machines[machine].stray {
            unlinked.push((agent.kind, agent.id));
        } else {
            agents[machine].push(agent);
        }
    });
    let cloned: HashSet<MachineNo> = (world.machines.iter())
        .filter_map(|m| match m.uuid_quirk {
            UuidQuirk::Clone(original) if m.mark.gone.is_none() => Some(original),
            _ => None,
        })
        .collect();
    let in_use =
        |d: &&crate::world::IntuneDevice| d.current && d.mark.gone.is_none() && d.person.is_some();
    let enrolled: HashSet<MachineNo> =
        world.intune_devices.iter().filter(in_use).map(|d| d.machine).collect();
    let computers = (agents.into_iter().enumerate())
        .filter(|(no, agents)| world.machines[*no].mark.gone.is_none() && !agents.is_empty())
        .map(|(no, agents)| computer(world, no, agents, cloned.contains(&no), &enrolled))
        .collect();
    (computers, unlinked)
}

fn computer(
    world: &World,
    no: MachineNo,
    agents: Vec<Agent>,
    cloned: bool,
    enrolled: &HashSet<MachineNo>,
) -> Computer {
    let machine = &world.machines[no];
    let mut troubles = Vec::new();
    let mut note = |is: bool, trouble: &str| {
        if is {
            troubles.push(trouble.to_owned());
        }
    };
    let swapped = [UuidQuirk::SwappedInAutomate, UuidQuirk::SwappedInScript];
    let trusted = ["Dell Inc.", "HP", "LENOVO"];
    let chassis = |row: usize| world.automate.computers[row].uuid.is_some();
    note(!machine.wiped.is_empty(), "wiped");
    note(matches!(machine.uuid_quirk, UuidQuirk::Clone(_)), "clone");
    note(cloned, "cloned");
    note(machine.uuid_quirk == UuidQuirk::Junk, "junk_uuid");
    note(swapped.contains(&machine.uuid_quirk), "swapped_uuid");
    note(!machine.earlier_uuids.is_empty(), "swapped_board");
    note(PLACEHOLDERS.contains(&machine.serial.as_str()), "placeholder_serial");
    note(machine.automate_row.is_some_and(|row| !chassis(row)), "no_chassis");
    note(!machine.online, "offline");
    note(!trusted.contains(&machine.manufacturer.as_str()), "untrusted_maker");
    Computer {
        no,
        tenant: machine.tenant,
        host: machine.host.clone(),
        online: machine.online,
        agents,
        primary_person: primary(world, no),
        knowable: knowable(world, no, enrolled),
        troubles,
    }
}

/// The user, if he may be one and has been seen.
fn primary(world: &World, no: MachineNo) -> Option<uuid::Uuid> {
    let machine = &world.machines[no];
    let user = machine.user.filter(|user| eligible(world, *user))?;
    let seen = machine.logons.iter().any(|(_, who)| *who == LoggedOn::Person(user));
    (seen && world.persons[user].tenant == machine.tenant).then(|| world.persons[user].id)
}

/// Whether any system can tell who uses the machine.
fn knowable(world: &World, no: MachineNo, enrolled: &HashSet<MachineNo>) -> bool {
    let machine = &world.machines[no];
    if world.tenants[machine.tenant].windows_domain.is_some() {
        // The domain controller tells whose the account is, and the directory who that is.
        let told = world.machines.iter().any(|other| {
            other.tenant == machine.tenant
                && other.kind == MachineKind::DomainController
                && other.online
        });
        let known = machine
            .user
            .is_some_and(|user| world.directories[world.persons[user].directory].consented);
        return told && known;
    }
    let answers =
        machine.online && (machine.automate_row.is_some() || machine.control_row.is_some());
    let named = machine.user.is_some_and(|user| {
        let person = &world.persons[user];
        person.sam.is_some() && world.directories[person.directory].on_premises.is_some()
    });
    answers || named || enrolled.contains(&no)
}

/// Every agent that a system lists, with its machine.
fn each_agent(world: &World, mut act: impl FnMut(MachineNo, Agent)) {
    for computer in world.automate.computers.iter().filter(|c| c.mark.gone.is_none()) {
        let id = computer.id.to_string();
        let (kind, current) = ("cw-automate".to_owned(), computer.current);
        act(computer.machine, Agent { kind, id, current, by_hand: false });
    }
    let by_hand: HashMap<&str, bool> =
        world.control.clients.iter().map(|c| (c.name.as_str(), c.by_hand)).collect();
    let sessions = world.control.sessions.iter();
    for session in sessions.filter(|s| s.kind == 2 && !s.ended && s.mark.gone.is_none()) {
        let Some(machine) = session.machine else { continue };
        let by_hand = by_hand.get(session.properties[0].as_str()).copied().unwrap_or(false);
        let (kind, current) = ("cw-control".to_owned(), session.current);
        act(machine, Agent { kind, id: session.id.to_string(), current, by_hand });
    }
    for device in world.intune_devices.iter().filter(|d| d.mark.gone.is_none()) {
        let (kind, current) = ("azure-ad".to_owned(), device.current);
        act(device.machine, Agent { kind, id: device.id.to_string(), current, by_hand: false });
    }
}
