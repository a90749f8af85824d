//! Changes of machines and of the agents on them.

use chrono::Duration;

use super::change::{ChangeError, Pick, RmmSystem, Work, find};
use super::clients::tenant_of;
use super::people::{leave_groups, person_of};
use crate::generate::agents::{self, Desks};
use crate::generate::devices;
use crate::generate::hardware;
use crate::generate::machines;
use crate::world::{Installation, LoggedOn, MachineKind, MachineNo, Member, World};

/// Finds a machine by number, host name or serial number.
pub(super) fn machine_of(world: &World, pick: &Pick) -> Result<MachineNo, ChangeError> {
    let no = find("machine", &world.machines, pick, |machine, name| {
        machine.mark.gone.is_none()
            && (machine.host.eq_ignore_ascii_case(name)
                || machine.serial.eq_ignore_ascii_case(name))
    })?;
    match world.machines[no].mark.gone {
        None => Ok(no),
        Some(_) => Err(ChangeError::Impossible(format!("machine {no} is gone"))),
    }
}

fn touch(work: &mut Work<'_>, no: MachineNo) {
    let mut mark = work.world.machines[no].mark.clone();
    work.touch(&mut mark);
    work.world.machines[no].mark = mark;
}

pub(super) fn wipe(work: &mut Work<'_>, pick: &Pick) -> Result<String, ChangeError> {
    let no = machine_of(work.world, pick)?;
    let now = work.now;
    let (tenant, kind) = (work.world.machines[no].tenant, work.world.machines[no].kind);
    let number = 5_000 + work.version as usize % 4_000;
    let host = machines::host(tenant, kind, number, work.world, &mut work.dice);
    let installation_id = hardware::installation_id(&mut work.dice);
    let machine = &mut work.world.machines[no];
    let was = Installation {
        host: std::mem::replace(&mut machine.host, host),
        installation_id: std::mem::replace(&mut machine.installation_id, installation_id),
        os_installed: std::mem::replace(&mut machine.os_installed, now),
    };
    let what = format!("{} was wiped and is {} now", was.host, machine.host);
    machine.wiped.push(now);
    machine.online = true;
    machine.logons.clear();
    let user = machine.user.map_or(LoggedOn::Nobody, LoggedOn::Person);
    if user != LoggedOn::Nobody {
        machine.logons.push((now, user.clone()));
    }
    machine.logged_on = user;
    machine.earlier.push(was.clone());
    touch(work, no);
    crate::machine::wiped(work.world, no, now);
    let managed = retire_devices(work, no, &was.host);
    let (automate, control) = retire_agents(work, no);
    let desks = Desks::of(work.world);
    if automate {
        enrol(work, &desks, no, RmmSystem::Automate);
    }
    if control {
        enrol(work, &desks, no, RmmSystem::Control);
    }
    if let Some(managed) = managed {
        enrol_device(work, no, managed);
    }
    Ok(what)
}

/// The agents of today are left over; which systems they were in.
fn retire_agents(work: &mut Work<'_>, no: MachineNo) -> (bool, bool) {
    (retire(work, no, RmmSystem::Automate), retire(work, no, RmmSystem::Control))
}

fn retire(work: &mut Work<'_>, no: MachineNo, rmm: RmmSystem) -> bool {
    let last = work.now - Duration::minutes(2);
    let machine = &mut work.world.machines[no];
    let row = match rmm {
        RmmSystem::Automate => machine.automate_row.take(),
        RmmSystem::Control => machine.control_row.take(),
    };
    let Some(row) = row else { return false };
    let (now, version) = (work.now, work.version);
    let mark = match rmm {
        RmmSystem::Automate => {
            let agent = &mut work.world.automate.computers[row];
            agent.current = false;
            agent.last_contact = last.max(agent.added);
            &mut agent.mark
        }
        RmmSystem::Control => {
            let agent = &mut work.world.control.sessions[row];
            agent.current = false;
            agent.last_connected = last.max(agent.added);
            &mut agent.mark
        }
    };
    (mark.modified, mark.changed) = (now, version);
    mark.gone.is_none()
}

