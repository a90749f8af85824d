//! Machines: what they are, whose they are, who uses them and who logged on.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};

use super::dice::Dice;
use super::hardware::{self, Factory, Hardware};
use super::plan::Plan;
use super::{mark, names, share};
use crate::world::{
    Account, LoggedOn, Machine, MachineKind, MachineNo, PersonNo, TenantNo, UuidQuirk, World,
};

/// Makes every tenant's machines, all of them sound; troubles come later.
pub(super) fn fill(world: &mut World, plan: &Plan, dice: &mut Dice) {
    let mut factory = Factory::default();
    let users = users_by_tenant(world);
    for (tenant, share) in plan.shares.iter().enumerate() {
        let controller = share.machines > 3
            && (world.tenants[tenant].directory)
                .is_some_and(|d| world.directories[d].on_premises.is_some());
        let mut next_user = users[tenant].iter().copied().cycle();
        for at in 0..share.machines {
            let kind =
                if at == 0 && controller { MachineKind::DomainController } else { kind(dice) };
            let made = factory.make(kind, false, dice);
            let mut machine = machine(tenant, (kind, at), made, world, dice);
            if personal(kind) {
                machine.user = next_user.next();
            }
            world.machines.push(machine);
        }
    }
    share_some(world, dice);
}

/// Whether machines of this kind have a user of their own.
pub(crate) fn personal(kind: MachineKind) -> bool {
    matches!(kind, MachineKind::Desktop | MachineKind::Laptop | MachineKind::Virtual)
}

/// Who may be somebody's primary person: a member who may sign in and is there.
pub(crate) fn eligible(world: &World, person: PersonNo) -> bool {
    let person = &world.persons[person];
    person.account == Account::Member && person.enabled && person.mark.gone.is_none()
}

fn users_by_tenant(world: &World) -> Vec<Vec<PersonNo>> {
    let mut users = vec![Vec::new(); world.tenants.len()];
    for no in (0..world.persons.len()).filter(|no| eligible(world, *no)) {
        users[world.persons[no].tenant].push(no);
    }
    users
}

fn kind(dice: &mut Dice) -> MachineKind {
    match dice.below(100) {
        0..8 => MachineKind::Server,
        8..10 => MachineKind::Virtual,
        10..55 => MachineKind::Desktop,
        _ => MachineKind::Laptop,
    }
}

/// A new machine of a tenant, the `at`-th one; nobody uses it yet.
pub(crate) fn machine(
    tenant: TenantNo,
    (kind, at): (MachineKind, usize),
    made: Hardware,
    world: &World,
    dice: &mut Dice,
) -> Machine {
    let created = dice.days_ago(world.epoch, 40, 1_500);
    let (os, os_version) = system(kind, dice);
    Machine {
        tenant,
        host: host(tenant, kind, at, world, dice),
        kind,
        manufacturer: made.manufacturer.to_owned(),
        model: made.model.to_owned(),
        serial: made.serial,
        uuid: made.uuid,
        uuid_quirk: UuidQuirk::Right,
        earlier_uuids: Vec::new(),
        installation_id: hardware::installation_id(dice),
        os_installed: created,
        os: os.to_owned(),
        os_version: os_version.to_owned(),
        online: true,
        user: None,
        logged_on: LoggedOn::Nobody,
        logons: Vec::new(),
        wiped: Vec::new(),
        earlier: Vec::new(),
        automate_row: None,
        control_row: None,
        entra_row: None,
        stray: false,
        mark: mark(created, created),
    }
}

/// A host name: fifteen characters at most, once per tenant, the same at many tenants.
pub(crate) fn host(
    tenant: TenantNo,
    kind: MachineKind,
    at: usize,
    world: &World,
    dice: &mut Dice,
) -> String {
    let name = &world.tenants[tenant].name;
    let initials: String = names::ascii(name).to_uppercase().chars().take(3).collect();
    let role = match kind {
        MachineKind::Desktop => "PC",
        MachineKind::Laptop => "LT",
        MachineKind::Server => "SRV",
        MachineKind::DomainController => "DC",
        MachineKind::Virtual => "VM",
    };
    if personal(kind) && dice.chance(0.3) {
        return format!("DESKTOP-{}", dice.text(b"0123456789ABCDEFGHIJKLMNOPQRSTUV", 7));
    }
    format!("{initials}-{role}-{:04}", at + 1)
}

