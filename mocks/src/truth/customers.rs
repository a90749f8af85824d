//! Whose client is whose.

use super::Tenant;
use crate::world::World;

/// The tenants with their clients in all systems.
pub(super) fn tenants(world: &World) -> Vec<Tenant> {
    let mut tenants: Vec<Tenant> = (world.tenants.iter().enumerate())
        .map(|(no, tenant)| Tenant {
            no,
            name: tenant.name.clone(),
            domain: tenant.domain.clone(),
            time_zone: tenant.time_zone.clone(),
            operator: tenant.operator,
            clients: std::collections::BTreeMap::new(),
            by_hand: Vec::new(),
            domain_split: None,
        })
        .collect();
    for directory in world.directories.iter().filter(|d| d.mark.gone.is_none()) {
        let mut served = directory.tenants.iter();
        if let Some(first) = served.next() {
            add(&mut tenants[*first], ("azure-ad", directory.id.to_string()), false);
        }
        for lodger in served {
            let tenant = &mut tenants[*lodger];
            tenant.domain_split = Some((directory.id, tenant.domain.clone()));
        }
    }
    each(world, |kind, id, tenant, by_hand| {
        if let Some(tenant) = tenant {
            add(&mut tenants[tenant], (kind, id), by_hand);
        }
    });
    tenants
}

/// Clients that are no customer.
pub(super) fn unlinked(world: &World) -> Vec<(String, String)> {
    let mut unlinked = Vec::new();
    each(world, |kind, id, tenant, _| {
        if tenant.is_none() {
            unlinked.push((kind.to_owned(), id));
        }
    });
    unlinked
}

/// Every client of the three systems that list customers: kind, id, tenant, by hand only.
fn each(world: &World, mut act: impl FnMut(&str, String, Option<usize>, bool)) {
    for client in world.automate.clients.iter().filter(|c| c.mark.gone.is_none()) {
        act("cw-automate", client.id.to_string(), client.tenant, false);
    }
    for client in &world.control.clients {
        act("cw-control", client.name.clone(), client.tenant, client.by_hand);
    }
    for client in world.halo.clients.iter().filter(|c| c.mark.gone.is_none()) {
        act("halopsa", client.id.to_string(), client.tenant, client.by_hand);
    }
}

fn add(tenant: &mut Tenant, (kind, id): (&str, String), by_hand: bool) {
    if by_hand {
        tenant.by_hand.push((kind.to_owned(), id.clone()));
    }
    tenant.clients.entry(kind.to_owned()).or_default().push(id);
}