/// A new agent for the machine as it is now.
fn enrol(work: &mut Work<'_>, desks: &Desks, no: MachineNo, rmm: RmmSystem) {
    let (now, mark) = (work.now, work.born());
    match rmm {
        RmmSystem::Automate => {
            if agents::add_computer(work.world, desks, (no, now), &mut work.dice).is_some()
                && let Some(agent) = work.world.automate.computers.last_mut()
            {
                agent.mark = mark;
            }
        }
        RmmSystem::Control => {
            if agents::add_session(work.world, desks, (no, now), &mut work.dice).is_some()
                && let Some(agent) = work.world.control.sessions.last_mut()
            {
                agent.mark = mark;
            }
        }
    }
}

/// What the machine was joined as is left over; whether it was managed, if it was joined.
fn retire_devices(work: &mut Work<'_>, no: MachineNo, host: &str) -> Option<bool> {
    let (now, version) = (work.now, work.version);
    let row = work.world.machines[no].entra_row.take()?;
    let device = &mut work.world.entra_devices[row];
    device.current = false;
    (device.mark.modified, device.mark.changed) = (now, version);
    let mut managed = false;
    for device in work.world.intune_devices.iter_mut().filter(|d| d.machine == no && d.current) {
        devices::retire(device, (host, now));
        (device.mark.modified, device.mark.changed) = (now, version);
        managed |= device.mark.gone.is_none();
    }
    Some(managed)
}

fn enrol_device(work: &mut Work<'_>, no: MachineNo, managed: bool) {
    let before = (work.world.intune_devices.len(), work.world.entra_devices.len());
    devices::enrol(work.world, (no, work.now), managed, &mut work.dice);
    let (now, mark) = (work.now, work.born());
    for device in &mut work.world.intune_devices[before.0..] {
        (device.mark, device.last_sync) = (mark.clone(), now);
    }
    for device in &mut work.world.entra_devices[before.1..] {
        device.mark = mark.clone();
    }
}

pub(super) fn reinstall(
    work: &mut Work<'_>,
    pick: &Pick,
    rmm: RmmSystem,
) -> Result<String, ChangeError> {
    let no = machine_of(work.world, pick)?;
    let host = work.world.machines[no].host.clone();
    if !retire(work, no, rmm) {
        return Err(ChangeError::Impossible(format!("{host} has no agent of {rmm:?}")));
    }
    let desks = Desks::of(work.world);
    enrol(work, &desks, no, rmm);
    Ok(format!("the {rmm:?} agent of {host} was installed again"))
}

pub(super) fn feature_update(work: &mut Work<'_>, pick: &Pick) -> Result<String, ChangeError> {
    let no = machine_of(work.world, pick)?;
    let now = work.now;
    work.world.machines[no].os_installed = now;
    touch(work, no);
    refresh_automate(work, no);
    Ok(format!("Windows of {} was upgraded", work.world.machines[no].host))
}

/// Automate takes inventory again: name, installation date, serial number.
fn refresh_automate(work: &mut Work<'_>, no: MachineNo) {
    let machine = &work.world.machines[no];
    let Some(row) = machine.automate_row else { return };
    let (host, installed, serial) =
        (machine.host.clone(), machine.os_installed, machine.serial.clone());
    let (now, version) = (work.now, work.version);
    let agent = &mut work.world.automate.computers[row];
    (agent.host, agent.os_installed, agent.serial) = (host, installed, serial);
    (agent.mark.modified, agent.mark.changed) = (now, version);
}

