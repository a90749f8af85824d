//! What the seed says a machine holds, worked out when somebody asks. Each machine has dice of its
//! own, so that nothing else in the estate moves.

use std::borrow::Cow;

use chrono::{DateTime, Duration, Utc};

use super::catalogue::{self, Package};
use crate::generate::dice::Dice;
use crate::generate::machines::personal;
use crate::world::{
    Machine, MachineNo, MachineState, RebootCause, Service, UpdateState, UuidQuirk, WindowsUpdate,
    World,
};

/// The first stream of the machines' dice; far from those of the estate's parts and its changes.
const STREAM: u64 = 1 << 40;

/// What the machine holds now.
#[must_use]
pub fn state(world: &World, no: MachineNo) -> Cow<'_, MachineState> {
    match world.states.of.get(&no) {
        Some(state) => Cow::Borrowed(state),
        None => Cow::Owned(seeded(world, no)),
    }
}

/// The same, to be changed.
pub(crate) fn state_mut(world: &mut World, no: MachineNo) -> &mut MachineState {
    if !world.states.of.contains_key(&no) {
        let state = seeded(world, no);
        world.states.of.insert(no, state);
    }
    world.states.of.entry(no).or_insert_with(|| bare(Utc::now()))
}

/// The machine whose pending reboot never clears: a sound one that is on and that somebody uses.
pub(crate) fn stubborn(world: &World) -> Option<MachineNo> {
    let sound = |machine: &Machine| {
        personal(machine.kind)
            && machine.online
            && !machine.stray
            && machine.uuid_quirk == UuidQuirk::Right
            && machine.wiped.is_empty()
            && (machine.automate_row.is_some() || machine.control_row.is_some())
    };
    world.machines.iter().rposition(sound)
}

/// What is there after Windows was installed: nothing of anybody's.
pub(crate) fn bare(booted: DateTime<Utc>) -> MachineState {
    let service = |name: &str, display: &str| Service {
        name: name.to_owned(),
        display: display.to_owned(),
        running: true,
        start: "Automatic".to_owned(),
    };
    MachineState {
        software: Vec::new(),
        services: vec![
            service("Spooler", "Print Spooler"),
            service("wuauserv", "Windows Update"),
            service("LTService", "LabTech Monitoring Service"),
        ],
        files: std::collections::BTreeMap::new(),
        registry: std::collections::BTreeMap::new(),
        pending: Vec::new(),
        clears: true,
        booted,
        reboots: Vec::new(),
        disk_free: 180 << 30,
        busy: None,
        installers: Vec::new(),
        access: std::collections::BTreeMap::new(),
        tasks: std::collections::BTreeMap::new(),
        updates: Vec::new(),
        patched: Vec::new(),
    }
}

fn seeded(world: &World, no: MachineNo) -> MachineState {
    let mut dice = Dice::new(world.options.seed, STREAM + no as u64);
    let Some(machine) = world.machines.get(no) else { return bare(world.epoch) };
    let booted = dice.days_ago(world.epoch, 0, 30).max(machine.os_installed);
    let mut state = bare(booted);
    for product in likely(machine) {
        let versions: Vec<&Package> =
            catalogue::PACKAGES.iter().filter(|p| p.id.starts_with(product.0)).collect();
        if let Some(package) = dice.any(&versions).filter(|_| dice.chance(product.1)) {
            let at = dice.instant(machine.os_installed.min(world.epoch), world.epoch);
            let row = package.row(at.date_naive());
            state.apply(&crate::world::Effect::Software(Box::new(row)), at);
        }
    }
    state.disk_free = u64::try_from(dice.between(5, 400)).unwrap_or(50) << 30;
    let causes = [RebootCause::Servicing, RebootCause::Updates, RebootCause::FileRenames];
    if dice.chance(0.08)
        && let Some(cause) = dice.any(&causes)
    {
        state.pending.push(cause);
    }
    if world.states.stubborn == Some(no) {
        state.clears = false;
        state.pending = vec![RebootCause::FileRenames];
    }
    state.updates = updates(&mut dice);
    state.booted = state.booted.min(world.epoch - Duration::minutes(5)).max(machine.os_installed);
    state
}

/// What the machine knows of this month: most of it approved, and some of that not installed yet.
fn updates(dice: &mut Dice) -> Vec<WindowsUpdate> {
    const KNOWN: &[(u32, &str)] = &[
        (5_046_617, "Cumulative Update for Windows 11 for x64-based Systems"),
        (5_046_542, "Cumulative Update for .NET Framework 3.5 and 4.8.1"),
        (890_830, "Windows Malicious Software Removal Tool x64"),
        (5_007_651, "Update for Windows Security platform"),
    ];
    let update = |(kb, name): &(u32, &str)| {
        let approved = dice.chance(0.7);
        let missing = dice.chance(0.3);
        WindowsUpdate {
            kb: *kb,
            title: format!("{name} (KB{kb})"),
            approval: if approved { "Approved" } else { "Not Set" }.to_owned(),
            state: if missing { UpdateState::Missing } else { UpdateState::Installed },
            fails: false,
        }
    };
    KNOWN.iter().map(update).collect()
}

/// Products by the beginning of their packages' names, and how likely they are.
fn likely(machine: &Machine) -> &'static [(&'static str, f64)] {
    const DESKS: &[(&str, f64)] = &[
        ("reader-", 0.7),
        ("acrobat-", 0.15),
        ("7zip-", 0.6),
        ("chrome-", 0.85),
        ("sentinel-", 0.7),
        ("huntress-", 0.6),
        ("3cx-", 0.3),
        ("m365", 0.8),
        ("office-2019", 0.1),
        ("zoom-", 0.3),
        ("java-", 0.15),
        ("vcredist-", 0.9),
        ("notepad++", 0.3),
    ];
    const SERVERS: &[(&str, f64)] = &[
        ("7zip-", 0.5),
        ("chrome-", 0.3),
        ("sentinel-", 0.8),
        ("huntress-", 0.8),
        ("vcredist-", 0.9),
        ("notepad++", 0.5),
    ];
    if personal(machine.kind) { DESKS } else { SERVERS }
}
