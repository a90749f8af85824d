//! Agents: which machines are in Automate, in Control or in both, and what is left over from
//! before a wipe or a re-installation.

use chrono::{DateTime, Duration, Utc};

use super::dice::Dice;
use super::hardware::{self, Factory};
use super::machines::{self, personal};
use super::plan::{Plan, Rmm};
use super::{mark, share};
use crate::world::{
    AutomateComputer, AutomateGroup, ControlSession, MachineKind, MachineNo, TenantNo, UuidQuirk,
    World,
};

/// Where the agents of a tenant are put.
pub(crate) struct Desks {
    /// Automate's clients and their locations, by tenant; the last entry is the workbench.
    automate: Vec<Vec<(u64, u64)>>,
    /// Control's spelling, by tenant; the last entry is the workbench.
    control: Vec<Option<String>>,
}

impl Desks {
    /// Looks the clients up once.
    pub(crate) fn of(world: &World) -> Self {
        let bench = world.tenants.len();
        let mut automate = vec![Vec::new(); bench + 1];
        let mut homes = std::collections::HashMap::new();
        for client in world.automate.clients.iter().filter(|c| c.mark.gone.is_none()) {
            homes.insert(client.id, client.tenant.unwrap_or(bench));
        }
        for location in world.automate.locations.iter().filter(|l| l.mark.gone.is_none()) {
            if let Some(tenant) = homes.get(&location.client) {
                automate[*tenant].push((location.client, location.id));
            }
        }
        let mut control = vec![None; bench + 1];
        for client in &world.control.clients {
            control[client.tenant.unwrap_or(bench)] = Some(client.name.clone());
        }
        Self { automate, control }
    }

    fn desk(&self, world: &World, no: MachineNo) -> usize {
        let machine = &world.machines[no];
        if machine.stray { self.control.len() - 1 } else { machine.tenant }
    }

    /// Whether the tenant is in Automate, and whether it is in Control.
    pub(crate) fn has(&self, tenant: TenantNo) -> (bool, bool) {
        (!self.automate[tenant].is_empty(), self.control[tenant].is_some())
    }

    /// Control's spelling of a tenant.
    pub(crate) fn spelling(&self, tenant: TenantNo) -> Option<&str> {
        self.control[tenant].as_deref()
    }

    /// An Automate client and location of a tenant.
    pub(crate) fn place(&self, tenant: TenantNo, dice: &mut Dice) -> Option<(u64, u64)> {
        dice.any(&self.automate[tenant])
    }
}

/// Enrols every machine where the plan says.
pub(super) fn fill(world: &mut World, plan: &Plan, dice: &mut Dice) {
    strays(world, dice);
    let desks = Desks::of(world);
    let mut places = places(world, plan, dice);
    let mut in_control: Vec<MachineNo> = (0..places.len())
        .filter(|no| places[*no].1 && world.machines[*no].wiped.is_empty())
        .collect();
    dice.shuffle(&mut in_control);
    let twice = share(world.options.computers, world.options.twice_in_control);
    let (stale, rest) = in_control.split_at(twice.min(in_control.len()));
    let ended = &rest[..share(rest.len(), 0.02)];
    places.resize(world.machines.len(), (true, true));
    let mut leftovers = vec![Leftover::None; places.len()];
    stale.iter().for_each(|no| leftovers[*no] = Leftover::Stale);
    ended.iter().for_each(|no| leftovers[*no] = Leftover::Ended);
    for (no, (automate, control)) in places.into_iter().enumerate() {
        if automate {
            enrol_in_automate(world, &desks, no, dice);
        }
        if control {
            enrol_in_control(world, &desks, (no, leftovers[no]), dice);
        }
    }
    support_sessions(world, dice);
    group(world);
}

/// Which of the two RMMs each machine is in.
fn places(world: &World, plan: &Plan, dice: &mut Dice) -> Vec<(bool, bool)> {
    let cloned: std::collections::HashSet<MachineNo> = (world.machines.iter().enumerate())
        .filter_map(|(no, m)| match m.uuid_quirk {
            UuidQuirk::Clone(original) => Some([no, original]),
            _ => None,
        })
        .flatten()
        .collect();
    let mut free: Vec<MachineNo> = Vec::new();
    let mut places = Vec::with_capacity(plan.shares.len());
    for (no, machine) in world.machines.iter().enumerate().filter(|(_, m)| !m.stray) {
        places.push(match plan.shares[machine.tenant].rmm {
            Rmm::Automate => (true, false),
            Rmm::Control => (false, true),
            // That two machines are clones shows where one system sees both of them at once.
            Rmm::Both if cloned.contains(&no) => (true, dice.chance(0.5)),
            Rmm::Both => {
                free.push(no);
                if dice.chance(0.55) { (true, false) } else { (false, true) }
            }
        });
    }
    let both = share(places.len(), world.options.both_rmms);
    let have = places.iter().filter(|(a, c)| *a && *c).count();
    dice.shuffle(&mut free);
    for no in free.into_iter().take(both.saturating_sub(have)) {
        places[no] = (true, true);
    }
    places
}

