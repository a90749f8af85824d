//! The customers as Automate, Control and HaloPSA list them: spelt differently in each, joined by
//! the cross-references that those systems carry, and some that nobody else has.
//!
//! Whose client a client is can be told by one of: HaloPSA's map of directories, Automate's
//! `ExternalId` (HaloPSA's client id), HaloPSA's Automate id, an equal name. The rest, marked
//! `by_hand`, only a human knows; those are never clients of the directory or of Automate.

use super::dice::Dice;
use super::names::{self, Companies};
use super::plan::{Home, Plan, Rmm, Share};
use super::{mark, share};
use crate::world::{AutomateClient, AutomateLocation, ControlClient, HaloClient, TenantNo, World};

/// Makes the clients of three systems, Automate's locations and HaloPSA's map of directories.
pub(super) fn fill(world: &mut World, plan: &Plan, companies: &mut Companies, dice: &mut Dice) {
    let by_hand = smallest(plan);
    stranger_in_halo(world, "Unknown", false);
    for (tenant, share) in plan.shares.iter().enumerate() {
        let own = share.home == Home::Own;
        let automate = share.rmm != Rmm::Control;
        let automate_far = automate && own && tenant != 0 && dice.chance(0.25);
        let halo_far = (own || automate) && tenant != 0 && dice.chance(0.25);
        let halo = halo_client(world, (tenant, share), halo_far, companies, dice);
        if own && (halo_far || dice.chance(0.6)) {
            map_directory(world, tenant, halo);
        }
        let mut spellings = vec![world.halo.clients[halo].name.clone()];
        if automate {
            // A name tells nothing where the customer has a second client in the same system.
            let joined = automate_far || halo_far || two_clients(tenant) || dice.chance(0.6);
            let far = automate_far.then(|| companies.far(&share.company, dice));
            let name = far.unwrap_or_else(|| names::near(&share.company, dice));
            spellings.push(name.clone());
            automate_client(world, tenant, (name, joined.then_some(halo)), dice);
            if two_clients(tenant) {
                second_client(world, (tenant, share), halo, dice);
            }
        }
        if share.rmm != Rmm::Automate {
            let name = if by_hand.contains(&tenant) {
                companies.far(&share.company, dice)
            } else {
                control_spelling(share, &spellings, dice)
            };
            let by_hand = by_hand.contains(&tenant);
            world.control.clients.push(ControlClient { name, tenant: Some(tenant), by_hand });
        }
    }
    strangers(world, plan, companies, dice);
}

/// The smallest customers in both RMMs, up to three in a hundred: Control spells them beyond
/// recognition.
fn smallest(plan: &Plan) -> Vec<TenantNo> {
    let mut small: Vec<TenantNo> = (1..plan.shares.len())
        .filter(|no| plan.shares[*no].rmm == Rmm::Both && plan.shares[*no].home == Home::Own)
        .collect();
    small.sort_by_key(|no| plan.shares[*no].machines);
    small.truncate(plan.shares.len() * 3 / 100);
    small
}

fn halo_client(
    world: &mut World,
    (tenant, share): (TenantNo, &Share),
    far: bool,
    companies: &mut Companies,
    dice: &mut Dice,
) -> usize {
    let name =
        if far { companies.far(&share.company, dice) } else { names::near(&share.company, dice) };
    let id = world.halo.clients.last().map_or(1, |c| c.id) + dice.between(1, 4);
    let domain = dice.chance(0.5).then(|| share.company.domain.clone());
    push_halo(world, HaloSketch { id, tenant: Some(tenant), name, domain, ..HaloSketch::default() })
}

#[derive(Default)]
struct HaloSketch {
    id: i64,
    tenant: Option<TenantNo>,
    name: String,
    domain: Option<String>,
    inactive: bool,
    by_hand: bool,
}

fn push_halo(world: &mut World, sketch: HaloSketch) -> usize {
    let created = sketch.tenant.map_or(world.epoch, |tenant| world.tenants[tenant].mark.created);
    world.halo.clients.push(HaloClient {
        id: sketch.id,
        tenant: sketch.tenant,
        name: sketch.name.trim().to_owned(),
        inactive: sketch.inactive,
        automate_id: None,
        domain: sketch.domain,
        by_hand: sketch.by_hand,
        mark: mark(created, created),
    });
    world.halo.clients.len() - 1
}

fn map_directory(world: &mut World, tenant: TenantNo, halo: usize) {
    let row = world.halo.azure_tenants.last().map_or(1, |(row, ..)| row + 1);
    if let Some(directory) = world.tenants[tenant].directory {
        world.halo.azure_tenants.push((row, directory, world.halo.clients[halo].id));
    }
}