pub(super) fn rename(
    work: &mut Work<'_>,
    pick: &Pick,
    host: Option<&str>,
) -> Result<String, ChangeError> {
    let no = machine_of(work.world, pick)?;
    let (tenant, kind) = (work.world.machines[no].tenant, work.world.machines[no].kind);
    let number = 7_000 + work.version as usize % 2_900;
    let made = machines::host(tenant, kind, number, work.world, &mut work.dice);
    let host = host.map_or(made, str::to_owned);
    let old = std::mem::replace(&mut work.world.machines[no].host, host.clone());
    touch(work, no);
    refresh_automate(work, no);
    let (now, version) = (work.now, work.version);
    if let Some(row) = work.world.machines[no].control_row {
        let session = &mut work.world.control.sessions[row];
        session.host.clone_from(&host);
        (session.mark.modified, session.mark.changed) = (now, version);
    }
    for device in work.world.intune_devices.iter_mut().filter(|d| d.machine == no && d.current) {
        device.host.clone_from(&host);
        (device.mark.modified, device.mark.changed) = (now, version);
    }
    if let Some(row) = work.world.machines[no].entra_row {
        let mark = &mut work.world.entra_devices[row].mark;
        (mark.modified, mark.changed) = (now, version);
    }
    Ok(format!("{old} is {host} now"))
}

pub(super) fn swap_board(work: &mut Work<'_>, pick: &Pick) -> Result<String, ChangeError> {
    let no = machine_of(work.world, pick)?;
    let uuid = hardware::random_uuid(&mut work.dice);
    let machine = &mut work.world.machines[no];
    if machine.uuid_quirk != crate::world::UuidQuirk::Right {
        return Err(ChangeError::Impossible(format!("{} has a bad UUID already", machine.host)));
    }
    machine.earlier_uuids.push(std::mem::replace(&mut machine.uuid, uuid.clone()));
    touch(work, no);
    let (now, version) = (work.now, work.version);
    let spelt = hardware::spelt(&uuid, &mut work.dice);
    let inventoried = work.dice.chance(0.5);
    if let Some(row) = work.world.machines[no].automate_row.filter(|_| inventoried) {
        let agent = &mut work.world.automate.computers[row];
        agent.uuid = Some(spelt);
        (agent.mark.modified, agent.mark.changed) = (now, version);
    }
    Ok(format!("{} has a new mainboard", work.world.machines[no].host))
}

pub(super) fn add(work: &mut Work<'_>, pick: &Pick) -> Result<String, ChangeError> {
    let tenant = tenant_of(work.world, pick)?;
    let taken = |serial: &str| work.world.machines.iter().any(|m| m.serial == serial);
    let made = hardware::fresh(MachineKind::Laptop, taken, &mut work.dice);
    let number = 3_000 + work.version as usize % 2_000;
    let sketch = (MachineKind::Laptop, number);
    let mut machine = machines::machine(tenant, sketch, made, work.world, &mut work.dice);
    machine.os_installed = work.now;
    machine.mark = work.born();
    let host = machine.host.clone();
    work.world.machines.push(machine);
    let no = work.world.machines.len() - 1;
    let desks = Desks::of(work.world);
    let (automate, control) = desks.has(tenant);
    let both = work.dice.chance(0.5);
    if automate && (both || !control || work.dice.chance(0.5)) {
        enrol(work, &desks, no, RmmSystem::Automate);
    }
    if control && (both || work.world.machines[no].automate_row.is_none()) {
        enrol(work, &desks, no, RmmSystem::Control);
    }
    let intune =
        (work.world.tenants[tenant].directory).is_some_and(|d| work.world.directories[d].intune);
    if intune && work.dice.chance(0.3) {
        enrol_device(work, no, true);
    }
    Ok(format!("{host} is new at {}", work.world.tenants[tenant].name))
}

pub(super) fn remove(work: &mut Work<'_>, pick: &Pick) -> Result<String, ChangeError> {
    let no = machine_of(work.world, pick)?;
    bury(work, &|machine| machine == no);
    Ok(format!("{} was disposed of", work.world.machines[no].host))
}

pub(super) fn remove_share(work: &mut Work<'_>, share: f64) -> Result<String, ChangeError> {
    let live = |no: &MachineNo| work.world.machines[*no].mark.gone.is_none();
    let mut chosen: Vec<MachineNo> = (0..work.world.machines.len()).filter(live).collect();
    work.dice.shuffle(&mut chosen);
    chosen.truncate(crate::generate::share(chosen.len(), share));
    let gone: std::collections::HashSet<MachineNo> = chosen.into_iter().collect();
    bury(work, &|no| gone.contains(&no));
    Ok(format!("{} machines were disposed of", gone.len()))
}

