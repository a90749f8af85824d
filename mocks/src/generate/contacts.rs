//! HaloPSA's sites, contacts, assets, items and tickets.

use std::collections::HashMap;

use super::dice::Dice;
use super::mark;
use crate::world::{Account, Mark};
use crate::world::{
    HaloAsset, HaloItem, HaloSite, HaloTicket, HaloUser, MachineNo, PersonNo, TenantNo, World,
};

const ITEMS: &[(&str, bool, bool)] = &[
    ("Managed Workstation", true, false),
    ("Managed Server", true, false),
    ("Managed Security", true, false),
    ("Endpoint Backup", true, false),
    ("Server Backup", true, false),
    ("E-mail Security", true, false),
    ("Password Manager", true, false),
    ("Microsoft 365 Business Premium", true, false),
    ("Patch Management", true, false),
    ("Adobe Acrobat", true, false),
    ("Security Awareness Training", true, false),
    ("Firewall Rental", true, false),
    ("Legacy Antivirus", true, true),
    ("On-site Support Hour", false, false),
    ("Dock WD19S", false, false),
    ("Tape Rotation", false, true),
];

/// Makes them.
pub(super) fn fill(world: &mut World, dice: &mut Dice) {
    let created = dice.days_ago(world.epoch, 1_000, 2_000);
    for (at, (name, recurring, inactive)) in ITEMS.iter().enumerate() {
        world.halo.items.push(HaloItem {
            id: at as i64 * 3 + 5,
            name: (*name).to_owned(),
            recurring: *recurring,
            inactive: *inactive,
            mark: mark(created, created),
        });
    }
    let sites = sites(world, dice);
    let users = users(world, &sites, dice);
    assets(world, &sites, &users, dice);
    tickets(world, dice);
}

/// Sites of every client; returns the main site of every tenant.
fn sites(world: &mut World, dice: &mut Dice) -> HashMap<TenantNo, i64> {
    let mut main = HashMap::new();
    for row in 0..world.halo.clients.len() {
        let client = world.halo.clients[row].clone();
        let zone = client.tenant.map(|tenant| world.tenants[tenant].time_zone.clone());
        let names = &["Main", "Warehouse", "Branch"][..1 + dice.below(2)];
        for (at, name) in names.iter().enumerate() {
            let id = next_site(world);
            if let (0, Some(tenant), false) = (at, client.tenant, client.by_hand) {
                main.entry(tenant).or_insert(id);
            }
            let zone = if at == 0 { zone.clone() } else { None };
            world.halo.sites.push(site((id, client.id), name, zone, &client.mark));
        }
        let general = general_user(world);
        world.halo.users.push(general);
    }
    if let Some(own) = world.halo.clients.iter().find(|c| c.tenant == Some(0)).map(|c| c.id) {
        let id = next_site(world);
        let created = world.epoch;
        let mut stock = site((id, own), "Stock", None, &mark(created, created));
        stock.stock = true;
        world.halo.sites.push(stock);
    }
    main
}

fn next_site(world: &World) -> i64 {
    world.halo.sites.last().map_or(18, |site| site.id + 1)
}

/// A site.
pub(crate) fn site(
    (id, client): (i64, i64),
    name: &str,
    time_zone: Option<String>,
    mark: &Mark,
) -> HaloSite {
    HaloSite {
        id,
        client,
        name: name.to_owned(),
        time_zone,
        stock: false,
        inactive: false,
        mark: mark.clone(),
    }
}

/// The contact that HaloPSA makes with every client, at its first site.
fn general_user(world: &World) -> HaloUser {
    let id = world.halo.users.last().map_or(20, |user| user.id + 1);
    let (site, created) =
        world.halo.sites.last().map_or((0, world.epoch), |site| (site.id, site.mark.created));
    HaloUser {
        id,
        site,
        person: None,
        name: "General User".into(),
        email: None,
        login: None,
        azure_oid: None,
        inactive: false,
        mark: mark(created, created),
    }
}