fn system(kind: MachineKind, dice: &mut Dice) -> (&'static str, &'static str) {
    match (kind, dice.below(10)) {
        (MachineKind::Server | MachineKind::DomainController, 0..6) => {
            ("Microsoft Windows Server 2022 Standard x64", "10.0.20348")
        }
        (MachineKind::Server | MachineKind::DomainController, _) => {
            ("Microsoft Windows Server 2019 Standard x64", "10.0.17763")
        }
        (_, 0..2) => ("Microsoft Windows 10 Pro x64", "10.0.19045"),
        (_, 2..5) => ("Microsoft Windows 11 Enterprise x64", "10.0.26100"),
        _ => ("Microsoft Windows 11 Pro x64", "10.0.22631"),
    }
}

/// Takes the user from a share of the machines that have one.
fn share_some(world: &mut World, dice: &mut Dice) {
    let mut used: Vec<MachineNo> =
        (0..world.machines.len()).filter(|no| world.machines[*no].user.is_some()).collect();
    dice.shuffle(&mut used);
    for no in &used[..share(used.len(), world.options.shared_computers)] {
        world.machines[*no].user = None;
    }
}

/// Logs people on: the user of a personal machine and nobody else; local accounts on shared ones
/// and where there is no directory; administrators or nobody on servers.
///
/// A machine that is off and that no system could have told a user of is a spare: nobody's.
pub(super) fn log_on(world: &mut World, dice: &mut Dice) {
    let told = told_by_intune(world);
    for no in 0..world.machines.len() {
        let machine = &world.machines[no];
        let synced = machine.user.is_some_and(|user| world.persons[user].sam.is_some());
        let spare = !machine.online && !synced && !told.contains(&no);
        let user = machine.user.filter(|_| !spare);
        let logons = logons(world, no, user, dice);
        let here = match user {
            Some(person) => LoggedOn::Person(person),
            None if personal(machine.kind) && dice.chance(0.6) => {
                logons.last().map_or(LoggedOn::Nobody, |(_, who)| who.clone())
            }
            None if personal(machine.kind) || dice.chance(0.8) => LoggedOn::Nobody,
            None => LoggedOn::Local(format!("{}\\Administrator", machine.host)),
        };
        let machine = &mut world.machines[no];
        (machine.user, machine.logons, machine.logged_on) = (user, logons, here);
    }
}

fn told_by_intune(world: &World) -> HashSet<MachineNo> {
    world.intune_devices.iter().filter(|d| d.person.is_some()).map(|d| d.machine).collect()
}

/// The last fortnight of logons, after Windows was installed and before the machine was last seen.
fn logons(
    world: &World,
    no: MachineNo,
    user: Option<PersonNo>,
    dice: &mut Dice,
) -> Vec<(DateTime<Utc>, LoggedOn)> {
    let machine = &world.machines[no];
    let who = match user {
        Some(person) => LoggedOn::Person(person),
        None if machine.stray || !personal(machine.kind) => return Vec::new(),
        None => {
            LoggedOn::Local(format!("{}\\{}", machine.host, dice.pick(&["kiosk", "user", "front"])))
        }
    };
    // A machine that is off had its logons before its agents were last heard of.
    let automate = machine.automate_row.map(|row| world.automate.computers[row].last_contact);
    let control = machine.control_row.map(|row| world.control.sessions[row].last_connected);
    let heard = automate.into_iter().chain(control).min().filter(|_| !machine.online);
    let last =
        heard.unwrap_or(world.epoch).min(world.epoch) - Duration::minutes(dice.between(5, 600));
    let first =
        (last - Duration::days(14)).max(machine.os_installed + Duration::hours(1)).min(last);
    let count = dice.between(3, 9);
    let mut times: Vec<DateTime<Utc>> = (0..count).map(|_| dice.instant(first, last)).collect();
    times.sort_unstable();
    times.into_iter().map(|at| (at, who.clone())).collect()
}