/// A few machines on the workbench, under a client that is no customer.
fn strays(world: &mut World, dice: &mut Dice) {
    let mut factory = Factory::knowing(world.machines.iter().map(|m| m.serial.as_str()));
    for at in 0..(world.options.computers / 1_000).clamp(1, 20) + 1 {
        let made = factory.make(MachineKind::Laptop, false, dice);
        let mut stray = machines::machine(0, (MachineKind::Laptop, 9_000 + at), made, world, dice);
        stray.host = format!("BENCH-{:02}", at + 1);
        stray.stray = true;
        world.machines.push(stray);
    }
}

/// When an agent was added and last heard of.
struct Span {
    added: DateTime<Utc>,
    last: DateTime<Utc>,
}

fn present(world: &World, no: MachineNo, dice: &mut Dice) -> Span {
    let machine = &world.machines[no];
    let settle = Duration::minutes(dice.between(60, 4_000));
    let added = (machine.os_installed + settle).min(world.epoch - Duration::hours(2));
    let last = if machine.online {
        world.epoch - Duration::seconds(dice.between(5, 240))
    } else {
        dice.instant(added.max(world.epoch - Duration::days(20)), world.epoch - Duration::hours(1))
    };
    Span { added, last }
}

/// The time of the installation before the last wipe.
fn before_wipe(world: &World, no: MachineNo, dice: &mut Dice) -> Option<Span> {
    let machine = &world.machines[no];
    let (was, wiped) = (machine.earlier.last()?, *machine.wiped.last()?);
    let added = was.os_installed + Duration::minutes(dice.between(60, 4_000));
    let last = wiped - Duration::hours(dice.between(2, 60));
    Some(Span { added: added.min(last), last })
}

fn enrol_in_automate(world: &mut World, desks: &Desks, no: MachineNo, dice: &mut Dice) {
    if let Some(span) = before_wipe(world, no, dice) {
        let was = world.machines[no].earlier.last().map(|w| (w.host.clone(), w.os_installed));
        add_computer(world, desks, (no, span.added), dice);
        if let (Some((host, os_installed)), Some(old)) = (was, world.automate.computers.last_mut())
        {
            (old.host, old.os_installed, old.current) = (host, os_installed, false);
            old.last_contact = span.last;
            old.mark.modified = span.last;
        }
    }
    let span = present(world, no, dice);
    if add_computer(world, desks, (no, span.added), dice).is_some()
        && let Some(computer) = world.automate.computers.last_mut()
    {
        computer.last_contact = span.last;
        computer.mark.modified = span.last;
    }
}

/// Adds an Automate agent for the machine as it is now; none where the tenant is not in Automate.
pub(crate) fn add_computer(
    world: &mut World,
    desks: &Desks,
    (no, added): (MachineNo, DateTime<Utc>),
    dice: &mut Dice,
) -> Option<u64> {
    let (client, location) = desks.place(desks.desk(world, no), dice)?;
    let id = world.automate.computers.last().map_or(1, |c| c.id + 1 + dice.below(3) as u64);
    let machine = &world.machines[no];
    world.automate.computers.push(AutomateComputer {
        id,
        machine: no,
        client,
        location,
        host: machine.host.clone(),
        uuid: inventoried(world, no, dice),
        serial: machine.serial.clone(),
        os_installed: machine.os_installed,
        current: true,
        last_contact: added,
        added,
        mark: mark(added, added),
    });
    world.machines[no].automate_row = Some(world.automate.computers.len() - 1);
    Some(id)
}

