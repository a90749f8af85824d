//! Changes of customers: how systems spell them, consent, permissions.

use super::change::{ChangeError, Pick, System, Work, find};
use crate::generate::names::{self, Company};
use crate::world::{Mark, Relationship, TenantNo, World};

/// Finds a tenant by number, name or domain.
pub(super) fn tenant_of(world: &World, pick: &Pick) -> Result<TenantNo, ChangeError> {
    find("tenant", &world.tenants, pick, |tenant, name| {
        tenant.name.eq_ignore_ascii_case(name) || tenant.domain.eq_ignore_ascii_case(name)
    })
}

/// A tenant's name, taken apart again.
fn company(world: &World, tenant: TenantNo) -> Company {
    let tenant = &world.tenants[tenant];
    let (base, legal) = tenant.name.rsplit_once(", ").unwrap_or((&tenant.name, ""));
    const FORMS: &[&str] = &["Inc.", "LLC", "Corp.", "Ltd", "GmbH"];
    let legal = FORMS.iter().find(|form| **form == legal).copied().unwrap_or("LLC");
    Company { base: base.to_owned(), legal, domain: tenant.domain.clone() }
}

fn spelling(
    work: &mut Work<'_>,
    tenant: Option<TenantNo>,
    name: Option<&str>,
) -> Result<String, ChangeError> {
    match (name, tenant) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, Some(tenant)) => {
            let company = company(work.world, tenant);
            Ok(names::near(&company, &mut work.dice).trim().to_owned())
        }
        (None, None) => Err(ChangeError::Impossible("say the new name of this client".to_owned())),
    }
}

fn unknown(client: &str) -> ChangeError {
    ChangeError::Unknown { kind: "client", name: client.to_owned() }
}

fn is(id: &str, name: &str, client: &str) -> bool {
    id == client || name.eq_ignore_ascii_case(client)
}

pub(super) fn rename(
    work: &mut Work<'_>,
    system: System,
    client: &str,
    name: Option<&str>,
) -> Result<String, ChangeError> {
    let world = &mut *work.world;
    let row = match system {
        System::Automate => {
            world.automate.clients.iter().position(|c| is(&c.id.to_string(), &c.name, client))
        }
        System::Control => world.control.clients.iter().position(|c| is("", &c.name, client)),
        System::Halo => {
            world.halo.clients.iter().position(|c| is(&c.id.to_string(), &c.name, client))
        }
    };
    let row = row.ok_or_else(|| unknown(client))?;
    let tenant = match system {
        System::Automate => world.automate.clients[row].tenant,
        System::Control => world.control.clients[row].tenant,
        System::Halo => world.halo.clients[row].tenant,
    };
    let new = spelling(work, tenant, name)?;
    let what = format!("{client} is now spelt {new}");
    match system {
        System::Automate => {
            let mut mark = work.world.automate.clients[row].mark.clone();
            work.touch(&mut mark);
            let client = &mut work.world.automate.clients[row];
            (client.name, client.mark) = (new, mark);
        }
        System::Control => respell(work, row, &new),
        System::Halo => {
            let mut mark = work.world.halo.clients[row].mark.clone();
            work.touch(&mut mark);
            let client = &mut work.world.halo.clients[row];
            (client.name, client.mark) = (new, mark);
        }
    }
    Ok(what)
}

/// In Control a client is only the text on its sessions.
fn respell(work: &mut Work<'_>, row: usize, new: &str) {
    let old = std::mem::replace(&mut work.world.control.clients[row].name, new.to_owned());
    let (now, version) = (work.now, work.version);
    for session in work.world.control.sessions.iter_mut().filter(|s| s.properties[0] == old) {
        new.clone_into(&mut session.properties[0]);
        (session.mark.modified, session.mark.changed) = (now, version);
    }
}

pub(super) fn remove(
    work: &mut Work<'_>,
    system: System,
    client: &str,
) -> Result<String, ChangeError> {
    match system {
        System::Automate => remove_from_automate(work, client)?,
        System::Control => {
            let rows = &mut work.world.control.clients;
            let row =
                rows.iter().position(|c| is("", &c.name, client)).ok_or_else(|| unknown(client))?;
            let name = rows.remove(row).name;
            let mut sessions = std::mem::take(&mut work.world.control.sessions);
            for session in sessions.iter_mut().filter(|s| s.properties[0] == name) {
                session.ended = true;
                work.touch(&mut session.mark);
            }
            work.world.control.sessions = sessions;
        }
        System::Halo => remove_from_halo(work, client)?,
    }
    Ok(format!("{client} was removed"))
}