/// Most members of a tenant are contacts too; returns their ids.
fn users(
    world: &mut World,
    sites: &HashMap<TenantNo, i64>,
    dice: &mut Dice,
) -> HashMap<PersonNo, i64> {
    let mut ids = HashMap::new();
    for (no, person) in world.persons.iter().enumerate() {
        let Some(site) = sites.get(&person.tenant) else { continue };
        if person.account != Account::Member || !dice.chance(0.8) {
            continue;
        }
        let id = world.halo.users.last().map_or(20, |user| user.id + 1);
        ids.insert(no, id);
        world.halo.users.push(HaloUser {
            id,
            site: *site,
            person: Some(no),
            name: person.display_name.clone(),
            email: person.mail.clone(),
            login: dice.chance(0.7).then(|| person.upn.clone()),
            azure_oid: dice.chance(0.6).then_some(person.id),
            inactive: !person.enabled || dice.chance(0.02),
            mark: person.mark.clone(),
        });
    }
    ids
}

/// The ids under which the other systems know a machine today.
#[derive(Default)]
struct Known {
    automate: Option<u64>,
    control: Option<uuid::Uuid>,
    intune: Option<uuid::Uuid>,
}

fn known(world: &World) -> Vec<Known> {
    let mut known: Vec<Known> = Vec::new();
    known.resize_with(world.machines.len(), Known::default);
    for computer in world.automate.computers.iter().filter(|c| c.current) {
        known[computer.machine].automate = Some(computer.id);
    }
    for session in world.control.sessions.iter().filter(|s| s.current) {
        if let Some(no) = session.machine {
            known[no].control = Some(session.id);
        }
    }
    for device in world.intune_devices.iter().filter(|d| d.current) {
        known[device.machine].intune = Some(device.id);
    }
    known
}

/// Three machines in five are assets, and so are some printers.
fn assets(
    world: &mut World,
    sites: &HashMap<TenantNo, i64>,
    users: &HashMap<PersonNo, i64>,
    dice: &mut Dice,
) {
    let known = known(world);
    let mut id = 100;
    for (no, known) in known.iter().enumerate() {
        let machine = &world.machines[no];
        let Some(site) = sites.get(&machine.tenant).filter(|_| !machine.stray) else { continue };
        if dice.chance(0.6) {
            id += 1;
            let linked = machine.user.and_then(|user| users.get(&user)).copied();
            let mut asset = asset((id, *site), Some(no), machine.host.clone(), world);
            asset.automate_id = known.automate.filter(|_| dice.chance(0.7));
            asset.control_id = known.control.filter(|_| dice.chance(0.5));
            asset.intune_id = known.intune.filter(|_| dice.chance(0.5));
            asset.users.extend(linked);
            asset.inactive = dice.chance(0.02);
            world.halo.assets.push(asset);
        }
        if dice.chance(0.04) {
            id += 1;
            let printer = asset((id, *site), None, format!("PRN-{}", dice.digits(4)), world);
            world.halo.assets.push(printer);
        }
    }
}

/// An asset with no ids of other systems yet.
pub(crate) fn asset(
    (id, site): (i64, i64),
    machine: Option<MachineNo>,
    inventory_number: String,
    world: &World,
) -> HaloAsset {
    let created = machine.map_or(world.epoch, |no| world.machines[no].mark.created);
    HaloAsset {
        id,
        site,
        machine,
        inventory_number,
        serial: machine.map(|no| world.machines[no].serial.clone()),
        automate_id: None,
        control_id: None,
        intune_id: None,
        users: Vec::new(),
        inactive: false,
        mark: mark(created, created),
    }
}

fn tickets(world: &mut World, dice: &mut Dice) {
    const SUMMARIES: &[&str] = &[
        "Cannot print",
        "Outlook asks for the password",
        "New starter on Monday",
        "Laptop is slow",
        "VPN drops",
        "Licence needed",
    ];
    let clients: HashMap<i64, i64> = world.halo.sites.iter().map(|s| (s.id, s.client)).collect();
    for at in 0..(world.options.computers / 20).clamp(5, 2_000) {
        if world.halo.users.is_empty() {
            return;
        }
        let user = &world.halo.users[dice.below(world.halo.users.len())];
        let opened = dice.days_ago(world.epoch, 0, 90);
        let mine = |asset: &&HaloAsset| asset.users.contains(&user.id);
        world.halo.tickets.push(HaloTicket {
            id: 2_000 + at as i64,
            summary: dice.pick(SUMMARIES).to_owned(),
            client: clients.get(&user.site).copied().unwrap_or_default(),
            site: user.site,
            user: Some(user.id),
            assets: world.halo.assets.iter().find(mine).map(|a| a.id).into_iter().collect(),
            status: if dice.chance(0.6) { 9 } else { 1 },
            mark: mark(opened, opened),
        });
    }
}