/// The UUID as the chassis inventory has it; a few machines were never inventoried, and half of
/// the replaced mainboards are still the old ones there.
fn inventoried(world: &World, no: MachineNo, dice: &mut Dice) -> Option<String> {
    let machine = &world.machines[no];
    if dice.chance(0.01) {
        return None;
    }
    let uuid = match (machine.uuid_quirk, machine.earlier_uuids.last()) {
        (UuidQuirk::SwappedInAutomate, _) => hardware::swapped(&machine.uuid),
        (_, Some(old)) if dice.chance(0.5) => old.clone(),
        _ => machine.uuid.clone(),
    };
    Some(hardware::spelt(&uuid, dice))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Leftover {
    None,
    /// A session that the agent left when it was re-installed.
    Stale,
    /// The same, and somebody ended it.
    Ended,
}

fn enrol_in_control(
    world: &mut World,
    desks: &Desks,
    (no, leftover): (MachineNo, Leftover),
    dice: &mut Dice,
) {
    let mut span = present(world, no, dice);
    let old = match leftover {
        Leftover::None => before_wipe(world, no, dice),
        Leftover::Stale | Leftover::Ended => {
            let first = span.added;
            let until = dice.instant(first + Duration::hours(1), world.epoch - Duration::days(2));
            span.added = until + Duration::hours(dice.between(1, 40));
            span.last = span.last.max(span.added);
            Some(Span { added: first, last: until })
        }
    };
    if let Some(old) = old {
        let host = match leftover {
            Leftover::None => world.machines[no].earlier.last().map(|was| was.host.clone()),
            _ => None,
        };
        add_session(world, desks, (no, old.added), dice);
        if let Some(session) = world.control.sessions.last_mut() {
            session.current = false;
            session.ended = leftover == Leftover::Ended;
            session.last_connected = old.last;
            session.mark.modified = old.last;
            session.host = host.unwrap_or_else(|| session.host.clone());
        }
    }
    if add_session(world, desks, (no, span.added), dice).is_some()
        && let Some(session) = world.control.sessions.last_mut()
    {
        session.last_connected = span.last;
        session.mark.modified = span.last;
    }
}

/// Adds a Control access session for the machine as it is now; none where the tenant is not in
/// Control.
pub(crate) fn add_session(
    world: &mut World,
    desks: &Desks,
    (no, added): (MachineNo, DateTime<Utc>),
    dice: &mut Dice,
) -> Option<uuid::Uuid> {
    let client = desks.control[desks.desk(world, no)].clone()?;
    let machine = &world.machines[no];
    let mut properties: [String; 8] = std::array::from_fn(|_| String::new());
    properties[0] = client;
    if dice.chance(0.4) {
        properties[1] = "Main Office".into();
    }
    let id = dice.uuid();
    world.control.sessions.push(ControlSession {
        id,
        machine: Some(no),
        kind: 2,
        name: if dice.chance(0.03) { format!("{} (spare)", machine.host) } else { String::new() },
        properties,
        host: machine.host.clone(),
        serial: machine.serial.clone(),
        current: true,
        ended: false,
        added,
        last_connected: added,
        events: Vec::new(),
        commands: Vec::new(),
        mark: mark(added, added),
    });
    world.machines[no].control_row = Some(world.control.sessions.len() - 1);
    Some(id)
}

/// Support sessions of machines nobody manages.
fn support_sessions(world: &mut World, dice: &mut Dice) {
    for at in 0..(world.options.computers / 200).clamp(2, 50) {
        let added = dice.days_ago(world.epoch, 0, 30);
        world.control.sessions.push(ControlSession {
            id: dice.uuid(),
            machine: None,
            kind: 0,
            name: format!("Support {}", dice.digits(4)),
            properties: std::array::from_fn(|_| String::new()),
            host: format!("HOME-{}", dice.digits(5)),
            serial: String::new(),
            current: false,
            ended: at % 2 == 0,
            added,
            last_connected: added,
            events: Vec::new(),
            commands: Vec::new(),
            mark: mark(added, added),
        });
    }
}

/// Automate's groups by kind of machine, nested in one of all.
fn group(world: &mut World) {
    let names = ["All Agents", "Service Plans", "Servers", "Workstations", "Portables"];
    let created = world.epoch - Duration::days(900);
    for (at, name) in names.iter().enumerate() {
        world.automate.groups.push(AutomateGroup {
            id: at as u64 + 1,
            parent: (at > 0).then_some(if at > 1 { 2 } else { 1 }),
            name: (*name).to_owned(),
            members: Vec::new(),
            mark: mark(created, created),
        });
    }
    for row in 0..world.automate.computers.len() {
        let computer = &world.automate.computers[row];
        let kind = world.machines[computer.machine].kind;
        let group = match kind {
            MachineKind::Laptop => 4,
            _ if personal(kind) => 3,
            _ => 2,
        };
        let member = (row as u64 + 1, computer.id, 0, None);
        world.automate.groups[group].members.push(member);
    }
}
