//! Customers whose machines are in a domain of their own that no cloud directory is synced from, and
//! who have not connected a directory (yet): accounts are `DOMAIN\user`, and which UPN that is only a
//! domain controller of theirs can tell. Nothing is drawn where the options ask for none.

use chrono::Duration;

use super::dice::Dice;
use super::machines::personal;
use super::people::{self, Taken};
use super::tenants::netbios;
use super::{mark, share};
use crate::world::{
    Account, Directory, DirectoryNo, LoggedOn, MachineKind, MachineNo, TenantNo, UuidQuirk, World,
};

/// Gives customers without a directory such a domain.
pub(super) fn fill(world: &mut World, dice: &mut Dice) {
    let without = world.tenants.iter().filter(|tenant| tenant.directory.is_none()).count();
    let wanted = share(without, world.options.unsynced_domains);
    let mut taken = Taken::new();
    for person in &world.persons {
        for upn in person.earlier_upns.iter().chain([&person.upn]) {
            *taken.entry(upn.to_lowercase()).or_default() += 1;
        }
    }
    let fitting = (1..world.tenants.len())
        .filter(|no| world.tenants[*no].directory.is_none())
        .filter_map(|no| Some((no, controller(world, no)?)));
    let fitting: Vec<(TenantNo, MachineNo)> = fitting.take(wanted).collect();
    for (tenant, controller) in fitting {
        let directory = unconnected(world, tenant, dice);
        let name = world.tenants[tenant].name.clone();
        let dns = format!("corp.{}", world.tenants[tenant].domain);
        world.tenants[tenant].windows_domain = Some((dns, netbios(&name)));
        promote(world, controller);
        employ(world, (tenant, directory), &mut taken, dice);
    }
}

/// A machine that can be the domain controller: sound, on, and in the RMM that knows what it does.
fn controller(world: &World, tenant: TenantNo) -> Option<MachineNo> {
    let sound = world.machines.iter().enumerate().filter(|(_, machine)| {
        machine.tenant == tenant
            && !machine.stray
            && machine.online
            && machine.automate_row.is_some()
            && machine.uuid_quirk == UuidQuirk::Right
            && machine.wiped.is_empty()
            && machine.earlier_uuids.is_empty()
    });
    sound.min_by_key(|(_, machine)| machine.kind != MachineKind::Server).map(|(no, _)| no)
}

/// The directory that nobody has connected: no relationship leads to it.
fn unconnected(world: &mut World, tenant: TenantNo, dice: &mut Dice) -> DirectoryNo {
    let owner = &world.tenants[tenant];
    let stem = owner.domain.trim_end_matches(".example");
    let initial_domain = format!("{stem}.onmicrosoft.com");
    world.directories.push(Directory {
        id: dice.uuid(),
        display_name: owner.name.clone(),
        initial_domain: initial_domain.clone(),
        default_domain: owner.domain.clone(),
        domains: vec![initial_domain, owner.domain.clone()],
        tenants: Vec::new(),
        partner: false,
        on_premises: None,
        intune: false,
        consented: false,
        relationships: Vec::new(),
        contract: None,
        contract_name: None,
        mark: owner.mark.clone(),
    });
    world.directories.len() - 1
}

fn promote(world: &mut World, no: MachineNo) {
    let machine = &mut world.machines[no];
    machine.kind = MachineKind::DomainController;
    machine.os = "Microsoft Windows Server 2022 Standard x64".to_owned();
    machine.os_version = "10.0.20348".to_owned();
    machine.logged_on = LoggedOn::Nobody;
    machine.logons = Vec::new();
}

/// A person for each personal machine, who logs on to it with his account of the domain.
fn employ(world: &mut World, home: (TenantNo, DirectoryNo), taken: &mut Taken, dice: &mut Dice) {
    for no in 0..world.machines.len() {
        let machine = &world.machines[no];
        if machine.tenant != home.0 || machine.stray || !personal(machine.kind) {
            continue;
        }
        let mut person = people::person(home, Account::Member, world, taken, dice);
        person.enabled = true;
        person.sam = Some(people::sam(&person.upn));
        person.mark = mark(world.epoch - Duration::days(400), world.epoch - Duration::days(400));
        world.persons.push(person);
        let user = world.persons.len() - 1;
        let machine = &mut world.machines[no];
        machine.user = Some(user);
        machine.logons.iter_mut().for_each(|(_, who)| *who = LoggedOn::Person(user));
        machine.logged_on = if machine.online { LoggedOn::Person(user) } else { LoggedOn::Nobody };
    }
}