/// Patches a share of all machines: Windows has another version, and the agents report it.
pub(super) fn touch_share(work: &mut Work<'_>, share: f64) -> String {
    let live = |no: &MachineNo| work.world.machines[*no].mark.gone.is_none();
    let mut chosen: Vec<MachineNo> = (0..work.world.machines.len()).filter(live).collect();
    work.dice.shuffle(&mut chosen);
    chosen.truncate(crate::generate::share(chosen.len(), share));
    let (now, version) = (work.now, work.version);
    for no in &chosen {
        let machine = &mut work.world.machines[*no];
        machine.os_version = format!("10.0.22631.{version}");
        let control = machine.control_row;
        touch(work, *no);
        refresh_automate(work, *no);
        if let Some(row) = control {
            let mark = &mut work.world.control.sessions[row].mark;
            (mark.modified, mark.changed) = (now, version);
        }
    }
    format!("{} machines were patched", chosen.len())
}

/// Removes machines from all systems.
fn bury(work: &mut Work<'_>, is: &dyn Fn(MachineNo) -> bool) {
    let mut rows = std::mem::take(&mut work.world.machines);
    let gone = rows.iter_mut().enumerate().filter(|(no, m)| m.mark.gone.is_none() && is(*no));
    gone.for_each(|(_, machine)| work.bury(&mut machine.mark));
    work.world.machines = rows;
    let mut rows = std::mem::take(&mut work.world.automate.computers);
    rows.iter_mut().filter(|c| is(c.machine)).for_each(|c| work.bury(&mut c.mark));
    work.world.automate.computers = rows;
    let mut rows = std::mem::take(&mut work.world.control.sessions);
    for session in rows.iter_mut().filter(|s| s.machine.is_some_and(is) && !s.ended) {
        session.ended = true;
        work.touch(&mut session.mark);
    }
    work.world.control.sessions = rows;
    let mut rows = std::mem::take(&mut work.world.intune_devices);
    rows.iter_mut().filter(|d| is(d.machine)).for_each(|d| work.bury(&mut d.mark));
    work.world.intune_devices = rows;
    let mut rows = std::mem::take(&mut work.world.entra_devices);
    rows.iter_mut().filter(|d| is(d.machine)).for_each(|d| work.bury(&mut d.mark));
    let devices: std::collections::HashSet<usize> =
        (0..rows.len()).filter(|row| is(rows[*row].machine)).collect();
    work.world.entra_devices = rows;
    leave_groups(work, &|member| matches!(member, Member::Device(row) if devices.contains(&row)));
    let mut rows = std::mem::take(&mut work.world.halo.assets);
    for asset in rows.iter_mut().filter(|a| a.machine.is_some_and(is) && !a.inactive) {
        asset.inactive = true;
        work.touch(&mut asset.mark);
    }
    work.world.halo.assets = rows;
}

pub(super) fn power(work: &mut Work<'_>, pick: &Pick, on: bool) -> Result<String, ChangeError> {
    let no = machine_of(work.world, pick)?;
    let now = work.now;
    crate::machine::power(work.world, no, on, now);
    let machine = &mut work.world.machines[no];
    machine.online = on;
    let what = format!("{} is {}", machine.host, if on { "on" } else { "off" });
    let (automate, control) = (machine.automate_row, machine.control_row);
    touch(work, no);
    if let Some(row) = automate {
        work.world.automate.computers[row].last_contact = now;
    }
    if let Some(row) = control {
        work.world.control.sessions[row].last_connected = now;
    }
    Ok(what)
}

