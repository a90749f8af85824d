//! Tenants and their directories: most have one each, one serves two tenants (split by UPN
//! domain; it has no Intune, for a managed device does not say whose it is), some have none, and
//! one belongs to somebody who is no customer any more.

use chrono::{DateTime, Duration, Utc};

use super::dice::Dice;
use super::mark;
use super::names::{self, Company};
use super::plan::{Home, Plan};
use crate::world::{Directory, Relationship, Tenant, World};

/// Makes the tenants and directories.
pub(super) fn fill(world: &mut World, plan: &Plan, dice: &mut Dice) {
    for (no, share) in plan.shares.iter().enumerate() {
        let created = dice.days_ago(world.epoch, 200, 2_000);
        let directory = (share.home == Home::Own).then(|| {
            let made = directory(&share.company, no, created, world, dice);
            world.directories.push(made);
            world.directories.len() - 1
        });
        world.tenants.push(Tenant {
            name: share.company.legal_name(),
            domain: share.company.domain.clone(),
            time_zone: share.zone.to_owned(),
            directory,
            windows_domain: None,
            operator: no == 0,
            mark: mark(created, created),
        });
    }
    for (no, share) in plan.shares.iter().enumerate() {
        if let Home::With(host) = share.home
            && let Some(directory) = world.tenants[host].directory
        {
            world.tenants[no].directory = Some(directory);
            let shared = &mut world.directories[directory];
            shared.tenants.push(no);
            shared.domains.push(share.company.domain.clone());
            shared.intune = false;
        }
    }
    former_customer(world, dice);
}

/// A customer's (or the MSP's own) directory.
fn directory(
    company: &Company,
    tenant: usize,
    created: DateTime<Utc>,
    world: &World,
    dice: &mut Dice,
) -> Directory {
    let now = world.epoch;
    // Main domains are given once, so initial domains are too.
    let stem = company.domain.trim_end_matches(".example");
    let initial_domain = format!("{stem}.onmicrosoft.com");
    let partner = tenant == 0;
    let display_name = names::near(company, dice).trim().to_owned();
    let mut relationships = Vec::new();
    if !partner {
        relationships.push(relationship(&company.base, "active", now + days(dice, 30, 700), dice));
        // Every ninth was renewed early and has two at a time, every seventh keeps an expired one.
        if tenant % 9 == 1 {
            let end = now + days(dice, 30, 700);
            relationships.push(relationship(
                &format!("{} (new)", company.base),
                "active",
                end,
                dice,
            ));
        }
        if tenant % 7 == 2 {
            let end = now - days(dice, 30, 700);
            relationships.push(relationship(
                &format!("{} 2023", company.base),
                "expired",
                end,
                dice,
            ));
        }
    }
    let contract = (!partner && dice.chance(0.8)).then(|| dice.uuid());
    let contract_name = contract.map(|_| {
        let first = company.base.split(' ').next().unwrap_or_default();
        if dice.chance(0.2) { format!("{first} Holdings (old)") } else { display_name.clone() }
    });
    let on_premises =
        dice.chance(0.6).then(|| (format!("ad.{}", company.domain), netbios(&company.base)));
    Directory {
        id: if partner { world.credentials.graph_tenant } else { dice.uuid() },
        display_name,
        initial_domain: initial_domain.clone(),
        default_domain: company.domain.clone(),
        domains: vec![initial_domain, company.domain.clone()],
        tenants: vec![tenant],
        partner,
        on_premises,
        intune: partner || dice.chance(0.85),
        consented: true,
        relationships,
        contract,
        contract_name,
        mark: mark(created, created),
    }
}

/// Somebody who left: the relationship is terminated, the consent taken back, the row stays.
fn former_customer(world: &mut World, dice: &mut Dice) {
    let end = dice.days_ago(world.epoch, 40, 300);
    let created = end - days(dice, 300, 900);
    world.directories.push(Directory {
        id: dice.uuid(),
        display_name: "Bygone Ventures".into(),
        initial_domain: "bygoneventures.onmicrosoft.com".into(),
        default_domain: "bygone.example".into(),
        domains: vec!["bygoneventures.onmicrosoft.com".into(), "bygone.example".into()],
        tenants: Vec::new(),
        partner: false,
        on_premises: None,
        intune: false,
        consented: false,
        relationships: vec![relationship("Bygone Ventures", "expired", end, dice)],
        contract: None,
        contract_name: None,
        mark: mark(created, end),
    });
}

fn relationship(name: &str, status: &str, end: DateTime<Utc>, dice: &mut Dice) -> Relationship {
    Relationship {
        id: format!("{}-{}", dice.uuid(), dice.uuid()),
        display_name: name.chars().take(50).collect(),
        status: status.to_owned(),
        end,
    }
}

fn days(dice: &mut Dice, low: i64, high: i64) -> Duration {
    Duration::days(dice.between(low, high))
}

/// The Windows domain's short name: fifteen characters at most.
pub(super) fn netbios(base: &str) -> String {
    names::ascii(base).to_uppercase().chars().take(15).collect()
}