/// A client of Automate; `halo` is the row of the client that a cross-reference joins it to.
fn automate_client(
    world: &mut World,
    tenant: TenantNo,
    (name, halo): (String, Option<usize>),
    dice: &mut Dice,
) {
    let id = world.automate.clients.last().map_or(1, |c| c.id + 1 + dice.below(3) as u64);
    let mut external_id = String::new();
    if let Some(row) = halo {
        if dice.chance(0.65) {
            external_id = world.halo.clients[row].id.to_string();
        } else {
            world.halo.clients[row].automate_id = Some(id);
        }
    } else if dice.chance(0.1) {
        // An account number of some older system: no cross-reference to anything there is.
        external_id = format!("ACCT-{}", dice.digits(5));
    }
    let company = match dice.below(5) {
        0 => String::new(),
        1 => world.tenants[tenant].name.clone(),
        _ => name.trim().to_owned(),
    };
    push_automate(world, Some(tenant), (id, name.trim().to_owned()), (company, external_id), dice);
}

fn push_automate(
    world: &mut World,
    tenant: Option<TenantNo>,
    (id, name): (u64, String),
    (company, external_id): (String, String),
    dice: &mut Dice,
) {
    let created = tenant.map_or(world.epoch, |tenant| world.tenants[tenant].mark.created);
    let row = mark(created, created);
    world.automate.clients.push(AutomateClient {
        id,
        tenant,
        name,
        company,
        external_id,
        mark: row.clone(),
    });
    for name in &["Main Office", "Warehouse", "Remote"][..1 + dice.below(3)] {
        let location = world.automate.locations.last().map_or(1, |l| l.id + 1);
        world.automate.locations.push(AutomateLocation {
            id: location,
            client: id,
            name: (*name).to_owned(),
            mark: row.clone(),
        });
    }
}

/// Whether the customer has two clients in Automate.
fn two_clients(tenant: TenantNo) -> bool {
    tenant % 40 == 7
}

/// A second client of the same customer, joined by the same cross-reference.
fn second_client(
    world: &mut World,
    (tenant, share): (TenantNo, &Share),
    halo: usize,
    dice: &mut Dice,
) {
    let id = world.automate.clients.last().map_or(1, |c| c.id + 1);
    let name = format!("{} - Annex", share.company.base);
    let external_id = world.halo.clients[halo].id.to_string();
    push_automate(world, Some(tenant), (id, name.clone()), (name, external_id), dice);
}

/// One of the other systems' spellings in other letters, or the right one nearly.
fn control_spelling(share: &Share, spellings: &[String], dice: &mut Dice) -> String {
    match spellings.get(dice.below(spellings.len())) {
        Some(name) if dice.chance(0.4) => names::recased(name.trim(), dice),
        _ => names::near(&share.company, dice),
    }
}

/// Clients nobody else has.
fn strangers(world: &mut World, plan: &Plan, companies: &mut Companies, dice: &mut Dice) {
    let id = world.automate.clients.last().map_or(1, |c| c.id + 3);
    push_automate(world, None, (id, "Workbench".into()), (String::new(), String::new()), dice);
    world.control.clients.push(ControlClient {
        name: "Workbench".into(),
        tenant: None,
        by_hand: false,
    });
    stranger_in_halo(world, "Bygone Ventures", true);
    for at in 0..share(plan.shares.len(), 0.08).max(2) {
        let prospect = companies.company("LLC", dice);
        let name = format!("{} (prospect)", prospect.legal_name());
        stranger_in_halo(world, &name, at % 3 == 2);
    }
    // A second HaloPSA client of a customer, for billing, under a name only its people know.
    let customers = plan.shares.len();
    for at in 0..customers * 3 / 100 {
        let tenant = 1 + (at * 37 + 11) % (customers - 1);
        let name = companies.far(&plan.shares[tenant].company, dice);
        let id = world.halo.clients.last().map_or(1, |c| c.id + 1);
        let sketch =
            HaloSketch { id, tenant: Some(tenant), name, by_hand: true, ..HaloSketch::default() };
        push_halo(world, sketch);
    }
}

fn stranger_in_halo(world: &mut World, name: &str, inactive: bool) {
    let id = world.halo.clients.last().map_or(1, |c| c.id + 1);
    push_halo(world, HaloSketch { id, name: name.to_owned(), inactive, ..HaloSketch::default() });
}