pub(super) fn log_on(
    work: &mut Work<'_>,
    pick: &Pick,
    person: Option<&Pick>,
    local: Option<&str>,
) -> Result<String, ChangeError> {
    let no = machine_of(work.world, pick)?;
    let who = match (person, local) {
        (Some(person), _) => LoggedOn::Person(person_of(work.world, person)?),
        (None, Some(local)) => LoggedOn::Local(local.to_owned()),
        (None, None) => LoggedOn::Nobody,
    };
    let name = match &who {
        LoggedOn::Person(person) => work.world.persons[*person].upn.clone(),
        LoggedOn::Local(name) => name.clone(),
        LoggedOn::Nobody => "nobody".to_owned(),
    };
    let now = work.now;
    let machine = &mut work.world.machines[no];
    if who != LoggedOn::Nobody {
        machine.logons.push((now, who.clone()));
    }
    machine.logged_on = who;
    touch(work, no);
    Ok(format!("{name} is logged on to {}", work.world.machines[no].host))
}

pub(super) fn assign(
    work: &mut Work<'_>,
    pick: &Pick,
    person: &Pick,
) -> Result<String, ChangeError> {
    let no = machine_of(work.world, pick)?;
    let person = person_of(work.world, person)?;
    if work.world.persons[person].tenant != work.world.machines[no].tenant {
        return Err(ChangeError::Impossible("they are of different tenants".to_owned()));
    }
    work.world.machines[no].user = Some(person);
    log_on(work, &Pick::No(no), Some(&Pick::No(person)), None)
}

pub(super) fn relocate(work: &mut Work<'_>, pick: &Pick, to: &Pick) -> Result<String, ChangeError> {
    let (no, tenant) = (machine_of(work.world, pick)?, tenant_of(work.world, to)?);
    let host = work.world.machines[no].host.clone();
    if work.world.machines[no].tenant == tenant || work.world.machines[no].stray {
        return Err(ChangeError::Impossible(format!("{host} cannot be moved there")));
    }
    let desks = Desks::of(work.world);
    let place = desks.place(tenant, &mut work.dice);
    let spelling = desks.spelling(tenant).map(str::to_owned);
    let agents = &work.world.machines[no];
    let reachable = (agents.automate_row.is_some() && place.is_some())
        || (agents.control_row.is_some() && spelling.is_some());
    if !reachable {
        return Err(ChangeError::Impossible(format!("{host} would be in no RMM there")));
    }
    retire_devices(work, no, &host);
    let mut rows = std::mem::take(&mut work.world.intune_devices);
    rows.iter_mut().filter(|d| d.machine == no).for_each(|d| work.bury(&mut d.mark));
    work.world.intune_devices = rows;
    let mut rows = std::mem::take(&mut work.world.entra_devices);
    rows.iter_mut().filter(|d| d.machine == no).for_each(|d| work.bury(&mut d.mark));
    work.world.entra_devices = rows;
    move_agents(work, no, place, spelling.as_deref());
    let machine = &mut work.world.machines[no];
    machine.tenant = tenant;
    machine.user = None;
    machine.logged_on = LoggedOn::Nobody;
    machine.logons.clear();
    touch(work, no);
    Ok(format!("{host} was moved to {}", work.world.tenants[tenant].name))
}

/// Puts all agents of a machine under other clients; where there is none, they are removed.
fn move_agents(
    work: &mut Work<'_>,
    no: MachineNo,
    place: Option<(u64, u64)>,
    spelling: Option<&str>,
) {
    let mut rows = std::mem::take(&mut work.world.automate.computers);
    for agent in rows.iter_mut().filter(|c| c.machine == no && c.mark.gone.is_none()) {
        match place {
            Some((client, location)) => {
                (agent.client, agent.location) = (client, location);
                work.touch(&mut agent.mark);
            }
            None => {
                agent.current = false;
                work.bury(&mut agent.mark);
            }
        }
    }
    work.world.automate.computers = rows;
    let mut rows = std::mem::take(&mut work.world.control.sessions);
    for session in rows.iter_mut().filter(|s| s.machine == Some(no) && !s.ended) {
        match spelling {
            Some(spelling) => spelling.clone_into(&mut session.properties[0]),
            None => (session.ended, session.current) = (true, false),
        }
        work.touch(&mut session.mark);
    }
    work.world.control.sessions = rows;
    let machine = &mut work.world.machines[no];
    machine.automate_row = machine.automate_row.filter(|_| place.is_some());
    machine.control_row = machine.control_row.filter(|_| spelling.is_some());
}