fn remove_from_automate(work: &mut Work<'_>, client: &str) -> Result<(), ChangeError> {
    let mut automate = std::mem::take(&mut work.world.automate);
    let mut clients = automate.clients.iter_mut();
    let found = clients.find(|c| is(&c.id.to_string(), &c.name, client));
    let outcome = match found {
        None => Err(unknown(client)),
        Some(row) => {
            let id = row.id;
            work.bury(&mut row.mark);
            let marks = (automate.locations.iter_mut().filter(|l| l.client == id))
                .map(|l| &mut l.mark)
                .chain(
                    (automate.computers.iter_mut()).filter(|c| c.client == id).map(|c| &mut c.mark),
                );
            marks.for_each(|mark: &mut Mark| work.bury(mark));
            Ok(())
        }
    };
    work.world.automate = automate;
    outcome
}

fn remove_from_halo(work: &mut Work<'_>, client: &str) -> Result<(), ChangeError> {
    let mut halo = std::mem::take(&mut work.world.halo);
    let mut clients = halo.clients.iter_mut();
    let found = clients.find(|c| is(&c.id.to_string(), &c.name, client));
    let outcome = match found {
        None => Err(unknown(client)),
        Some(row) => {
            let id = row.id;
            work.bury(&mut row.mark);
            let sites: Vec<i64> =
                halo.sites.iter().filter(|s| s.client == id).map(|s| s.id).collect();
            let marks = (halo.sites.iter_mut().filter(|s| s.client == id).map(|s| &mut s.mark))
                .chain(
                    halo.users.iter_mut().filter(|u| sites.contains(&u.site)).map(|u| &mut u.mark),
                )
                .chain(
                    halo.assets.iter_mut().filter(|a| sites.contains(&a.site)).map(|a| &mut a.mark),
                )
                .chain(halo.contracts.iter_mut().filter(|c| c.client == id).map(|c| &mut c.mark))
                .chain(halo.invoices.iter_mut().filter(|i| i.client == id).map(|i| &mut i.mark));
            marks.for_each(|mark: &mut Mark| work.bury(mark));
            halo.azure_tenants.retain(|(_, _, client)| *client != id);
            Ok(())
        }
    };
    work.world.halo = halo;
    outcome
}

/// A relationship leads to the directory, the app has consent, and HaloPSA maps it to the client.
pub(super) fn connect(work: &mut Work<'_>, pick: &Pick) -> Result<String, ChangeError> {
    let tenant = tenant_of(work.world, pick)?;
    let name = work.world.tenants[tenant].name.clone();
    let here = work.world.persons.iter().find(|person| person.tenant == tenant);
    let unconnected = work.world.tenants[tenant].directory.is_none();
    let Some(directory) = here.map(|person| person.directory).filter(|_| unconnected) else {
        return Err(ChangeError::Impossible(format!("{name} has no directory to connect")));
    };
    let relationship = Relationship {
        id: format!("{}-{}", work.dice.uuid(), work.dice.uuid()),
        display_name: name.chars().take(50).collect(),
        status: "active".to_owned(),
        end: work.now + chrono::Duration::days(700),
    };
    let mut mark = work.world.directories[directory].mark.clone();
    work.touch(&mut mark);
    let row = &mut work.world.directories[directory];
    (row.consented, row.mark) = (true, mark);
    row.tenants.push(tenant);
    row.relationships.push(relationship);
    work.world.tenants[tenant].directory = Some(directory);
    let halo = &mut work.world.halo;
    let row = halo.azure_tenants.last().map_or(1, |(row, ..)| row + 1);
    if let Some(client) = halo.clients.iter().find(|c| c.tenant == Some(tenant) && !c.by_hand) {
        halo.azure_tenants.push((row, directory, client.id));
    }
    Ok(format!("{name} connected its directory"))
}

pub(super) fn consent(
    work: &mut Work<'_>,
    pick: &Pick,
    granted: bool,
) -> Result<String, ChangeError> {
    let tenant = tenant_of(work.world, pick)?;
    let name = work.world.tenants[tenant].name.clone();
    let Some(directory) = work.world.tenants[tenant].directory else {
        return Err(ChangeError::Impossible(format!("{name} has no directory")));
    };
    work.world.directories[directory].consented = granted;
    Ok(format!("{name} {} its consent", if granted { "gave" } else { "took back" }))
}

pub(super) fn permissions(
    work: &mut Work<'_>,
    graph: Option<&[String]>,
    halo: Option<&[String]>,
) -> String {
    if let Some(graph) = graph {
        work.world.credentials.graph_permissions = graph.to_vec();
    }
    if let Some(halo) = halo {
        work.world.credentials.halo_scopes = halo.to_vec();
    }
    "permissions are as said".to_owned()
}
